"""What may still be rendered today, and how many render at once: shared by every worker, kept over restarts.

Each change is one compare-and-set, so that two workers never spend the same render.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, true, update

from retrospec.domain.settings import ReplaySettings
from retrospec.storage.database import Connection
from retrospec.storage.tables import render_days, render_slots
from retrospec.storage.upsert import insert_new

ALL = ""
"""Stands for every project in ``render_days``."""
KEPT_DAYS = 2


async def spend(connection: Connection, project_id: str, limits: ReplaySettings, *, now: datetime) -> str:
    """Take one render out of today's budget; why not, in a sentence, when it is used up or comes too soon.

    Call inside ``write()``: a refusal leaves nothing counted.
    """
    if refusal := await _too_soon(connection, project_id, limits, now):
        return refusal
    if not await _count(connection, ALL, limits.daily_limit, now):
        return f"Today's limit of {limits.daily_limit} renders is used up (replay.daily_limit)."
    if not await _count(connection, project_id, limits.daily_limit_per_project, now):
        await _uncount(connection, ALL, now)
        return (
            f"This project's limit of {limits.daily_limit_per_project} renders a day is used up "
            "(replay.daily_limit_per_project)."
        )
    return ""


async def spent_today(connection: Connection, project_id: str, *, now: datetime) -> int:
    """Renders of this project today (``ALL``: of all), by UTC's day."""
    found = await connection.scalar(
        select(render_days.c.spent).where(
            render_days.c.project_id == project_id, render_days.c.day == _day(now)
        )
    )
    return int(found or 0)


async def take_slot(connection: Connection, *, most: int, owner: str, now: datetime, until: datetime) -> bool:
    """Take one of ``most`` places to render in, until ``until``; False while all are taken."""
    for slot in range(most):
        new = {"slot": slot, "owner": owner, "until": until}
        if (await connection.execute(insert_new(connection, render_slots), new)).rowcount:
            return True
        lapsed = update(render_slots).where(render_slots.c.slot == slot, render_slots.c.until <= now)
        if (await connection.execute(lapsed.values(owner=owner, until=until))).rowcount:
            return True
    return False


async def keep_slot(connection: Connection, owner: str, *, until: datetime) -> None:
    """Hold the place of ``owner`` until later."""
    await connection.execute(update(render_slots).where(render_slots.c.owner == owner).values(until=until))


async def leave_slot(connection: Connection, owner: str) -> None:
    """Give the place back."""
    await connection.execute(delete(render_slots).where(render_slots.c.owner == owner))


async def leave_all_slots(connection: Connection) -> None:
    """Where only one process can render: at its start nobody holds a place."""
    await connection.execute(delete(render_slots))


async def _too_soon(connection: Connection, project_id: str, limits: ReplaySettings, now: datetime) -> str:
    if not limits.min_interval_seconds:
        return ""
    query = select(func.max(render_days.c.last_at)).where(render_days.c.project_id == project_id)
    last: datetime | None = await connection.scalar(query)
    if last is None or (now - last).total_seconds() >= limits.min_interval_seconds:
        return ""
    return f"The last render was under {limits.min_interval_seconds} s ago (replay.min_interval_seconds)."


async def _count(connection: Connection, project_id: str, limit: int, now: datetime) -> bool:
    """Count one more today, unless ``limit`` (0: none) is reached."""
    first = {"project_id": project_id, "day": _day(now), "spent": 1, "last_at": now}
    if (await connection.execute(insert_new(connection, render_days), first)).rowcount:
        await _forget_old(connection, project_id, now)
        return True
    within = render_days.c.spent < limit if limit else true()
    counted = await connection.execute(
        update(render_days)
        .where(render_days.c.project_id == project_id, render_days.c.day == _day(now), within)
        .values(spent=render_days.c.spent + 1, last_at=now)
    )
    return counted.rowcount == 1


async def _uncount(connection: Connection, project_id: str, now: datetime) -> None:
    named = render_days.c.project_id == project_id, render_days.c.day == _day(now)
    await connection.execute(update(render_days).where(*named).values(spent=render_days.c.spent - 1))


async def _forget_old(connection: Connection, project_id: str, now: datetime) -> None:
    oldest = _day(now - timedelta(days=KEPT_DAYS))
    await connection.execute(
        delete(render_days).where(render_days.c.project_id == project_id, render_days.c.day < oldest)
    )


def _day(now: datetime) -> str:
    return f"{now:%Y-%m-%d}"
