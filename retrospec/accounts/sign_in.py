"""Signing in and out, and who is signed in."""

from datetime import datetime, timedelta

from retrospec.accounts.secrets import is_password, new_token, token_hash
from retrospec.accounts.throttle import SignInThrottle
from retrospec.domain.account import Login, User, normal_email
from retrospec.domain.errors import TooManyRequests, Unauthorized
from retrospec.storage import users
from retrospec.storage.database import Database

IDLE_LIFE = timedelta(days=14)
WHOLE_LIFE = timedelta(days=60)
"""A login ends after two weeks unseen, or after two months in any case."""

EXTEND_AFTER = timedelta(hours=1)
"""Seen-times are written this often, so that looking at pages is not a stream of writes."""


async def sign_in(
    database: Database, throttle: SignInThrottle, *, email: str, password: str, address: str, now: datetime
) -> str:
    """The token of a new login. Raises TooManyRequests, or Unauthorized with one sentence for every cause."""
    email = normal_email(email)
    wait_s = throttle.wait_s(address, email)
    if wait_s > 0:
        raise TooManyRequests("Too many attempts. Wait a little, then try again.", retry_after_s=wait_s)
    async with database.read() as connection:
        found = await users.find_by_email(connection, email)
    user, password_hash = found or (None, None)
    fits = await is_password(password, password_hash)
    if user is None or not fits or user.disabled_at is not None:
        throttle.note_failure(address, email)
        raise Unauthorized("That e-mail and password don't belong together.")
    throttle.note_success(address, email)
    return await start_login(database, user, now=now)


async def start_login(database: Database, user: User, *, now: datetime) -> str:
    """Sign ``user`` in on one browser; the token its cookie holds."""
    token = new_token()
    async with database.write() as connection:
        await users.add_login(connection, token_hash(token), user.id, now=now, expires_at=now + IDLE_LIFE)
    return token


async def find_login(database: Database, token: str, *, now: datetime) -> Login | None:
    """Whose browser this is; None when signed out. Being seen lengthens a login's life."""
    async with database.read() as connection:
        login = await users.find_login(connection, token_hash(token), now=now)
    if login is not None and now - login.seen_at >= EXTEND_AFTER:
        expires_at = min(now + IDLE_LIFE, login.created_at + WHOLE_LIFE)
        async with database.write() as connection:
            await users.extend_login(connection, token_hash(token), now=now, expires_at=expires_at)
    return login


async def sign_out(database: Database, token: str) -> None:
    """Forget the login at once."""
    async with database.write() as connection:
        await users.forget_login(connection, token_hash(token))
