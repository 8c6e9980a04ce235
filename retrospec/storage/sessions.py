"""Sessions: their rows, and the compare-and-set walk through the stages."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Row, and_, bindparam, func, or_, select, update

from retrospec.domain.session import Session, Stage
from retrospec.storage.database import Connection
from retrospec.storage.tables import sessions

ACTIVE_STAGES = (Stage.RECORDING, Stage.ANALYSIS, Stage.CONFIRMATION)
RING_AGAIN_AFTER = timedelta(seconds=20)
RING_LIMIT = 500

_FIELDS = [field.name for field in msgspec.structs.fields(Session)]
_COLUMNS = [sessions.c[name] for name in _FIELDS]
_NAMED = and_(sessions.c.project_id == bindparam("p"), sessions.c.id == bindparam("s"))
_ONE = select(*_COLUMNS).where(_NAMED)
_MOVE_ON = (
    update(sessions)
    .where(
        _NAMED,
        sessions.c.lease_owner == bindparam("owner"),
        sessions.c.revision == bindparam("held_revision"),
    )
    .values(
        stage=bindparam("new_stage"),
        report_status=bindparam("new_status"),
        attempt=0,
        not_before=bindparam("now"),
        lease_owner="",
        lease_until=None,
        rung_at=bindparam("now"),
        last_error="",
        updated_at=bindparam("now"),
    )
)


@cache
def _claim_at(stages: tuple[Stage, ...]) -> Any:
    return (
        update(sessions)
        .where(
            _NAMED,
            sessions.c.stage.in_(stages),
            sessions.c.not_before <= bindparam("now"),
            or_(sessions.c.lease_until.is_(None), sessions.c.lease_until < bindparam("now")),
        )
        .values(lease_owner=bindparam("owner"), lease_until=bindparam("until"), attempt=sessions.c.attempt + 1)
        .returning(*_COLUMNS)
    )


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


async def find(connection: Connection, project_id: str, session_id: str) -> Session | None:
    """The session, or None."""
    row = (await connection.execute(_ONE, {"p": project_id, "s": session_id})).first()
    return None if row is None else to_session(row)


async def projects_with(connection: Connection, session_id: str) -> list[str]:
    """The projects that have a session of that id: ids are the clients', so several may."""
    query = select(sessions.c.project_id).where(sessions.c.id == session_id).order_by(sessions.c.project_id)
    return [row[0] for row in await connection.execute(query)]


async def claim(
    connection: Connection,
    project_id: str,
    session_id: str,
    *,
    owner: str,
    now: datetime,
    lease_s: float,
    stages: tuple[Stage, ...] = ACTIVE_STAGES,
) -> Claim | None:
    """Take the session if one of these stages is due and nobody holds it; None otherwise.

    A recording whose silence has lasted becomes ``analysis`` by being claimed.
    """
    taken = await connection.execute(
        _claim_at(stages),
        {
            "p": project_id,
            "s": session_id,
            "now": now,
            "owner": owner,
            "until": now + timedelta(seconds=lease_s),
        },
    )
    row = taken.first()
    return None if row is None else Claim(to_session(row), owner)


async def seize(
    connection: Connection, project_id: str, session_id: str, *, owner: str, until: datetime
) -> Claim | None:
    """Take the session whatever its stage and whoever holds it: an outside analyzer has spoken."""
    taken = await connection.execute(
        update(sessions)
        .where(sessions.c.project_id == project_id, sessions.c.id == session_id)
        .values(lease_owner=owner, lease_until=until)
        .returning(*_COLUMNS)
    )
    row = taken.first()
    return None if row is None else Claim(to_session(row), owner)


async def renew(connection: Connection, claim: Claim, *, until: datetime) -> bool:
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
    connection: Connection, claim: Claim, *, stage: Stage, report_status: str, now: datetime
) -> bool:
    """Save that a stage is finished and name the next.

    False when the claim was lost or something was added meanwhile: the caller must then
    roll back what it computed and let the session be claimed again.
    """
    moved = await connection.execute(
        _MOVE_ON,
        {
            "p": claim.session.project_id,
            "s": claim.session.id,
            "owner": claim.owner,
            "held_revision": claim.session.revision,
            "new_stage": stage,
            "new_status": report_status,
            "now": now,
        },
    )
    return moved.rowcount == 1


async def release(connection: Connection, claim: Claim, *, now: datetime) -> None:
    """Give a claim back without a result, due again at once."""
    await connection.execute(
        update(sessions).where(_held(claim)).values(lease_owner="", lease_until=None, attempt=0, rung_at=now)
    )


async def release_all(connection: Connection) -> None:
    """Give every claim back, due again at once; for a start at which no other worker can be alive."""
    await connection.execute(
        update(sessions).where(sessions.c.lease_until.is_not(None)).values(lease_owner="", lease_until=None)
    )


