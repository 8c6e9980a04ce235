"""Searches that people keep: their own, or shared within the project; one of them may be what a list opens with."""

from datetime import datetime

import msgspec
from sqlalchemy import and_, bindparam, delete, func, or_, select

from retrospec.storage.database import Connection
from retrospec.storage.tables import default_views, saved_views
from retrospec.storage.upsert import upsert

MOST = 40
"""Of one person in one project."""


class View(msgspec.Struct, kw_only=True):
    """A list's address under a name."""

    id: str
    section: str
    user_id: str
    name: str
    query: str
    is_shared: bool
    is_default: bool = False
    """For whoever asks."""


_CHOSEN = and_(
    default_views.c.project_id == saved_views.c.project_id,
    default_views.c.user_id == bindparam("user"),
    default_views.c.section == bindparam("section"),
    default_views.c.view_id == saved_views.c.id,
)
_VIEWS = (
    select(
        *[saved_views.c[name] for name in ("id", "section", "user_id", "name", "query", "is_shared")],
        default_views.c.view_id.is_not(None).label("is_default"),
    )
    .select_from(saved_views.outerjoin(default_views, _CHOSEN))
    .where(
        saved_views.c.project_id == bindparam("p"),
        saved_views.c.section == bindparam("section"),
        or_(saved_views.c.user_id == bindparam("user"), saved_views.c.is_shared.is_(True)),
    )
)


async def views_for(connection: Connection, project_id: str, user_id: str, section: str) -> list[View]:
    """One's own and the shared ones, by name."""
    found = await connection.execute(_VIEWS, {"p": project_id, "user": user_id, "section": section})
    return sorted((View(**row._mapping) for row in found), key=lambda view: view.name.casefold())


async def keep(connection: Connection, project_id: str, view: View, *, now: datetime) -> bool:
    """Store it; whether there was room."""
    mine = (saved_views.c.project_id == project_id) & (saved_views.c.user_id == view.user_id)
    if int(await connection.scalar(select(func.count()).select_from(saved_views).where(mine))) >= MOST:
        return False
    values = msgspec.structs.asdict(view) | {"project_id": project_id, "created_at": now}
    values.pop("is_default")
    await connection.execute(saved_views.insert(), values)
    return True


async def remove(connection: Connection, project_id: str, view_id: str, *, user_id: str, is_admin: bool) -> bool:
    """Take a view away: one's own, or any for an admin. Whether there was such."""
    its = (saved_views.c.project_id == project_id) & (saved_views.c.id == view_id)
    if not is_admin:
        its &= saved_views.c.user_id == user_id
    if not (await connection.execute(delete(saved_views).where(its))).rowcount:
        return False
    await connection.execute(delete(default_views).where(default_views.c.project_id == project_id, default_views.c.view_id == view_id))
    return True


async def open_with(connection: Connection, project_id: str, user_id: str, section: str, view_id: str) -> None:
    """What the list opens with for this person; empty for everything."""
    if view_id:
        row = {"project_id": project_id, "user_id": user_id, "section": section, "view_id": view_id}
        await connection.execute(upsert(connection, default_views, replaced=("view_id",)), row)
        return
    its = (default_views.c.project_id == project_id) & (default_views.c.user_id == user_id) & (default_views.c.section == section)
    await connection.execute(delete(default_views).where(its))
