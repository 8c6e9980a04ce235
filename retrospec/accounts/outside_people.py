"""People who sign in elsewhere: found by who they are there, linked once by a verified address, or made."""

import secrets
from datetime import datetime

from retrospec.accounts.oidc_words import Claims
from retrospec.accounts.secrets import hash_password
from retrospec.domain.account import Role, User, email_problem
from retrospec.domain.errors import Forbidden
from retrospec.domain.ids import new_id
from retrospec.domain.settings import SignInSettings
from retrospec.storage import members, projects, users
from retrospec.storage.database import Connection, Database


async def account_of(database: Database, claims: Claims, policy: SignInSettings, *, now: datetime) -> User:
    """Whose account it is. Raises Forbidden for people nobody asked in, unverified addresses, and the disabled."""
    async with database.read() as connection:
        known = await users.find_by_subject(connection, claims.key)
    user = known or await _linked_or_made(database, claims, policy, now=now)
    if user.disabled_at is not None:
        raise Forbidden("This account is shut out. Ask an administrator.")
    return user


async def _linked_or_made(
    database: Database, claims: Claims, policy: SignInSettings, *, now: datetime
) -> User:
    if not claims.is_email_verified or email_problem(claims.email):
        raise Forbidden("The provider has not verified your e-mail address.")
    password_hash = await hash_password(secrets.token_urlsafe(32))
    async with database.write() as connection:
        found = await users.find_by_email(connection, claims.email)
        user = found[0] if found else await _made(connection, claims, policy, password_hash, now=now)
        if not await users.link_subject(connection, user.id, claims.key):
            raise Forbidden("This address belongs to another account of the provider.")
    return user


async def _made(
    connection: Connection, claims: Claims, policy: SignInSettings, password_hash: str, *, now: datetime
) -> User:
    domain = claims.email.rpartition("@")[2]
    if domain not in [each.lower().lstrip("@") for each in policy.oidc_domains]:
        raise Forbidden("You have no account here. Ask an administrator for an invitation.")
    user = User(
        id=new_id("user"),
        email=claims.email,
        name=claims.name.strip()[:80] or claims.email.partition("@")[0],
        is_admin=False,
        created_at=now,
    )
    await users.add(connection, user, password_hash=password_hash)
    for project_id in policy.oidc_projects:
        if await projects.find_project(connection, project_id) is not None:
            await members.set_role(connection, project_id, user.id, Role.VIEWER, now=now)
    return user
