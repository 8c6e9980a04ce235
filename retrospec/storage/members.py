"""Who has which role in which project."""

from datetime import datetime

from sqlalchemy import bindparam, delete, select

from retrospec.domain.account import Member, Role
from retrospec.storage.database import Connection
from retrospec.storage.tables import memberships, users
from retrospec.storage.upsert import upsert
from retrospec.storage.users import USER_COLUMNS, to_user

_ROLES = select(memberships.c.project_id, memberships.c.role).where(memberships.c.user_id == bindparam("user"))


async def roles_of(connection: Connection, user_id: str) -> dict[str, Role]:
    """A user's role by project id; administrators of the installation need none."""
    found = await connection.execute(_ROLES, {"user": user_id})
    return {row.project_id: Role(row.role) for row in found}


async def list_members(connection: Connection, project_id: str) -> list[Member]:
    """Everyone with a role in the project, by name."""
    found = await connection.execute(
        select(*USER_COLUMNS, memberships.c.role)
        .join(users, users.c.id == memberships.c.user_id)
        .where(memberships.c.project_id == project_id)
        .order_by(users.c.name, users.c.id)
    )
    return [Member(user=to_user(row), role=Role(row.role)) for row in found]


async def role_in(connection: Connection, project_id: str, user_id: str) -> Role | None:
    """A user's own role in the project, or None."""
    role = await connection.scalar(
        select(memberships.c.role).where(
            memberships.c.project_id == project_id, memberships.c.user_id == user_id
        )
    )
    return None if role is None else Role(role)


async def set_role(
    connection: Connection, project_id: str, user_id: str, role: Role, *, now: datetime
) -> None:
    """Give a user a role in a project, or another one."""
    await connection.execute(
        upsert(connection, memberships, replaced=("role",)),
        {"user_id": user_id, "project_id": project_id, "role": role.value, "created_at": now},
    )


async def remove(connection: Connection, project_id: str, user_id: str) -> bool:
    """Take a user's role in a project away; False when there was none."""
    gone = await connection.execute(
        delete(memberships).where(memberships.c.project_id == project_id, memberships.c.user_id == user_id)
    )
    return gone.rowcount == 1
