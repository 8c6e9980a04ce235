"""What the Sessions page lists. Paged by keyset, resting on an index."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, and_, bindparam, or_, select

from retrospec.storage.dashboard import Cursor, past
from retrospec.storage.database import Connection
from retrospec.storage.tables import markers, reports, sessions


class SessionFilter(msgspec.Struct, kw_only=True, frozen=True):
    """Which sessions to list; empty parts don't narrow."""

    status: str = ""
    route: str = ""
    """A part of the route."""
    person: str = ""
    """Exactly the site's user id or the visitor id."""
    has_markers: bool = False
    since: datetime | None = None
    until: datetime | None = None


class SessionRow(msgspec.Struct, kw_only=True):
    """A session as listed."""

    id: str
    site: str
    route: str
    started_at: datetime
    duration_ms: int
    marker_count: int
    report_status: str
    stage: str
    visitor_id: str
    user_id: str
    browser: str
    os: str
    device: str
    country: str
    symptom: str
    confidence: float
    basis: str
    reason: str
    kinds: list[str] = []
    """Kinds of its markers, each once."""


_OWN = ("id", "site", "route", "started_at", "duration_ms", "marker_count", "report_status", "stage")
_WHO = ("visitor_id", "user_id", "browser", "os", "device", "country")


async def list_sessions(
    connection: Connection, project_id: str, wanted: SessionFilter, *, after: Cursor | None, limit: int
) -> list[SessionRow]:
    """Sessions, latest started first, at most ``limit``."""
    found = await connection.execute(sessions_query(wanted, after=after), {"p": project_id, "most": limit})
    rows = [_to_row(row) for row in found]
    await _add_kinds(connection, project_id, rows)
    return rows


async def sessions_among(connection: Connection, project_id: str, names: Sequence[str]) -> dict[str, SessionRow]:
    """These sessions as listed, by their id; those that are gone are left out."""
    if not names:
        return {}
    found = await connection.execute(_NAMED, {"p": project_id, "names": list(names)})
    rows = [_to_row(row) for row in found]
    await _add_kinds(connection, project_id, rows)
    return {row.id: row for row in rows}


_LISTED = (
    select(
        *[sessions.c[name] for name in (*_OWN, *_WHO)],
        *[reports.c[name] for name in ("symptom", "confidence", "basis", "reason")],
    )
    .outerjoin(
        reports,
        and_(reports.c.project_id == sessions.c.project_id, reports.c.session_id == sessions.c.id),
    )
    .where(sessions.c.project_id == bindparam("p"))
)
_NAMED = _LISTED.where(sessions.c.id.in_(bindparam("names", expanding=True)))
_NEWEST = _LISTED.order_by(sessions.c.started_at.desc(), sessions.c.id.desc()).limit(bindparam("most"))
_NEWEST_OF_STATUS = _LISTED.order_by(sessions.c.started_at.desc(), sessions.c.id.concat("").desc()).limit(bindparam("most"))


def sessions_query(wanted: SessionFilter, *, after: Cursor | None) -> Select[Any]:
    """At most ``most`` sessions of the project ``p`` with what their reports say.

    With a status the name is made an expression: SQLite would otherwise rather walk all sessions in
    order than sort those of one instant by name, and so read everything where the status is rare.
    """
    query = _NEWEST_OF_STATUS if wanted.status else _NEWEST
    if after is not None:
        query = query.where(past(after, sessions.c.started_at, sessions.c.id, names_fall=True))
    if wanted.status:
        query = query.where(sessions.c.report_status == wanted.status)
    if wanted.since is not None:
        query = query.where(sessions.c.started_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(sessions.c.started_at < wanted.until)
    if wanted.route:
        query = query.where(sessions.c.route.icontains(wanted.route, autoescape=True))
    if wanted.person:
        query = query.where(or_(sessions.c.user_id == wanted.person, sessions.c.visitor_id == wanted.person))
    if wanted.has_markers:
        query = query.where(sessions.c.marker_count > 0)
    return query


def _to_row(row: Any) -> SessionRow:
    named = dict(row._mapping)
    for name, missing in (("symptom", ""), ("confidence", 0.0), ("basis", ""), ("reason", "")):
        named[name] = missing if named[name] is None else named[name]
    return SessionRow(**named)


async def _add_kinds(connection: Connection, project_id: str, rows: list[SessionRow]) -> None:
    marked = {row.id: row for row in rows if row.marker_count}
    if not marked:
        return
    for session_id, kind in await connection.execute(_KINDS, {"p": project_id, "names": list(marked)}):
        marked[session_id].kinds.append(kind)


_KINDS = (
    select(markers.c.session_id, markers.c.kind)
    .where(markers.c.project_id == bindparam("p"), markers.c.session_id.in_(bindparam("names", expanding=True)))
    .distinct()
)


_OF_ONE = (
    select(sessions.c.id, sessions.c.route, sessions.c.started_at)
    .where(sessions.c.project_id == bindparam("p"))
    .order_by(sessions.c.started_at.desc())
    .limit(bindparam("most"))
)
_OF_VISITOR = _OF_ONE.where(sessions.c.visitor_id == bindparam("who"))
_OF_USER = _OF_ONE.where(sessions.c.user_id == bindparam("who"))


async def neighbours(
    connection: Connection, project_id: str, *, visitor_id: str, user_id: str, limit: int
) -> list[tuple[str, str, datetime]]:
    """Id, route and start of the same person's latest sessions; none for an unknown person."""
    if not visitor_id and not user_id:
        return []
    query = _OF_VISITOR if visitor_id else _OF_USER
    found = await connection.execute(query, {"p": project_id, "who": visitor_id or user_id, "most": limit})
    return [(row.id, row.route, row.started_at) for row in found]
