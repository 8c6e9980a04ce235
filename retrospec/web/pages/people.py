"""The People page: who may do what in a project; invitations, roles, and, for the installation, accounts."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from retrospec.accounts.links import new_invite_link, new_reset_link
from retrospec.domain.account import Invitation, Member, Role, User, normal_email
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, Conflict, NotFound, Refused
from retrospec.storage import members, users
from retrospec.storage.database import Connection
from retrospec.web.audit import note_change
from retrospec.web.pages.guard import database_of, read_form, require_instance_admin
from retrospec.web.pages.install import server_url_of
from retrospec.web.pages.rendering import AnyRequest, Frame, render

ROLES = {
    Role.VIEWER: "Looks at issues and sessions.",
    Role.MEMBER: "Also works on issues, shares and deletes.",
    Role.ADMIN: "Also keys, people and rules of this project.",
}


class Person(msgspec.Struct, kw_only=True):
    """Someone, as listed."""

    user: User
    role: Role | None
    """In this project; None for an administrator of the installation and for people without one."""


class PeoplePage(msgspec.Struct, kw_only=True):
    """The people of a project; for administrators of the installation everyone with an account."""

    people: list[Person]
    others: list[User]
    """Accounts without a role here, shown to administrators of the installation."""
    roles: dict[str, str]
    is_instance_admin: bool
    new_link: str = ""
    """Of the invitation or reset just made; shown this once."""
    link_for: str = ""
    said: str = ""
    problem: str = ""


class InviteForm(msgspec.Struct):
    """Whom to invite, as what."""

    email: str
    role: Role = Role.VIEWER
    is_admin: str = ""


class RoleForm(msgspec.Struct):
    """Another role; empty takes it away."""

    role: str


@get("/people", need=Role.ADMIN)
async def show_people(request: AnyRequest, frame: NamedDependency[Frame]) -> Response[Any]:
    """The page."""
    return await _shown(request, frame)


@post("/people", need=Role.ADMIN)
async def invite(request: AnyRequest, frame: NamedDependency[Frame]) -> Response[Any]:
    """Give someone with an account a role; make a link for everybody else."""
    assert frame.project is not None
    form = await read_form(request, InviteForm)
    if form.is_admin:
        require_instance_admin(frame)
    if await _gave_role(request, frame.project.id, form):
        return await _shown(request, frame, said=f"{normal_email(form.email)} has an account: the role is theirs now.")
    invitation = Invitation(
        email=form.email, project_id=frame.project.id, role=form.role, is_admin=bool(form.is_admin)
    )
    try:
        path = await new_invite_link(database_of(request), invitation, now=utc_now())
    except (BadRequest, Conflict) as refused:
        return await _shown(request, frame, problem=refused)
    async with database_of(request).write() as connection:
        await note_change(
            request, connection, "person_invited", project_id=frame.project.id, subject=invitation.email,
            role=form.role, is_admin=bool(form.is_admin),
        )  # fmt: skip
    return await _shown(request, frame, link=server_url_of(request) + path, link_for=invitation.email)


async def _gave_role(request: AnyRequest, project_id: str, form: InviteForm) -> bool:
    async with database_of(request).write() as connection:
        found = await users.find_by_email(connection, normal_email(form.email))
        if found is None or form.is_admin:
            return False
        await members.set_role(connection, project_id, found[0].id, form.role, now=utc_now())
        await note_change(
            request, connection, "role_given", project_id=project_id, subject=found[0].email, role=form.role
        )
    return True


@post("/people/{user_id:str}/role", need=Role.ADMIN)
async def change_role(request: AnyRequest, frame: NamedDependency[Frame], user_id: FromPath[str]) -> Response[Any]:
    """Another role in this project, or none. Raises NotFound for who has none, or BadRequest."""
    assert frame.project is not None
    form, project_id = await read_form(request, RoleForm), frame.project.id
    if form.role not in ("", *Role):
        raise BadRequest(f"There is no role {form.role!r}; use {', '.join(Role)}.")
    async with database_of(request).write() as connection:
        user = await users.find(connection, user_id)
        before = await members.role_in(connection, project_id, user_id)
        if user is None or before is None:
            raise NotFound("There is no such person in this project.")
        await _set_or_remove(connection, project_id, user_id, form.role, now=utc_now())
        await note_change(
            request, connection, "role_changed" if form.role else "role_taken", project_id=project_id,
            subject=user.email, before=before, after=form.role,
        )  # fmt: skip
    return _back(project_id)


async def _set_or_remove(
    connection: Connection, project_id: str, user_id: str, role: str, *, now: datetime
) -> None:
    if role:
        await members.set_role(connection, project_id, user_id, Role(role), now=now)
    else:
        await members.remove(connection, project_id, user_id)


@post("/people/{user_id:str}/disable", need=Role.ADMIN)
async def disable(request: AnyRequest, frame: NamedDependency[Frame], user_id: FromPath[str]) -> Response[Any]:
    """Let someone in no more, at once and everywhere; administrators of the installation only."""
    assert frame.project is not None
    if require_instance_admin(frame).id == user_id:
        raise Conflict("You cannot shut yourself out.")
    await _set_disabled(request, user_id, at=utc_now())
    return _back(frame.project.id)


@post("/people/{user_id:str}/enable", need=Role.ADMIN)
async def enable(request: AnyRequest, frame: NamedDependency[Frame], user_id: FromPath[str]) -> Response[Any]:
    """Let someone in again; administrators of the installation only."""
    assert frame.project is not None
    require_instance_admin(frame)
    await _set_disabled(request, user_id, at=None)
    return _back(frame.project.id)


async def _set_disabled(request: AnyRequest, user_id: str, *, at: datetime | None) -> None:
    async with database_of(request).write() as connection:
        user = await _known(connection, user_id)
        await users.set_disabled(connection, user_id, at=at)
        await note_change(
            request, connection, "account_disabled" if at else "account_enabled", subject=user.email
        )


@post("/people/{user_id:str}/reset", need=Role.ADMIN)
async def reset(request: AnyRequest, frame: NamedDependency[Frame], user_id: FromPath[str]) -> Response[Any]:
    """A link to choose a new password, shown once; administrators of the installation only."""
    require_instance_admin(frame)
    async with database_of(request).read() as connection:
        user = await _known(connection, user_id)
    path = await new_reset_link(database_of(request), user.email, now=utc_now())
    async with database_of(request).write() as connection:
        await note_change(request, connection, "reset_link_made", subject=user.email)
    return await _shown(request, frame, link=server_url_of(request) + path, link_for=user.email)


@post("/people/{user_id:str}/administrator", need=Role.ADMIN)
async def toggle_admin(request: AnyRequest, frame: NamedDependency[Frame], user_id: FromPath[str]) -> Response[Any]:
    """Make someone an administrator of the installation, or no longer; they sign in anew."""
    assert frame.project is not None
    me = require_instance_admin(frame)
    if me.id == user_id:
        raise Conflict("Ask another administrator: nobody changes this of their own.")
    async with database_of(request).write() as connection:
        user = await _known(connection, user_id)
        await users.set_admin(connection, user_id, is_admin=not user.is_admin)
        await users.end_other_logins(connection, user_id, but="")
        action = "administrator_removed" if user.is_admin else "administrator_made"
        await note_change(request, connection, action, subject=user.email)
    return _back(frame.project.id)


async def _known(connection: Connection, user_id: str) -> User:
    user = await users.find(connection, user_id)
    if user is None:
        raise NotFound("There is no such person.")
    return user


def _back(project_id: str) -> Response[Any]:
    return Redirect(f"/p/{project_id}/people", status_code=303)


async def _shown(
    request: AnyRequest,
    frame: Frame,
    *,
    link: str = "",
    link_for: str = "",
    said: str = "",
    problem: Refused | None = None,
) -> Response[Any]:
    assert frame.project is not None and frame.user is not None
    frame.path, frame.section = f"/p/{frame.project.id}/people", "people"
    async with database_of(request).read() as connection:
        here = await members.list_members(connection, frame.project.id)
        everyone = await users.list_all(connection)
    page = PeoplePage(
        people=_people(here, everyone),
        others=_others(here, everyone) if frame.user.is_admin else [],
        roles={role.value: meaning for role, meaning in ROLES.items()},
        is_instance_admin=frame.user.is_admin,
        new_link=link,
        link_for=link_for,
        said=said,
        problem=problem.message if problem else "",
    )
    shown = render("people.html", frame, page, status=problem.status if problem else 200)
    shown.headers["Cache-Control"] = "no-store"
    return shown


def _people(here: list[Member], everyone: list[User]) -> list[Person]:
    admins = [Person(user=user, role=None) for user in everyone if user.is_admin]
    known = {person.user.id for person in admins}
    return admins + [Person(user=one.user, role=one.role) for one in here if one.user.id not in known]


def _others(here: list[Member], everyone: list[User]) -> list[User]:
    known = {one.user.id for one in here}
    return [user for user in everyone if not user.is_admin and user.id not in known]


ROUTES = [show_people, invite, change_role, disable, enable, reset, toggle_admin]
