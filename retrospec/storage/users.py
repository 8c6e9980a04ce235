"""Users, their logins and one-time links. Tokens are stored as hashes only."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import and_, delete, select, update

from retrospec.domain.account import Login, OneTimeLink, User
from retrospec.storage.database import Connection
from retrospec.storage.tables import logins, one_time_links, users
from retrospec.storage.upsert import insert_new

_USER_COLUMNS = [users.c[field.name] for field in msgspec.structs.fields(User)]


def _to_user(row: Any) -> User:
    return User(**{column.name: row._mapping[column] for column in _USER_COLUMNS})


async def add(connection: Connection, user: User, *, password_hash: str) -> bool:
    """Add a user; False when the address is taken."""
    added = await connection.execute(
        insert_new(connection, users), msgspec.structs.asdict(user) | {"password_hash": password_hash}
    )
    return bool(added.rowcount == 1)


async def list_all(connection: Connection) -> list[User]:
    """Every user, oldest first."""
    found = await connection.execute(select(*_USER_COLUMNS).order_by(users.c.created_at, users.c.id))
    return [_to_user(row) for row in found]


async def is_anyone_there(connection: Connection) -> bool:
    """Whether the first administrator has been set up."""
    return (await connection.execute(select(users.c.id).limit(1))).first() is not None


async def find_by_email(connection: Connection, email: str) -> tuple[User, str] | None:
    """The user of that address (lower case) with the password's hash, or None."""
    found = await connection.execute(
        select(*_USER_COLUMNS, users.c.password_hash).where(users.c.email == email)
    )
    row = found.first()
    return None if row is None else (_to_user(row), row.password_hash)


async def set_password(connection: Connection, user_id: str, *, password_hash: str) -> User | None:
    """Give a user a new password and sign them out everywhere; None when there is no such user."""
    changed = await connection.execute(
        update(users)
        .where(users.c.id == user_id)
        .values(password_hash=password_hash)
        .returning(*_USER_COLUMNS)
    )
    row = changed.first()
    await connection.execute(delete(logins).where(logins.c.user_id == user_id))
    return None if row is None else _to_user(row)


async def add_login(
    connection: Connection, token_hash: str, user_id: str, *, now: datetime, expires_at: datetime
) -> None:
    """Remember a signed-in browser, and forget those of this user that have expired."""
    await connection.execute(delete(logins).where(logins.c.user_id == user_id, logins.c.expires_at <= now))
    await connection.execute(
        logins.insert().values(
            token_hash=token_hash, user_id=user_id, created_at=now, seen_at=now, expires_at=expires_at
        )
    )


async def find_login(connection: Connection, token_hash: str, *, now: datetime) -> Login | None:
    """The login, unless it has expired or its user is disabled."""
    found = await connection.execute(
        select(*_USER_COLUMNS, logins.c.created_at.label("since"), logins.c.seen_at, logins.c.expires_at)
        .join(users, users.c.id == logins.c.user_id)
        .where(logins.c.token_hash == token_hash, logins.c.expires_at > now, users.c.disabled_at.is_(None))
    )
    row = found.first()
    if row is None:
        return None
    return Login(user=_to_user(row), created_at=row.since, seen_at=row.seen_at, expires_at=row.expires_at)


async def extend_login(
    connection: Connection, token_hash: str, *, now: datetime, expires_at: datetime
) -> None:
    """The browser was seen again: let its login live longer."""
    await connection.execute(
        update(logins).where(logins.c.token_hash == token_hash).values(seen_at=now, expires_at=expires_at)
    )


async def forget_login(connection: Connection, token_hash: str) -> None:
    """Sign one browser out."""
    await connection.execute(delete(logins).where(logins.c.token_hash == token_hash))


async def add_link(connection: Connection, token_hash: str, link: OneTimeLink, *, now: datetime) -> None:
    """Remember a one-time link; older unused ones for the same purpose and user stop working."""
    await connection.execute(
        delete(one_time_links).where(
            one_time_links.c.purpose == link.purpose,
            one_time_links.c.used_at.is_(None),
            one_time_links.c.user_id.is_(None)
            if link.user_id is None
            else one_time_links.c.user_id == link.user_id,
        )
    )
    await connection.execute(
        one_time_links.insert().values(
            token_hash=token_hash,
            purpose=link.purpose,
            user_id=link.user_id,
            created_at=now,
            expires_at=link.expires_at,
        )
    )


async def find_link(connection: Connection, token_hash: str) -> OneTimeLink | None:
    """The link, used or expired or not; None when unknown."""
    row = (
        await connection.execute(select(one_time_links).where(one_time_links.c.token_hash == token_hash))
    ).first()
    if row is None:
        return None
    return OneTimeLink(
        purpose=row.purpose, user_id=row.user_id, expires_at=row.expires_at, used_at=row.used_at
    )


async def use_link(connection: Connection, token_hash: str, *, purpose: str, now: datetime) -> bool:
    """Use a link up; False when it was used before, has expired or is for something else."""
    unused = and_(
        one_time_links.c.token_hash == token_hash,
        one_time_links.c.purpose == purpose,
        one_time_links.c.used_at.is_(None),
        one_time_links.c.expires_at > now,
    )
    used = await connection.execute(update(one_time_links).where(unused).values(used_at=now))
    return used.rowcount == 1
