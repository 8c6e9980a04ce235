"""How long each project keeps what, and what of a session goes before the session does."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Table, delete, select, tuple_

from retrospec.domain.session import Stage
from retrospec.storage.among import among
from retrospec.storage.database import Connection
from retrospec.storage.tables import artifacts, chunks, project_retention, sessions
from retrospec.storage.upsert import upsert


class Terms(msgspec.Struct, kw_only=True, frozen=True):
    """Ages in days; 0 takes what the settings say (``days``) or goes with the session (the others)."""

    days: int = 0
    recording_days: int = 0
    artifact_days: int = 0


async def of_projects(connection: Connection) -> dict[str, Terms]:
    """The terms of the projects that have their own."""
    found = await connection.execute(select(project_retention))
    return {
        row.project_id: Terms(days=row.days, recording_days=row.recording_days, artifact_days=row.artifact_days)
        for row in found
    }


async def of_project(connection: Connection, project_id: str) -> Terms:
    """A project's own terms; all zero where it has none."""
    row = (await connection.execute(select(project_retention).where(project_retention.c.project_id == project_id))).first()
    return Terms() if row is None else Terms(days=row.days, recording_days=row.recording_days, artifact_days=row.artifact_days)


async def set_terms(connection: Connection, project_id: str, terms: Terms) -> None:
    """Give a project its own terms; all zero takes them away."""
    if terms == Terms():
        await connection.execute(delete(project_retention).where(project_retention.c.project_id == project_id))
        return
    values = {"project_id": project_id} | msgspec.structs.asdict(terms)
    await connection.execute(upsert(connection, project_retention, replaced=("days", "recording_days", "artifact_days")), values)


async def forget_recordings(
    connection: Connection, *, before: datetime, limit: int, project_id: str = "", but_not: Sequence[str] = ()
) -> list[str]:
    """Take recordings older than ``before`` from judged sessions that are not pinned; the keys of their blobs."""
    return await _forget(connection, chunks, "object_key", before, limit, project_id, but_not)


async def forget_artifacts(
    connection: Connection, *, before: datetime, limit: int, project_id: str = "", but_not: Sequence[str] = ()
) -> list[str]:
    """The same for artifacts."""
    return await _forget(connection, artifacts, "artifact_key", before, limit, project_id, but_not)


async def _forget(
    connection: Connection, table: Table, key: str, before: datetime, limit: int, project_id: str, but_not: Sequence[str]
) -> list[str]:
    primary = list(table.primary_key.columns)
    query = (
        select(*primary, table.c[key].label("blob"))
        .join(sessions, (sessions.c.project_id == table.c.project_id) & (sessions.c.id == table.c.session_id))
        .where(table.c.created_at < before, sessions.c.pinned.is_(False), sessions.c.stage.in_((Stage.DONE, Stage.DEAD)))
        .order_by(table.c.created_at)
        .limit(limit)
    )
    if project_id:
        query = query.where(table.c.project_id == project_id)
    if but_not:
        query = query.where(table.c.project_id.not_in(but_not))
    found = (await connection.execute(query)).all()
    if found:
        names = [tuple(row)[:-1] for row in found]
        theirs = among(table.c.project_id, table.c.session_id, {(row.project_id, row.session_id) for row in found})
        await connection.execute(delete(table).where(theirs, tuple_(*primary).in_(names)))
    return [row.blob for row in found if row.blob]
