"""One-time links: the first administrator, an invitation, a new password. And making accounts."""

from datetime import datetime, timedelta

from retrospec.accounts.secrets import hash_password, is_password, new_token, token_hash
from retrospec.domain.account import (
    Invitation,
    OneTimeLink,
    User,
    email_problem,
    normal_email,
    password_problem,
)
from retrospec.domain.errors import BadRequest, Conflict, NotFound, Unauthorized
from retrospec.domain.ids import new_id
from retrospec.storage import members, users
from retrospec.storage.database import Database

SETUP = "setup"
RESET = "reset"
INVITE = "invite"
SETUP_LIFE = timedelta(days=7)
RESET_LIFE = timedelta(hours=24)
INVITE_LIFE = timedelta(days=7)

SPENT = "This link was used already, has expired, or was replaced by a newer one."


async def new_setup_link(database: Database, *, now: datetime) -> str:
    """The path of a fresh link for the first administrator; ``""`` once there is a user.

    Earlier set-up links stop working.
    """
    token = new_token()
    link = OneTimeLink(purpose=SETUP, user_id=None, expires_at=now + SETUP_LIFE)
    async with database.write() as connection:
        if await users.is_anyone_there(connection):
            return ""
        await users.add_link(connection, token_hash(token), link, now=now)
    return f"/set-up/{token}"


async def new_reset_link(database: Database, email: str, *, now: datetime) -> str:
    """The path of a fresh link to choose a new password. Raises NotFound."""
    token = new_token()
    async with database.write() as connection:
        found = await users.find_by_email(connection, normal_email(email))
        if found is None:
            raise NotFound(f"No user has the address {email}.", hint="retrospec user list shows who there is.")
        link = OneTimeLink(purpose=RESET, user_id=found[0].id, expires_at=now + RESET_LIFE)
        await users.add_link(connection, token_hash(token), link, now=now)
    return f"/reset/{token}"


async def new_invite_link(database: Database, invitation: Invitation, *, now: datetime) -> str:
    """The path of a link that makes an account and gives it its role. Raises BadRequest or Conflict."""
    email = normal_email(invitation.email)
    if problem := email_problem(email):
        raise BadRequest(problem, field="email")
    invitation.email = email
    token = new_token()
    link = OneTimeLink(purpose=INVITE, user_id=None, expires_at=now + INVITE_LIFE, invitation=invitation)
    async with database.write() as connection:
        if await users.find_by_email(connection, email) is not None:
            raise Conflict(f"{email} has an account already.", field="email")
        await users.add_link(connection, token_hash(token), link, now=now)
    return f"/invite/{token}"


async def accept_invitation(
    database: Database, token: str, *, name: str, password: str, now: datetime
) -> User:
    """Use an invitation: the account with its role. Raises BadRequest, Conflict or NotFound."""
    link = await usable_link(database, token, purpose=INVITE, now=now)
    invited = link.invitation
    assert invited is not None
    user, password_hash = await _new_user(invited.email, name, password, is_admin=invited.is_admin, now=now)
    async with database.write() as connection:
        if not await users.use_link(connection, token_hash(token), purpose=INVITE, now=now):
            raise NotFound(SPENT)
        if not await users.add(connection, user, password_hash=password_hash):
            raise Conflict("This address has an account already. Sign in instead.")
        if invited.project_id:
            await members.set_role(connection, invited.project_id, user.id, invited.role, now=now)
    return user


async def usable_link(database: Database, token: str, *, purpose: str, now: datetime) -> OneTimeLink:
    """The link behind ``token``, not used up by looking. Raises NotFound when it no longer works."""
    async with database.read() as connection:
        link = await users.find_link(connection, token_hash(token))
    if link is None or link.purpose != purpose or link.used_at is not None or link.expires_at <= now:
        raise NotFound(SPENT)
    return link


async def set_up_first_admin(
    database: Database, token: str, *, email: str, name: str, password: str, now: datetime
) -> User:
    """Use the set-up link: the first administrator. Raises BadRequest, Conflict or NotFound."""
    await usable_link(database, token, purpose=SETUP, now=now)
    user, password_hash = await _new_user(email, name, password, is_admin=True, now=now)
    async with database.write() as connection:
        if await users.is_anyone_there(connection):
            raise Conflict("The first administrator is set up already. Sign in instead.")
        if not await users.use_link(connection, token_hash(token), purpose=SETUP, now=now):
            raise NotFound(SPENT)
        await users.add(connection, user, password_hash=password_hash)
    return user


async def create_user(
    database: Database, *, email: str, name: str, password: str, is_admin: bool, now: datetime
) -> User:
    """Add an account. Raises BadRequest, or Conflict when the address is taken."""
    user, password_hash = await _new_user(email, name, password, is_admin=is_admin, now=now)
    async with database.write() as connection:
        if not await users.add(connection, user, password_hash=password_hash):
            raise Conflict(f"{user.email} has an account already.", field="email")
    return user


async def choose_password(database: Database, token: str, *, password: str, now: datetime) -> User:
    """Use a reset link: a new password, signed out everywhere. Raises BadRequest or NotFound."""
    link = await usable_link(database, token, purpose=RESET, now=now)
    _require_good_password(password, "")
    password_hash = await hash_password(password)
    async with database.write() as connection:
        if not await users.use_link(connection, token_hash(token), purpose=RESET, now=now):
            raise NotFound(SPENT)
        user = await users.set_password(connection, link.user_id or "", password_hash=password_hash)
    if user is None:
        raise NotFound("The account this link was made for is gone.")
    return user


async def change_password(database: Database, user: User, *, old: str, password: str) -> None:
    """A new password for someone who knows the old one. Raises BadRequest or Unauthorized."""
    async with database.read() as connection:
        found = await users.find_by_email(connection, user.email)
    if not await is_password(old, found[1] if found else None):
        raise Unauthorized("That is not your present password.", field="old")
    _require_good_password(password, user.email)
    password_hash = await hash_password(password)
    async with database.write() as connection:
        await users.change_password_hash(connection, user.id, password_hash=password_hash)


async def _new_user(
    email: str, name: str, password: str, *, is_admin: bool, now: datetime
) -> tuple[User, str]:
    email = normal_email(email)
    if problem := email_problem(email):
        raise BadRequest(problem, field="email")
    _require_good_password(password, email)
    shown = name.strip()[:80] or email.partition("@")[0]
    user = User(id=new_id("user"), email=email, name=shown, is_admin=is_admin, created_at=now)
    return user, await hash_password(password)


def _require_good_password(password: str, email: str) -> None:
    if problem := password_problem(password, email):
        raise BadRequest(problem, field="password")
