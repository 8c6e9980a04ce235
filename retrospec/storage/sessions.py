"""Sessions: their rows, and the compare-and-set walk through the stages."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, and_, bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from retrospec.domain.session import Session, Stage
from retrospec.storage.tables import sessions

ACTIVE_STAGES = (Stage.RECORDING, Stage.ANALYSIS, Stage.CONFIRMATION)
RING_AGAIN_AFTER = timedelta(seconds=20)
RING_LIMIT = 500

_FIELDS = [field.name for field in msgspec.structs.fields(Session)]
_COLUMNS = [sessions.c[name] for name in _FIELDS]
_NAMED = and_(sessions.c.project_id == bindparam("p"), sessions.c.id == bindparam("s"))
_ONE = select(*_COLUMNS).where(_NAMED)


class Claim(msgspec.Struct):
    """A session this worker may work on until ``lease_until``."""

    session: Session
    owner: str


def to_session(row: Row[Any]) -> Session:
    """A row of ``sessions`` as its domain object."""
    named = row._mapping
    values = {name: named[name] for name in _FIELDS}
    values["stage"] = Stage(values["stage"])
    return Session(**values)


async def find(connection: AsyncConnection, project_id: str, session_id: str) -> Session | None:
    """The session, or None."""
    row = (await connection.execute(_ONE, {"p": project_id, "s": session_id})).first()
    return None if row is None else to_session(row)


async def claim(
    connection: AsyncConnection,
    project_id: str,
    session_id: str,
    *,
    owner: str,
    now: datetime,
    lease_s: float,
) -> Claim | None:
    """Take the session if it is due and nobody holds it; None otherwise.

    A recording whose silence has lasted becomes ``analysis`` by being claimed.
    """
    due = and_(
        sessions.c.project_id == project_id,
        sessions.c.id == session_id,
        sessions.c.stage.in_(ACTIVE_STAGES),
        sessions.c.not_before <= now,
        or_(sessions.c.lease_until.is_(None), sessions.c.lease_until < now),
    )
    taken = await connection.execute(
        update(sessions)
        .where(due)
        .values(
            lease_owner=owner,
            lease_until=now + timedelta(seconds=lease_s),
            attempt=sessions.c.attempt + 1,
        )
        .returning(*_COLUMNS)
    )
    row = taken.first()
    return None if row is None else Claim(to_session(row), owner)


async def renew(connection: AsyncConnection, claim: Claim, *, until: datetime) -> bool:
    """Keep a claim alive; False when it was lost."""
    kept = await connection.execute(update(sessions).where(_held(claim)).values(lease_until=until))
    return kept.rowcount == 1


def _held(claim: Claim) -> Any:
    return and_(
        sessions.c.project_id == claim.session.project_id,
        sessions.c.id == claim.session.id,
        sessions.c.lease_owner == claim.owner,
    )


async def move_on(
    connection: AsyncConnection, claim: Claim, *, stage: Stage, report_status: str, now: datetime
) -> bool:
    """Save that a stage is finished and name the next.

    False when the claim was lost or something was added meanwhile: the caller must then
    roll back what it computed and let the session be claimed again.
    """
    moved = await connection.execute(
        update(sessions)
        .where(_held(claim), sessions.c.revision == claim.session.revision)
        .values(
            stage=stage,
            report_status=report_status,
            attempt=0,
            not_before=now,
            lease_owner="",
            lease_until=None,
            rung_at=now,
            last_error="",
            updated_at=now,
        )
    )
    return moved.rowcount == 1


async def release(connection: AsyncConnection, claim: Claim, *, now: datetime) -> None:
    """Give a claim back without a result, due again at once."""
    await connection.execute(
        update(sessions).where(_held(claim)).values(lease_owner="", lease_until=None, attempt=0, rung_at=now)
    )


async def postpone(connection: AsyncConnection, claim: Claim, *, not_before: datetime, error: str) -> None:
    """Give a claim back after a failure, due again later."""
    await connection.execute(
        update(sessions)
        .where(_held(claim))
        .values(
            lease_owner="", lease_until=None, not_before=not_before, last_error=error[:2000], rung_at=None
        )
    )


async def bury(connection: AsyncConnection, claim: Claim, *, now: datetime, error: str) -> None:
    """Give a session up: stage ``dead``, its report failed, the reason kept."""
    await connection.execute(
        update(sessions)
        .where(_held(claim))
        .values(
            stage=Stage.DEAD,
            report_status="failed",
            lease_owner="",
            lease_until=None,
            last_error=error[:2000],
            updated_at=now,
        )
    )


async def find_due(
    connection: AsyncConnection, *, now: datetime, everything: bool, limit: int = RING_LIMIT
) -> list[tuple[str, str]]:
    """Sessions that are due, held by nobody and not rung lately: ``(project_id, id)``, longest due first.

    ``everything`` finds also those rung lately: after a start, when the queue was emptied.
    """
    waiting = [
        sessions.c.stage.in_(ACTIVE_STAGES),
        sessions.c.not_before <= now,
        or_(sessions.c.lease_until.is_(None), sessions.c.lease_until < now),
    ]
    if not everything:
        waiting.append(or_(sessions.c.rung_at.is_(None), sessions.c.rung_at < now - RING_AGAIN_AFTER))
    found = await connection.execute(
        select(sessions.c.project_id, sessions.c.id)
        .where(*waiting)
        .order_by(sessions.c.not_before)
        .limit(limit)
    )
    return [(row.project_id, row.id) for row in found]


async def mark_rung(connection: AsyncConnection, named: Sequence[tuple[str, str]], *, now: datetime) -> None:
    """Remember that these sessions were rung."""
    await connection.execute(
        update(sessions)
        .where(sessions.c.project_id == bindparam("p"), sessions.c.id == bindparam("s"))
        .values(rung_at=now),
        [{"p": project_id, "s": session_id} for project_id, session_id in named],
    )


async def stage_depths(connection: AsyncConnection) -> dict[str, int]:
    """How many sessions stand at each stage that is not done."""
    found = await connection.execute(
        select(sessions.c.stage, func.count())
        .where(sessions.c.stage.in_([*ACTIVE_STAGES, Stage.DEAD]))
        .group_by(sessions.c.stage)
    )
    return {row[0]: row[1] for row in found}


def retry_delay_s(attempt: int, *, base_s: float, max_s: float, jitter: float) -> float:
    """Wait before try ``attempt + 1``: base doubled each time, at most ``max_s``, ± 20 % by jitter in 0…1."""
    doubled = base_s * math.pow(2, max(0, attempt - 1))
    return min(max_s, doubled) * (0.8 + 0.4 * jitter)
