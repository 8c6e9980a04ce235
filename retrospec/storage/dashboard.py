"""What the dashboard's queries share: cursors of paged lists and what a project has seen so far."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select

from retrospec.domain.clock import from_epoch_ms, to_epoch_ms
from retrospec.storage.database import Connection
from retrospec.storage.tables import sessions

SITES_FROM_LATEST = 500
"""Site filters offer what the latest sessions came from: bounded, where all distinct sites would read every row."""


class Cursor(msgspec.Struct, frozen=True):
    """The last row of a page: lists run from the newest ``at`` down, then by name."""

    at: datetime
    name: str

    def __str__(self) -> str:
        return f"{to_epoch_ms(self.at)}~{self.name}"


def read_cursor(text: str) -> Cursor | None:
    """The cursor a link carries; None for none or nonsense (the first page is then shown)."""
    ms, tilde, name = text.partition("~")
    if not tilde or not ms.isdecimal() or len(ms) > 14 or len(name) > 200:
        return None
    return Cursor(from_epoch_ms(int(ms)), name)


def past(cursor: Any, at: Any, name: Any, *, names_fall: bool) -> ColumnElement[bool]:
    """Rows after ``cursor`` in ``at DESC, name``; written so that the index's range does the work."""
    beyond = name < cursor.name if names_fall else name > cursor.name
    return and_(at <= cursor.at, or_(at < cursor.at, beyond))


class Activity(msgspec.Struct, kw_only=True):
    """What has arrived in a project lately."""

    has_sessions: bool
    sessions_last_day: int
    waiting: int
    """Sessions of the last day whose report is still to come."""


_MINE = sessions.c.project_id == bindparam("p")
_LAST_DAY = select(func.count()).where(_MINE, sessions.c.started_at >= bindparam("since"))
_ANY = select(sessions.c.id).where(_MINE).order_by(sessions.c.started_at.desc()).limit(1)
_ACTIVITY = select(
    _ANY.scalar_subquery().label("any"),
    _LAST_DAY.scalar_subquery().label("total"),
    _LAST_DAY.where(sessions.c.report_status == "pending").scalar_subquery().label("waiting"),
)


async def activity(connection: Connection, project_id: str, *, now: datetime) -> Activity:
    """Whether anything is there, and how much came in the last day: costs what came."""
    row = (await connection.execute(_ACTIVITY, {"p": project_id, "since": now - timedelta(days=1)})).one()
    return Activity(has_sessions=row.any is not None, sessions_last_day=row.total, waiting=row.waiting)


async def has_sessions(connection: Connection, project_id: str) -> bool:
    """Whether anything is kept of the project's visits."""
    return await connection.scalar(_ANY, {"p": project_id}) is not None


_LATEST = select(sessions.c.site).where(_MINE).order_by(sessions.c.started_at.desc()).limit(SITES_FROM_LATEST).subquery()
_SITES = select(_LATEST.c.site).distinct()


async def latest_sites(connection: Connection, project_id: str) -> list[str]:
    """Sites of the latest sessions, by name."""
    return sorted(row.site for row in await connection.execute(_SITES, {"p": project_id}))
