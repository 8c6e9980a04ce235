"""Signing in and out, and who is signed in."""

from datetime import datetime, timedelta

import msgspec

from retrospec.accounts.secrets import is_password, new_token, token_hash
from retrospec.accounts.throttle import SignInThrottle
from retrospec.domain.account import Login, User, normal_email
from retrospec.domain.errors import TooManyRequests, Unauthorized
from retrospec.domain.settings import SignInSettings
from retrospec.storage import users
from retrospec.storage.database import Connection, Database

EXTEND_AFTER = timedelta(hours=1)
"""Seen-times are written this often at most, so that looking at pages is not a stream of writes."""


def idle_life(policy: SignInSettings) -> timedelta:
    """How long a browser may stay unseen."""
    return timedelta(minutes=policy.idle_minutes)


def whole_life(policy: SignInSettings) -> timedelta:
    """How long a browser stays signed in at most."""
    return timedelta(days=policy.max_days)


class Caller(msgspec.Struct, kw_only=True, frozen=True):
    """The browser that signs in."""

    address: str = ""
    browser: str = ""
    """``Firefox 144 on Linux``, as lists of signed-in browsers show it."""


async def check_password(
    database: Database, throttle: SignInThrottle, *, email: str, password: str, address: str
) -> User:
    """Who it is. Raises TooManyRequests, or Unauthorized with one sentence for every cause.

    Takes as long whether or not there is such a user.
    """
    email = normal_email(email)
    wait_s = throttle.wait_s(address, email)
    if wait_s > 0:
        raise TooManyRequests("Too many attempts. Wait a little, then try again.", retry_after_s=wait_s)
    # counted before the slow part: a hundred guesses at once are a hundred guesses
    throttle.note_failure(address, email)
    async with database.read() as connection:
        found = await users.find_by_email(connection, email)
    user, password_hash = found or (None, None)
    fits = await is_password(password, password_hash)
    if user is None or not fits or user.disabled_at is not None:
        raise Unauthorized("That e-mail and password don't belong together.")
    throttle.note_success(address, email)
    return user


async def sign_in(
    database: Database,
    throttle: SignInThrottle,
    *,
    email: str,
    password: str,
    address: str,
    now: datetime,
    policy: SignInSettings | None = None,
) -> str:
    """The token of a new login of someone without a second factor. Raises as ``check_password``."""
    user = await check_password(database, throttle, email=email, password=password, address=address)
    if user.has_second_factor:
        raise Unauthorized("This account asks for a code as well.")
    return await start_login(database, user, policy or SignInSettings(), Caller(address=address), now=now)


async def start_login(
    database: Database,
    user: User,
    policy: SignInSettings,
    caller: Caller,
    *,
    now: datetime,
    instead_of: str = "",
) -> str:
    """Sign ``user`` in on one browser; the token its cookie holds. The login it had before ends."""
    token = new_token()
    async with database.write() as connection:
        if instead_of:
            await users.forget_login(connection, token_hash(instead_of))
        await users.add_login(
            connection,
            token_hash(token),
            user.id,
            now=now,
            expires_at=now + idle_life(policy),
            browser=caller.browser,
            address=caller.address,
        )
    return token


async def find_login(
    database: Database, token: str, policy: SignInSettings, *, now: datetime
) -> Login | None:
    """Whose browser this is; None when signed out. Being seen lengthens a login's life."""
    login = await database.read_once(lambda connection: read_login(connection, token, policy, now=now))
    if login is not None:
        await lengthen(database, login, token, policy, now=now)
    return login


async def read_login(connection: Connection, token: str, policy: SignInSettings, *, now: datetime) -> Login | None:
    """Whose browser this is; None when signed out. ``lengthen`` it then: it was seen."""
    login = await users.find_login(connection, token_hash(token), now=now)
    return None if login is None or now >= _ends_at(login, policy) else login


async def lengthen(database: Database, login: Login, token: str, policy: SignInSettings, *, now: datetime) -> None:
    """Being seen lengthens a login's life."""
    if now - login.seen_at >= min(EXTEND_AFTER, idle_life(policy) / 4):
        expires_at = min(now + idle_life(policy), login.created_at + whole_life(policy))
        async with database.write() as connection:
            await users.extend_login(connection, token_hash(token), now=now, expires_at=expires_at)


def _ends_at(login: Login, policy: SignInSettings) -> datetime:
    """By the policy in force now: one made stricter holds for those who are signed in already."""
    return min(login.seen_at + idle_life(policy), login.created_at + whole_life(policy))


async def sign_out(database: Database, token: str) -> None:
    """Forget the login at once."""
    async with database.write() as connection:
        await users.forget_login(connection, token_hash(token))
