"""What is past its time: found and deleted in small batches that never hold writers up."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any

import msgspec
from sqlalchemy import Table, delete, func, select

from retrospec.domain.session import Stage
from retrospec.storage import cluster_expiry
from retrospec.storage.among import among
from retrospec.storage.database import Connection
from retrospec.storage.tables import (
    artifacts,
    chunks,
    films,
    issue_sessions,
    issues,
    judged_sessions,
    markers,
    place_marks,
    reports,
    session_assets,
    session_words,
    sessions,
    watch_uses,
)
from retrospec.storage.tables import (
    expired_sessions as expired,
)
from retrospec.storage.upsert import insert_new

SessionName = tuple[str, str]
"""``(project_id, session_id)``."""


class Worth(Enum):
    """How much a session would be missed; the governor evicts in this order, the oldest first."""

    HEALTHY = "judged, and nothing failed"
    DISCARDED = "judged, and its failures did not stand"
    OLD = "any other that was judged"
    REPRESENTATIVE = "the one an issue shows"
    PINNED = "somebody asked to keep it"


WORTH = tuple(Worth)


class Belongings(msgspec.Struct):
    """Keys of the objects that belong to some sessions."""

    events: list[str]
    artifacts: list[str]


async def expired_sessions(
    connection: Connection, *, before: datetime, limit: int, project_id: str = "", but_not: Sequence[str] = ()
) -> list[SessionName]:
    """Sessions that arrived before ``before`` and are not pinned, oldest first; of one project, or of all but some."""
    query = (
        select(sessions.c.project_id, sessions.c.id)
        .where(sessions.c.created_at < before, sessions.c.pinned.is_(False))
        .order_by(sessions.c.created_at)
        .limit(limit)
    )
    if project_id:
        query = query.where(sessions.c.project_id == project_id)
    if but_not:
        query = query.where(sessions.c.project_id.not_in(but_not))
    return [(row.project_id, row.id) for row in await connection.execute(query)]


async def belongings(connection: Connection, named: Sequence[SessionName]) -> Belongings:
    """What these sessions own in the blob store."""
    kept = []
    for table, column in ((chunks, chunks.c.object_key), (artifacts, artifacts.c.artifact_key)):
        found = await connection.execute(
            select(column).where(among(table.c.project_id, table.c.session_id, named))
        )
        kept.append([row[0] for row in found if row[0]])
    return Belongings(*kept)


async def least_missed(connection: Connection, worth: Worth, *, limit: int) -> list[SessionName]:
    """The oldest sessions of this worth, of all projects; none that is still being worked on."""
    shows = (
        select(issues.c.key)
        .where(
            issues.c.project_id == sessions.c.project_id,
            issues.c.representative_session_id == sessions.c.id,
            issues.c.promoted_at.is_not(None),
        )
        .exists()
    )
    discarded = sessions.c.report_status == "discarded"
    of_worth: dict[Worth, list[Any]] = {
        Worth.HEALTHY: [discarded, sessions.c.marker_count == 0, sessions.c.pinned.is_(False)],
        Worth.DISCARDED: [discarded, sessions.c.pinned.is_(False), ~shows],
        Worth.OLD: [sessions.c.pinned.is_(False), ~shows],
        Worth.REPRESENTATIVE: [sessions.c.pinned.is_(False)],
        Worth.PINNED: [],
    }
    found = await connection.execute(
        select(sessions.c.project_id, sessions.c.id)
        .where(sessions.c.stage.in_((Stage.DONE, Stage.DEAD)), *of_worth[worth])
        .order_by(sessions.c.created_at)
        .limit(limit)
    )
    return [(row.project_id, row.id) for row in found]


async def stored_bytes(connection: Connection) -> int:
    """Sizes of all recordings and artifacts, as stored."""
    sums = [
        await connection.scalar(select(func.coalesce(func.sum(table.c.size_bytes), 0)))
        for table in (chunks, artifacts)
    ]
    return sum(map(int, sums))


async def bytes_of(connection: Connection, named: Sequence[SessionName]) -> int:
    """What these sessions' recordings and artifacts take in the blob store."""
    size_bytes = 0
    for table in (chunks, artifacts):
        theirs = among(table.c.project_id, table.c.session_id, named)
        added = await connection.scalar(select(func.coalesce(func.sum(table.c.size_bytes), 0)).where(theirs))
        size_bytes += int(added)  # PostgreSQL adds bigints up to a numeric
    return size_bytes


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


async def forget_sessions(connection: Connection, named: Sequence[SessionName], *, now: datetime) -> int:
    """Delete the rows of these sessions; issues keep their counts. How many sessions went.

    Of those that an issue counted, their name and when they went is kept: issues still name them.
    """
    await _note_expired(connection, named, now)
    await cluster_expiry.remember_overlaps(connection, named)
    for table in of_sessions():
        await connection.execute(
            delete(table).where(among(table.c.project_id, table.c.session_id, named))
        )
    gone = await connection.execute(
        delete(sessions).where(among(sessions.c.project_id, sessions.c.id, named))
    )
    return gone.rowcount


def of_sessions() -> tuple[Table, ...]:
    """The tables whose rows go with their session."""
    return (chunks, markers, artifacts, reports, issue_sessions, judged_sessions, session_assets, films, watch_uses, session_words, place_marks)


async def _note_expired(connection: Connection, named: Sequence[SessionName], now: datetime) -> None:
    found = await connection.execute(
        select(issue_sessions.c.project_id, issue_sessions.c.session_id)
        .where(
            among(issue_sessions.c.project_id, issue_sessions.c.session_id, named),
            issue_sessions.c.counted.is_(True),
        )
        .distinct()
    )
    noted = [{"project_id": row.project_id, "session_id": row.session_id, "expired_at": now} for row in found]
    if noted:
        await connection.execute(insert_new(connection, expired), noted)


async def expired_at(connection: Connection, project_id: str, session_id: str) -> datetime | None:
    """When a session that an issue counted went past its retention; None for any other."""
    found: datetime | None = await connection.scalar(
        select(expired.c.expired_at).where(expired.c.project_id == project_id, expired.c.session_id == session_id)
    )
    return found


async def forget_notes(connection: Connection, *, before: datetime) -> int:
    """Delete what is kept of sessions that expired before ``before``; how many."""
    return (await connection.execute(delete(expired).where(expired.c.expired_at < before))).rowcount


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
    await cluster_expiry.forget(connection, stale)
    await connection.execute(delete(issues).where(among(issues.c.project_id, issues.c.key, stale)))
    return len(stale)


async def give_back_space(connection: Connection, pages: int = 200) -> bool:
    """Return at most so many freed pages to the file system (SQLite only); whether there are more. Some 0.1 ms each."""
    if connection.dialect.name != "sqlite":
        return False
    free = int((await connection.exec_driver_sql("PRAGMA freelist_count")).scalar())
    for _ in range(min(free, pages)):  # Python's driver takes one step of the statement, and each step returns one page
        await connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")
    return free > pages
