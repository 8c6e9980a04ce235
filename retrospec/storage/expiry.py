"""What is past its time: found and deleted in small batches that never hold writers up."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import delete, select, tuple_

from retrospec.storage import clusters
from retrospec.storage.database import Connection
from retrospec.storage.tables import (
    artifacts,
    chunks,
    films,
    issue_sessions,
    issues,
    judged_sessions,
    markers,
    reports,
    sessions,
)
from retrospec.storage.workflow_tables import watch_uses

SessionName = tuple[str, str]
"""``(project_id, session_id)``."""


class Belongings(msgspec.Struct):
    """Keys of the objects that belong to some sessions."""

    events: list[str]
    artifacts: list[str]


async def expired_sessions(
    connection: Connection, *, before: datetime, limit: int, project_id: str = ""
) -> list[SessionName]:
    """Sessions that arrived before ``before`` and are not pinned, oldest first."""
    query = (
        select(sessions.c.project_id, sessions.c.id)
        .where(sessions.c.created_at < before, sessions.c.pinned.is_(False))
        .order_by(sessions.c.created_at)
        .limit(limit)
    )
    if project_id:
        query = query.where(sessions.c.project_id == project_id)
    return [(row.project_id, row.id) for row in await connection.execute(query)]


async def belongings(connection: Connection, named: Sequence[SessionName]) -> Belongings:
    """What these sessions own in the blob store."""
    kept = []
    for table, column in ((chunks, chunks.c.object_key), (artifacts, artifacts.c.artifact_key)):
        found = await connection.execute(
            select(column).where(tuple_(table.c.project_id, table.c.session_id).in_(named))
        )
        kept.append([row[0] for row in found if row[0]])
    return Belongings(*kept)


async def owned_keys(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Those of ``keys`` (recordings, artifacts) that a row points at."""
    sessions_named = {name for key in keys if (name := _session_of(key))}
    if not sessions_named:
        return set()
    owned = await belongings(connection, sorted(sessions_named))
    return {*owned.events, *owned.artifacts} & set(keys)


def _session_of(key: str) -> SessionName | None:
    """``session-events/<project>/y/m/d/<site>/<session>…`` and ``artifacts/<project>/y/m/d/<session>/…``."""
    parts = key.split("/")
    place = {"session-events": 6, "artifacts": 5}.get(parts[0], len(parts))
    return (parts[1], parts[place].removesuffix(".json")) if len(parts) > place else None


async def forget_sessions(connection: Connection, named: Sequence[SessionName]) -> int:
    """Delete the rows of these sessions; issues keep their counts. How many sessions went."""
    await clusters.remember_overlaps(connection, named)
    for table in (chunks, markers, artifacts, reports, issue_sessions, judged_sessions, films, watch_uses):
        await connection.execute(
            delete(table).where(tuple_(table.c.project_id, table.c.session_id).in_(named))
        )
    gone = await connection.execute(
        delete(sessions).where(tuple_(sessions.c.project_id, sessions.c.id).in_(named))
    )
    return gone.rowcount


async def forget_stale_tallies(connection: Connection, *, before: datetime, limit: int) -> int:
    """Delete tallies that never became issues and were last seen before ``before``; how many."""
    found = await connection.execute(
        select(issues.c.project_id, issues.c.key)
        .where(issues.c.promoted_at.is_(None), issues.c.last_seen_at < before)
        .limit(limit)
    )
    stale = [(row.project_id, row.key) for row in found]
    if not stale:
        return 0
    await clusters.forget(connection, stale)
    await connection.execute(delete(issues).where(tuple_(issues.c.project_id, issues.c.key).in_(stale)))
    return len(stale)


async def give_back_space(connection: Connection) -> None:
    """Return freed pages to the file system, a bounded number at a time (SQLite only)."""
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql("PRAGMA incremental_vacuum(2000)")