async def postpone(
    connection: Connection, claim: Claim, *, not_before: datetime, error: str, attempt: int
) -> None:
    """Give a claim back after a failure, due again later, with ``attempt`` tries counted so far."""
    await connection.execute(
        update(sessions)
        .where(_held(claim))
        .values(
            lease_owner="", lease_until=None, not_before=not_before, last_error=error[:2000], rung_at=None,
            attempt=attempt,
        )
    )


async def bury(connection: Connection, claim: Claim, *, now: datetime, error: str) -> None:
    """Give a session up: stage ``dead``, its report failed, the reason kept."""
    await connection.execute(
        update(sessions)
        .where(_held(claim))
        .values(
            stage=Stage.DEAD,
            dead_stage=claim.session.stage,
            report_status="failed",
            lease_owner="",
            lease_until=None,
            last_error=error[:2000],
            updated_at=now,
        )
    )


async def find_due(
    connection: Connection, *, now: datetime, everything: bool, limit: int = RING_LIMIT
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
        rung = sessions.c.rung_at  # after ``now`` only where the clock was set back since
        waiting.append(or_(rung.is_(None), rung < now - RING_AGAIN_AFTER, rung > now))
    found = await connection.execute(
        select(sessions.c.project_id, sessions.c.id)
        .where(*waiting)
        .order_by(sessions.c.not_before)
        .limit(limit)
    )
    return [(row.project_id, row.id) for row in found]


async def waiting_past(connection: Connection, *, latest: datetime, lease_latest: datetime) -> bool:
    """Whether a session waits, or a claim holds, for longer than any does: the clock was set back."""
    found = await connection.execute(_beyond(latest, lease_latest).limit(1))
    return found.first() is not None


def _beyond(latest: datetime, lease_latest: datetime) -> Any:
    is_beyond = or_(sessions.c.not_before > latest, sessions.c.lease_until > lease_latest)
    return select(sessions.c.id).where(sessions.c.stage.in_(ACTIVE_STAGES), is_beyond)


async def set_waits_right(
    connection: Connection, *, now: datetime, latest: datetime, lease_latest: datetime
) -> int:
    """Make those due now, and let those claims end when a claim made now would; how many waits."""
    is_active = sessions.c.stage.in_(ACTIVE_STAGES)
    late_claims = update(sessions).where(is_active, sessions.c.lease_until > lease_latest)
    await connection.execute(late_claims.values(lease_until=lease_latest))
    late = update(sessions).where(is_active, sessions.c.not_before > latest)
    return (await connection.execute(late.values(not_before=now))).rowcount


async def mark_rung(connection: Connection, named: Sequence[tuple[str, str]], *, now: datetime) -> None:
    """Remember that these sessions were rung."""
    await connection.execute(
        update(sessions)
        .where(sessions.c.project_id == bindparam("p"), sessions.c.id == bindparam("s"))
        .values(rung_at=now),
        [{"p": project_id, "s": session_id} for project_id, session_id in named],
    )


async def queue_depths(connection: Connection, *, now: datetime) -> dict[str, int]:
    """Per stage (``analysis``, ``replay``): waiting, held, waiting for a retry, given up.

    Keys are ``<stage>_stream_depth``, ``_pending_total``, ``_retry_depth``, ``_failed_depth``.
    """
    held = sessions.c.lease_until > now
    retrying = and_(sessions.c.attempt > 0, sessions.c.not_before > now)
    found = await connection.execute(
        select(
            sessions.c.stage,
            func.count().label("all"),
            func.count().filter(held).label("held"),
            func.count().filter(retrying).label("retrying"),
        )
        .where(sessions.c.stage.in_([*ACTIVE_STAGES, Stage.DEAD]))
        .group_by(sessions.c.stage)
    )
    depths: dict[str, int] = {}
    names = {Stage.ANALYSIS: "analysis", Stage.CONFIRMATION: "replay"}
    for row in found:
        if row.stage == Stage.DEAD:
            depths["analysis_failed_depth"] = row.all
        elif name := names.get(Stage(row.stage)):
            depths[f"{name}_stream_depth"] = row.all
            depths[f"{name}_pending_total"] = row.held
            depths[f"{name}_retry_depth"] = row.retrying
    return depths


def retry_delay_s(attempt: int, *, base_s: float, max_s: float, jitter: float) -> float:
    """Wait before try ``attempt + 1``: base doubled each time, at most ``max_s``, ± 20 % by jitter in 0…1."""
    doubled = base_s * math.pow(2, max(0, attempt - 1))
    return min(max_s, doubled) * (0.8 + 0.4 * jitter)
