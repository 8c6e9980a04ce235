"""Users, their logins and one-time links. Tokens are stored as hashes only."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import and_, bindparam, delete, select, update

from retrospec.domain.account import Invitation, Login, OneTimeLink, User
from retrospec.domain.ids import new_id
from retrospec.storage.database import Connection
from retrospec.storage.tables import logins, one_time_links, users
from retrospec.storage.upsert import insert_new

_PLAIN = [
    users.c[name] for name in ("id", "email", "name", "is_admin", "created_at", "disabled_at")
]
USER_COLUMNS = [*_PLAIN, (users.c.totp_secret != "").label("has_second_factor")]


def to_user(row: Any) -> User:
    """A row that has ``USER_COLUMNS``."""
    plain = {column.name: row._mapping[column] for column in _PLAIN}
    return User(**plain, has_second_factor=bool(row.has_second_factor))


async def add(connection: Connection, user: User, *, password_hash: str) -> bool:
    """Add a user; False when the address is taken."""
    added = await connection.execute(
        insert_new(connection, users),
        {column.name: getattr(user, column.name) for column in _PLAIN} | {"password_hash": password_hash},
    )
    return bool(added.rowcount == 1)


async def list_all(connection: Connection) -> list[User]:
    """Every user, oldest first."""
    found = await connection.execute(select(*USER_COLUMNS).order_by(users.c.created_at, users.c.id))
    return [to_user(row) for row in found]


async def is_anyone_there(connection: Connection) -> bool:
    """Whether the first administrator has been set up."""
    return (await connection.execute(select(users.c.id).limit(1))).first() is not None


async def find_by_email(connection: Connection, email: str) -> tuple[User, str] | None:
    """The user of that address (lower case) with the password's hash, or None."""
    found = await connection.execute(
        select(*USER_COLUMNS, users.c.password_hash).where(users.c.email == email)
    )
    row = found.first()
    return None if row is None else (to_user(row), row.password_hash)


async def find(connection: Connection, user_id: str) -> User | None:
    """The user, or None."""
    row = (await connection.execute(select(*USER_COLUMNS).where(users.c.id == user_id))).first()
    return None if row is None else to_user(row)


async def find_by_subject(connection: Connection, subject: str) -> User | None:
    """Who is ``subject`` (issuer and id) at an outside provider, or None."""
    row = (await connection.execute(select(*USER_COLUMNS).where(users.c.oidc_subject == subject))).first()
    return None if row is None else to_user(row)


async def link_subject(connection: Connection, user_id: str, subject: str) -> bool:
    """Remember who a user is there, once; False when they are somebody else there already."""
    linked = await connection.execute(
        update(users)
        .where(users.c.id == user_id, users.c.oidc_subject.in_(("", subject)))
        .values(oidc_subject=subject)
    )
    return linked.rowcount == 1


async def set_disabled(connection: Connection, user_id: str, *, at: datetime | None) -> bool:
    """Let a user in no more (and sign them out everywhere), or again with ``None``; False when there is no such user."""
    changed = await connection.execute(update(users).where(users.c.id == user_id).values(disabled_at=at))
    if at is not None:
        await connection.execute(delete(logins).where(logins.c.user_id == user_id))
    return changed.rowcount == 1


async def set_admin(connection: Connection, user_id: str, *, is_admin: bool) -> bool:
    """Make an administrator of the installation, or no longer one; False when there is no such user."""
    changed = await connection.execute(update(users).where(users.c.id == user_id).values(is_admin=is_admin))
    return changed.rowcount == 1


async def set_password(connection: Connection, user_id: str, *, password_hash: str) -> User | None:
    """Give a user a new password and sign them out everywhere; None when there is no such user."""
    changed = await connection.execute(
        update(users)
        .where(users.c.id == user_id)
        .values(password_hash=password_hash)
        .returning(*USER_COLUMNS)
    )
    row = changed.first()
    await connection.execute(delete(logins).where(logins.c.user_id == user_id))
    return None if row is None else to_user(row)


