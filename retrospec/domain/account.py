"""People who may sign in, and what they sign in with."""

from datetime import datetime
from enum import StrEnum

import msgspec

MIN_PASSWORD_LENGTH = 10
MAX_PASSWORD_LENGTH = 200
"""Argon2 reads any length; the cap keeps one request from being made of megabytes."""


class Role(StrEnum):
    """What a person may do in one project; each may do all that those before it may."""

    VIEWER = "viewer"
    """Look at issues and sessions."""
    MEMBER = "member"
    """Also work on them: states, shares, deleting a session."""
    ADMIN = "admin"
    """Also keys, people and rules of the project, and its audit log."""

    def covers(self, need: "Role") -> bool:
        """Whether this role may do what ``need`` may."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(need)


class User(msgspec.Struct, kw_only=True):
    """Someone with an account; ``email`` is lower case."""

    id: str
    email: str
    name: str
    is_admin: bool
    created_at: datetime
    disabled_at: datetime | None = None
    has_second_factor: bool = False
    """Whether a one-time code is asked for after the password."""

    def role_in(self, roles: dict[str, Role], project_id: str) -> Role | None:
        """The role in a project, given those this user has; administrators of the installation have them all."""
        return Role.ADMIN if self.is_admin else roles.get(project_id)


class Member(msgspec.Struct, kw_only=True):
    """Someone with a role in a project."""

    user: User
    role: Role


class Login(msgspec.Struct, kw_only=True):
    """One browser that is signed in."""

    user: User
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    id: str = ""
    """Names it in a list; says nothing of its token."""
    browser: str = ""
    address: str = ""


class Invitation(msgspec.Struct, kw_only=True):
    """What the person who opens an invitation gets: an account of that address, and a role."""

    email: str
    project_id: str = ""
    role: Role = Role.VIEWER
    is_admin: bool = False


class OneTimeLink(msgspec.Struct, kw_only=True):
    """A link that works once: ``purpose`` is ``setup`` (first administrator), ``reset`` or ``invite``."""

    purpose: str
    user_id: str | None
    expires_at: datetime
    used_at: datetime | None = None
    invitation: Invitation | None = None


def normal_email(text: str) -> str:
    """The address as stored and compared: trimmed, lower case."""
    return text.strip().lower()


def email_problem(email: str) -> str:
    """What is wrong with an address, as a sentence; empty when it will do."""
    name, at, host = email.partition("@")
    if not (name and at and host) or len(email) > 254 or any(c.isspace() for c in email):
        return "Enter an e-mail address such as you@example.com."
    return ""


def password_problem(password: str, email: str) -> str:
    """What is wrong with a new password, as a sentence; empty when it will do."""
    if len(password) < MIN_PASSWORD_LENGTH:
        return f"Use at least {MIN_PASSWORD_LENGTH} characters; a few words in a row do well."
    if len(password) > MAX_PASSWORD_LENGTH:
        return f"Use at most {MAX_PASSWORD_LENGTH} characters."
    if password.lower() in (email, email.partition("@")[0]) or len(set(password)) < 4:
        return "That one is too easy to guess; a few words in a row do well."
    return ""
