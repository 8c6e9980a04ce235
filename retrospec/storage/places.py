"""Failures by place. Each session's marks go with it; sums by day are kept, and name nobody."""

from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import delete, func, select

from retrospec.storage.database import Connection
from retrospec.storage.tables import place_days, place_marks
from retrospec.storage.upsert import insert_new, upsert

MOST_COUNTED = 20_000
"""Marks looked through for the people behind one thing; more is told as at least so many."""


class Sort(StrEnum):
    """What came to nothing. In the sums calls that failed and those that did not are one, ``call``."""

    RAGE = "rage"
    DEAD = "dead"
    FIELD = "field"
    CALL = "call"
    FAILED_CALL = "failed"


class Mark(msgspec.Struct, kw_only=True):
    """What one session left of one thing at one place (of clicks: one click)."""

    sort: Sort
    place: str
    """The page's template; for calls the host, empty for the page's own."""
    thing: str
    """The control, the field with its rule (``field \\u00b7 rule``), or the endpoint."""
    t_ms: int
    count: int = 1
    failed: int = 1
    """Of ``count``: calls that failed; refusals that ended the attempt."""
    outcome: str = ""
    x: int = -1
    y: int = -1
    width: int = 0
    shown: str = ""


class Toll(msgspec.Struct, kw_only=True):
    """What one thing cost within the time looked at."""

    place: str
    thing: str
    count: int
    failed: int
    overcome: int
    sessions: int
    people: int = 0


class Spot(msgspec.Struct, kw_only=True):
    """One click in vain."""

    sort: str
    session_id: str
    t_ms: int
    x: int
    y: int
    width: int
    thing: str
    shown: str
    person_key: str


_SUMS = ("count", "failed", "overcome", "sessions")


async def add_session(
    connection: Connection, project_id: str, session_id: str, marks: Sequence[Mark], *, day: int, person_key: str, is_first: bool
) -> None:
    """Count a session's marks, in place of those it left when it was judged before.

    ``is_first`` spares the look for earlier ones.
    """
    named = {"project_id": project_id, "session_id": session_id, "day": day, "person_key": person_key}
    if not is_first:
        await withdraw(connection, project_id, session_id)
    if not marks:
        return
    rows = [{**named, "number": number, **msgspec.structs.asdict(mark), "sort": mark.sort.value} for number, mark in enumerate(marks)]
    if (await connection.execute(insert_new(connection, place_marks), rows)).rowcount != 0:
        await _add_days(connection, project_id, rows, sign=1)


async def withdraw(connection: Connection, project_id: str, session_id: str) -> None:
    """Take back what a session was counted for."""
    own = place_marks.c.project_id == project_id, place_marks.c.session_id == session_id
    rows = [dict(row._mapping) for row in await connection.execute(select(place_marks).where(*own))]
    if rows:
        await connection.execute(delete(place_marks).where(*own))
        await _add_days(connection, project_id, rows, sign=-1)


async def _add_days(connection: Connection, project_id: str, rows: Sequence[dict[str, Any]], *, sign: int) -> None:
    sums: dict[tuple[Any, ...], dict[str, int]] = defaultdict(lambda: dict.fromkeys(_SUMS, 0))
    for row in rows:
        total = sums[row["day"], _summed(row["sort"]), row["place"], row["thing"]]
        total["count"] += sign * row["count"]
        total["failed"] += sign * row["failed"]
        total["overcome"] += sign * (row["outcome"] == "overcame")
        total["sessions"] = sign
    named = ("day", "sort", "place", "thing")
    values = [{"project_id": project_id, **dict(zip(named, key, strict=True)), **total} for key, total in sums.items()]
    await connection.execute(upsert(connection, place_days, replaced=(), added=_SUMS), values)


def _summed(sort: str) -> str:
    return Sort.CALL if sort == Sort.FAILED_CALL else sort


def tolls_query(project_id: str, sorts: Sequence[Sort], *, since_day: int, limit: int, by_place: bool = False) -> Any:
    """The costliest things (or places) since a day, of some sorts."""
    table = place_days
    parts = [table.c.place] if by_place else [table.c.place, table.c.thing]
    sums = [func.sum(table.c[name]).label(name) for name in _SUMS]
    return (
        select(*parts, *sums)
        .where(table.c.project_id == project_id, table.c.day >= since_day, table.c.sort.in_([str(one) for one in sorts]))
        .group_by(*parts)
        .having(func.sum(table.c["failed"]) + func.sum(table.c.overcome) > 0)
        .order_by(func.sum(table.c["failed"]).desc(), *parts)
        .limit(limit)
    )


async def tolls(
    connection: Connection, project_id: str, sorts: Sequence[Sort], *, since_day: int, limit: int, by_place: bool = False
) -> list[Toll]:
    """The costliest things (or places) since a day, with the people each hit."""
    found = await connection.execute(tolls_query(project_id, sorts, since_day=since_day, limit=limit, by_place=by_place))
    made = [Toll(**{"thing": "", **row._mapping}) for row in found]
    for one in made:
        one.people = await people_of(connection, project_id, sorts, one.place, one.thing, since_day=since_day)
    return made


async def people_of(
    connection: Connection, project_id: str, sorts: Sequence[Sort], place: str, thing: str, *, since_day: int
) -> int:
    """Distinct people, from the index alone; of a place where ``thing`` is empty."""
    if Sort.CALL in sorts:
        sorts = [Sort.FAILED_CALL]
    marks = place_marks
    looked = select(marks.c.person_key).where(
        marks.c.project_id == project_id, marks.c.sort.in_([str(one) for one in sorts]), marks.c.place == place, marks.c.day >= since_day
    )
    if thing:
        looked = looked.where(marks.c.thing == thing)
    seen = looked.limit(MOST_COUNTED).subquery()
    return int(await connection.scalar(select(func.count(seen.c.person_key.distinct()))) or 0)


def spots_query(project_id: str, sort: Sort, place: str, *, since_day: int, limit: int) -> Any:
    """Clicks in vain of one sort on a page, in the order of their index: the newest days first."""
    marks = place_marks
    return (
        select(*[marks.c[name] for name in (*Spot.__struct_fields__, "day")])
        .where(marks.c.project_id == project_id, marks.c.sort == str(sort), marks.c.place == place, marks.c.day >= since_day)
        .order_by(marks.c.day.desc(), marks.c.person_key.desc())
        .limit(limit)
    )


async def spots(connection: Connection, project_id: str, place: str, *, since_day: int, limit: int) -> list[Spot]:
    """Clicks in vain on a page, the newest days first; at most half of ``limit`` of a sort."""
    rows: list[Any] = []
    for sort in (Sort.RAGE, Sort.DEAD):
        query = spots_query(project_id, sort, place, since_day=since_day, limit=limit // 2)
        rows += [dict(row._mapping) for row in await connection.execute(query)]
    rows.sort(key=lambda row: (-row.pop("day"), row["session_id"], row["t_ms"]))
    return [Spot(**row) for row in rows]


async def forget_days(connection: Connection, *, before_day: int) -> int:
    """Delete sums older than that; how many."""
    return (await connection.execute(delete(place_days).where(place_days.c.day < before_day))).rowcount