async def change_password_hash(connection: Connection, user_id: str, *, password_hash: str) -> None:
    """Give a user a new password, signing nobody out."""
    await connection.execute(
        update(users).where(users.c.id == user_id).values(password_hash=password_hash)
    )


async def add_login(
    connection: Connection,
    token_hash: str,
    user_id: str,
    *,
    now: datetime,
    expires_at: datetime,
    browser: str = "",
    address: str = "",
) -> None:
    """Remember a signed-in browser, and forget those of this user that have expired."""
    await connection.execute(delete(logins).where(logins.c.user_id == user_id, logins.c.expires_at <= now))
    await connection.execute(
        logins.insert().values(
            token_hash=token_hash,
            user_id=user_id,
            created_at=now,
            seen_at=now,
            expires_at=expires_at,
            id=new_id("login"),
            browser=browser,
            address=address,
        )
    )


_LOGIN_COLUMNS = [
    *USER_COLUMNS,
    logins.c.created_at.label("since"),
    logins.c.seen_at,
    logins.c.expires_at,
    logins.c.id.label("login_id"),
    logins.c.browser,
    logins.c.address,
]


_LIVE_LOGIN = (
    select(*_LOGIN_COLUMNS)
    .join(users, users.c.id == logins.c.user_id)
    .where(logins.c.token_hash == bindparam("token"), logins.c.expires_at > bindparam("now"), users.c.disabled_at.is_(None))
)


def _to_login(row: Any) -> Login:
    return Login(
        user=to_user(row),
        created_at=row.since,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        id=row.login_id,
        browser=row.browser,
        address=row.address,
    )


async def find_login(connection: Connection, token_hash: str, *, now: datetime) -> Login | None:
    """The login, unless it has expired or its user is disabled."""
    row = (await connection.execute(_LIVE_LOGIN, {"token": token_hash, "now": now})).first()
    return None if row is None else _to_login(row)


async def logins_of(connection: Connection, user_id: str, *, now: datetime) -> list[Login]:
    """The browsers a user is signed in with, last seen first."""
    found = await connection.execute(
        select(*_LOGIN_COLUMNS)
        .join(users, users.c.id == logins.c.user_id)
        .where(logins.c.user_id == user_id, logins.c.expires_at > now)
        .order_by(logins.c.seen_at.desc(), logins.c.id)
    )
    return [_to_login(row) for row in found]


async def end_login(connection: Connection, user_id: str, login_id: str) -> bool:
    """Sign one browser of a user out; False when there is no such one."""
    ended = await connection.execute(
        delete(logins).where(logins.c.user_id == user_id, logins.c.id == login_id)
    )
    return ended.rowcount > 0


async def end_other_logins(connection: Connection, user_id: str, *, but: str) -> int:
    """Sign a user out everywhere but where the token's hash is ``but``; how many ended."""
    ended = await connection.execute(
        delete(logins).where(logins.c.user_id == user_id, logins.c.token_hash != but)
    )
    return ended.rowcount


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
    """Remember a one-time link; older unused ones for the same purpose and user stop working.

    Invitations are for nobody yet: each stands for itself.
    """
    if link.invitation is None:
        await _forget_older(connection, link)
    await connection.execute(
        one_time_links.insert().values(
            token_hash=token_hash,
            purpose=link.purpose,
            user_id=link.user_id,
            created_at=now,
            expires_at=link.expires_at,
            grants=msgspec.to_builtins(link.invitation) if link.invitation else {},
        )
    )


async def _forget_older(connection: Connection, link: OneTimeLink) -> None:
    await connection.execute(
        delete(one_time_links).where(
            one_time_links.c.purpose == link.purpose,
            one_time_links.c.used_at.is_(None),
            one_time_links.c.user_id.is_(None)
            if link.user_id is None
            else one_time_links.c.user_id == link.user_id,
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
        purpose=row.purpose,
        user_id=row.user_id,
        expires_at=row.expires_at,
        used_at=row.used_at,
        invitation=msgspec.convert(row.grants, Invitation) if row.grants else None,
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
