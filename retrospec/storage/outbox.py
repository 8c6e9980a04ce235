"""The outbox: what is to be told, to whom, and what became of it. Written with the change it tells of, sent later."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, delete, func, or_, select, update

from retrospec.domain.ids import new_id
from retrospec.storage.database import Connection
from retrospec.storage.tables import deliveries, outbox
from retrospec.storage.upsert import insert_new

LEASE = timedelta(minutes=5)
MOST_IN_A_DIGEST = 50


class Letter(msgspec.Struct, kw_only=True):
    """One event on its way through one rule to one channel."""

    id: str
    project_id: str
    rule_id: str
    channel_id: str
    event: str
    issue_key: str
    event_key: str
    facts: dict[str, Any]
    state: str
    """``waiting``, ``sending``, ``sent``, ``quiet`` (held back by the rule's quiet time) or ``dead``."""
    batch: str = ""
    """Letters of one digest share it; it names the message towards the channel, however often it is tried."""
    attempt: int = 0
    not_before: datetime
    lease_until: datetime | None = None
    last_error: str = ""
    created_at: datetime
    settled_at: datetime | None = None


class Delivery(msgspec.Struct, kw_only=True):
    """One attempt to hand a message over."""

    id: str
    project_id: str
    batch: str
    channel_id: str
    at: datetime
    took_ms: int
    outcome: str
    """``delivered``, ``retry`` or ``dead``."""
    answer: str = ""
    """What the channel said, or what went wrong; never an address."""


_NAMES = Letter.__struct_fields__


def _to_letter(row: Row[Any]) -> Letter:
    return Letter(**{name: row._mapping[name] for name in _NAMES})


async def post(connection: Connection, letter: Letter) -> bool:
    """Put it in; False when this rule already has this event for this channel."""
    return (await connection.execute(insert_new(connection, outbox), msgspec.structs.asdict(letter))).rowcount == 1


async def last_told_at(connection: Connection, project_id: str, rule_id: str, issue_key: str, event: str) -> datetime | None:
    """When this rule last spoke (or is about to speak) of such an event of this issue."""
    told: datetime | None = await connection.scalar(
        select(func.max(outbox.c.created_at, type_=outbox.c.created_at.type)).where(
            outbox.c.project_id == project_id,
            outbox.c.rule_id == rule_id,
            outbox.c.issue_key == issue_key,
            outbox.c.event == event,
            outbox.c.state != "quiet",
        )
    )
    return told


async def open_digest(connection: Connection, project_id: str, rule_id: str, channel_id: str) -> datetime | None:
    """When the digest that still takes letters goes out; None when there is none."""
    due: datetime | None = await connection.scalar(
        select(func.min(outbox.c.not_before, type_=outbox.c.not_before.type)).where(
            outbox.c.state == "waiting",
            outbox.c.batch == "",
            outbox.c.project_id == project_id,
            outbox.c.rule_id == rule_id,
            outbox.c.channel_id == channel_id,
        )
    )
    return due


def _is_due(now: datetime) -> Any:
    return or_(
        (outbox.c.state == "waiting") & (outbox.c.not_before <= now),
        (outbox.c.state == "sending") & (outbox.c.lease_until < now),
    )


async def is_any_due(connection: Connection, *, now: datetime) -> bool:
    """Whether a claim would find something; asked first, since claiming needs the one writer."""
    return (await connection.execute(select(outbox.c.id).where(_is_due(now)).limit(1))).first() is not None


async def claim_batch(connection: Connection, *, now: datetime) -> list[Letter]:
    """The letters of the next message that is due, now in the caller's hands for ``LEASE``; empty when none is."""
    is_due = _is_due(now)
    row = (await connection.execute(select(outbox).where(is_due).order_by(outbox.c.not_before, outbox.c.id).limit(1))).first()
    if row is None:
        return []
    first = _to_letter(row)
    if not first.batch:
        await _make_batch(connection, first, now)
    claimed = await connection.execute(
        update(outbox)
        .where(outbox.c.batch == (first.batch or first.id), is_due)
        .values(state="sending", lease_until=now + LEASE, attempt=outbox.c.attempt + 1)
    )
    return await _of_batch(connection, first.batch or first.id) if claimed.rowcount else []


async def _make_batch(connection: Connection, first: Letter, now: datetime) -> None:
    """Everything that waits for the same digest goes into one message, for good."""
    together = (
        select(outbox.c.id)
        .where(
            outbox.c.state == "waiting",
            outbox.c.not_before == first.not_before,
            outbox.c.not_before <= now,
            outbox.c.batch == "",
            outbox.c.project_id == first.project_id,
            outbox.c.rule_id == first.rule_id,
            outbox.c.channel_id == first.channel_id,
        )
        .order_by(outbox.c.id)
        .limit(MOST_IN_A_DIGEST)
    )
    ids = [row.id for row in await connection.execute(together)]
    await connection.execute(update(outbox).where(outbox.c.id.in_([*ids, first.id]), outbox.c.batch == "").values(batch=first.id))


async def _of_batch(connection: Connection, batch: str) -> list[Letter]:
    found = await connection.execute(select(outbox).where(outbox.c.batch == batch).order_by(outbox.c.id))
    return [_to_letter(row) for row in found]


async def settle(
    connection: Connection, delivery: Delivery, *, state: str, not_before: datetime, now: datetime
) -> None:
    """Write what became of an attempt; ``state`` is ``sent``, ``waiting`` (again at ``not_before``) or ``dead``."""
    await connection.execute(
        update(outbox)
        .where(outbox.c.batch == delivery.batch, outbox.c.state == "sending")
        .values(
            state=state,
            lease_until=None,
            not_before=not_before,
            last_error="" if state == "sent" else delivery.answer,
            settled_at=None if state == "waiting" else now,
        )
    )
    await connection.execute(deliveries.insert(), msgspec.structs.asdict(delivery))


async def release_all(connection: Connection) -> None:
    """Give back what a dead server was sending: it may have been told, so the same message goes out again."""
    await connection.execute(update(outbox).where(outbox.c.state == "sending").values(state="waiting", lease_until=None))


OVER = ("dead", "sent")


async def revive(connection: Connection, project_id: str, batch: str, *, now: datetime) -> bool:
    """Send a message that was given up, or was sent before, once more from the first attempt; False for any other."""
    changed = await connection.execute(
        update(outbox)
        .where(outbox.c.project_id == project_id, outbox.c.batch == batch, outbox.c.batch != "", outbox.c.state.in_(OVER))
        .values(state="waiting", attempt=0, not_before=now, settled_at=None)
    )
    return changed.rowcount > 0


async def latest_letters(connection: Connection, project_id: str, *, limit: int, before: str = "") -> list[Letter]:
    """The newest events of a project, older than the one with the id ``before``, whatever became of them."""
    query = select(outbox).where(outbox.c.project_id == project_id)
    if before:
        query = query.where(outbox.c.id < before)
    found = await connection.execute(query.order_by(outbox.c.id.desc()).limit(limit))
    return [_to_letter(row) for row in found]


async def attempts(connection: Connection, project_id: str, batches: Sequence[str]) -> dict[str, list[Delivery]]:
    """Every attempt by message, first to last."""
    its_own = deliveries.c.project_id == project_id, deliveries.c.batch.in_(list(batches))
    found = await connection.execute(select(deliveries).where(*its_own).order_by(deliveries.c.id))
    by_batch: dict[str, list[Delivery]] = {}
    for row in found:
        by_batch.setdefault(row.batch, []).append(Delivery(**row._mapping))
    return by_batch


def letter(
    project_id: str, rule_id: str, channel_id: str, event: str, issue_key: str, event_key: str, facts: dict[str, Any],
    *, not_before: datetime, now: datetime, state: str = "waiting",
) -> Letter:  # fmt: skip
    """A new letter."""
    return Letter(
        id=new_id("out"),
        project_id=project_id,
        rule_id=rule_id,
        channel_id=channel_id,
        event=event,
        issue_key=issue_key,
        event_key=event_key,
        facts=facts,
        state=state,
        not_before=not_before,
        created_at=now,
    )


async def forget_settled(connection: Connection, *, before: datetime) -> int:
    """Delete letters that were settled (or held back) and attempts made before ``before``; how many letters.

    Letters that still wait stay, however old.
    """
    is_over = outbox.c.state.in_(("sent", "quiet", "dead")) & (outbox.c.not_before < before)
    gone = await connection.execute(delete(outbox).where(is_over))
    await connection.execute(delete(deliveries).where(deliveries.c.at < before))
    return gone.rowcount
