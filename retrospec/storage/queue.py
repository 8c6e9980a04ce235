"""The queue as the stage column tells it: whose turn it is, how deep it is, and its dead letters."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import and_, case, func, literal, or_, select, update

from retrospec.domain.session import Stage
from retrospec.storage.among import among
from retrospec.storage.dashboard import Cursor, past
from retrospec.storage.database import Connection
from retrospec.storage.tables import chunks, sessions

SessionName = tuple[str, str]
"""``(project_id, session_id)``."""

TURNS_PER_PROJECT = 16
LONG_ENOUGH = timedelta(minutes=10)
"""A session without markers that waited so long is no longer put behind those with."""
_WAITING = (Stage.RECORDING, Stage.ANALYSIS, Stage.CONFIRMATION)


class Depth(msgspec.Struct, kw_only=True):
    """How much there is at one stage."""

    stage: str
    waiting: int
    """Due, and nobody's."""
    held: int
    retrying: int
    """Failed before, due later."""
    later: int
    """Not yet due: visits still going on."""
    oldest_due_at: datetime | None


class DeadLetter(msgspec.Struct, kw_only=True):
    """A session that was given up, why, and where its recording lies."""

    project_id: str
    session_id: str
    stage: str
    """The stage that failed."""
    attempt: int
    error: str
    died_at: datetime
    marker_count: int
    size_bytes: int
    payload: str
    """Key of its recording in the blob store; of its first chunk where there are several."""
    chunk_count: int = 0


def _is_due(now: datetime, stages: Sequence[Stage] = _WAITING) -> Any:
    free = or_(sessions.c.lease_until.is_(None), sessions.c.lease_until < now)
    return and_(sessions.c.stage.in_(stages), sessions.c.not_before <= now, free)


async def next_turns(
    connection: Connection, *, now: datetime, per_project: int = TURNS_PER_PROJECT, stages: Sequence[Stage] = _WAITING
) -> list[SessionName]:
    """Who is next: projects take turns; within one, sessions with markers first, then the longest due."""
    is_behind = case((or_(sessions.c.marker_count > 0, sessions.c.not_before < now - LONG_ENOUGH), 0), else_=1)
    order = (is_behind, sessions.c.not_before, sessions.c.id)
    turn = func.row_number().over(partition_by=sessions.c.project_id, order_by=order)
    ranked = (
        select(sessions.c.project_id, sessions.c.id, sessions.c.not_before, is_behind.label("behind"), turn.label("turn"))
        .where(_is_due(now, stages))
        .subquery()
    )
    found = await connection.execute(
        select(ranked.c.project_id, ranked.c.id)
        .where(ranked.c.turn <= per_project)
        .order_by(ranked.c.turn, ranked.c.behind, ranked.c.not_before)
    )
    return [(row.project_id, row.id) for row in found]


async def backlog(connection: Connection, *, now: datetime) -> int:
    """Sessions that are due and wait for a worker."""
    return int(await connection.scalar(select(func.count()).select_from(sessions).where(_is_due(now))))


async def depths(connection: Connection, *, now: datetime) -> list[Depth]:
    """Each stage that has sessions to work on."""
    held = sessions.c.lease_until >= now
    is_later = and_(sessions.c.not_before > now, ~func.coalesce(held, literal(False)))
    due = _is_due(now)
    found = await connection.execute(
        select(
            sessions.c.stage,
            func.count().filter(due).label("waiting"),
            func.count().filter(held).label("held"),
            func.count().filter(and_(is_later, sessions.c.attempt > 0)).label("retrying"),
            func.count().filter(and_(is_later, sessions.c.attempt == 0)).label("later"),
            func.min(case((due, sessions.c.not_before))).label("oldest_due_at"),
        )
        .where(sessions.c.stage.in_(_WAITING))
        .group_by(sessions.c.stage)
    )
    return [Depth(**row._mapping) for row in found]


async def count_dead(connection: Connection, project_id: str = "") -> int:
    """How many dead letters there are."""
    query = select(func.count()).select_from(sessions).where(_is_dead(project_id, connection.dialect.name))
    return int(await connection.scalar(query))


async def dead_letters(
    connection: Connection, *, project_id: str = "", session_id: str = "", limit: int = 100, after: Cursor | None = None
) -> list[DeadLetter]:
    """Sessions that were given up, the latest first; of one project, or of one id, where named."""
    first = (
        select(func.min(chunks.c.object_key))
        .where(chunks.c.project_id == sessions.c.project_id, chunks.c.session_id == sessions.c.id)
        .scalar_subquery()
    )
    number = (
        select(func.count())
        .where(chunks.c.project_id == sessions.c.project_id, chunks.c.session_id == sessions.c.id)
        .scalar_subquery()
    )
    query = (
        select(
            sessions.c.project_id, sessions.c.id.label("session_id"), sessions.c.dead_stage.label("stage"),
            sessions.c.attempt, sessions.c.last_error.label("error"), sessions.c.updated_at.label("died_at"),
            sessions.c.marker_count, sessions.c.size_bytes,
            func.coalesce(first, sessions.c.events_object_key).label("payload"), number.label("chunk_count"),
        )
        .where(_is_dead(project_id, connection.dialect.name))
        .order_by(sessions.c.updated_at.desc(), sessions.c.id.desc())
        .limit(limit)
    )  # fmt: skip
    if after is not None:
        query = query.where(past(after, sessions.c.updated_at, sessions.c.id, names_fall=True))
    if session_id:
        query = query.where(sessions.c.id == session_id)
    return [DeadLetter(**row._mapping) for row in await connection.execute(query)]


async def revive(connection: Connection, named: Sequence[SessionName], *, now: datetime) -> int:
    """Put these dead letters back to the first stage, with all their attempts; how many were dead."""
    revived = await connection.execute(
        update(sessions)
        .where(sessions.c.stage == Stage.DEAD, among(sessions.c.project_id, sessions.c.id, named))
        .values(
            stage=Stage.ANALYSIS, dead_stage="", attempt=0, not_before=now, rung_at=None, lease_until=None,
            lease_owner="", report_status="pending", revision=sessions.c.revision + 1, updated_at=now,
        )
    )  # fmt: skip
    return revived.rowcount


def _is_dead(project_id: str, dialect: str) -> Any:
    is_dead: Any = sessions.c.stage == Stage.DEAD
    if dialect == "sqlite":
        is_dead = func.unlikely(is_dead)  # else it takes a third of all sessions for dead, and reads the table
    return and_(is_dead, sessions.c.project_id == project_id) if project_id else is_dead
