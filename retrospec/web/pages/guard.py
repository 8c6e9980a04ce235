"""Who is asking: the login cookie, the form token, the caller's address."""

from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from retrospec.accounts.secrets import form_token, is_form_token, new_token
from retrospec.accounts.sharing import visit_of
from retrospec.accounts.sign_in import Caller, lengthen, read_login, start_login, whole_life
from retrospec.accounts.signing import Signer, keys_in_force
from retrospec.accounts.throttle import SignInThrottle
from retrospec.capture.browsers import read_user_agent
from retrospec.domain.account import Login, Role, User
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, Forbidden, NotFound
from retrospec.domain.settings import Settings
from retrospec.domain.web_address import address_parts
from retrospec.storage import changes, members, projects
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Connection, Database
from retrospec.storage.projects import Project
from retrospec.storage.scope import across_projects, within_project
from retrospec.web.access import client_address
from retrospec.web.pages.rendering import AnyRequest, Frame, theme_of

Form = TypeVar("Form", bound=msgspec.Struct)

LOGIN_COOKIE = "retrospec_login"
FORM_COOKIE = "retrospec_form"
FORM_FIELD = "form_token"
SHARE_COOKIE = "retrospec_share"


class SignInNeeded(Exception):
    """Nobody is signed in; the page asked for comes after the sign-in."""


def database_of(request: AnyRequest) -> Database:
    """The app's database."""
    database: Database = request.app.state.database
    return database


def blobs_of(request: AnyRequest) -> Blobs:
    """The app's blob store."""
    blobs: Blobs = request.app.state.blobs
    return blobs


def settings_of(request: AnyRequest) -> Settings:
    """The app's settings."""
    settings: Settings = request.app.state.settings
    return settings


def signer_of(request: AnyRequest) -> Signer:
    """The app's signer."""
    state = request.app.state
    if "signer" not in state:
        state["signer"] = Signer(keys_in_force(settings_of(request)))
    signer: Signer = state["signer"]
    return signer


def throttle_of(request: AnyRequest) -> SignInThrottle:
    """The one count of failed sign-ins of this process."""
    state = request.app.state
    if "sign_in_throttle" not in state:
        state["sign_in_throttle"] = SignInThrottle()
    throttle: SignInThrottle = state["sign_in_throttle"]
    return throttle


def is_secure(request: AnyRequest) -> bool:
    """Whether the browser reaches us over TLS, so that cookies may insist on it."""
    return request.url.scheme == "https" or settings_of(request).server.public_url.startswith("https://")


def _cookie(request: AnyRequest, name: str, value: str, *, max_age_s: int | None) -> Cookie:
    return Cookie(
        key=_cookie_name(request, name),
        value=value,
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
        max_age=max_age_s,
    )


def _cookie_name(request: AnyRequest, name: str) -> str:
    return f"__Host-{name}" if is_secure(request) else name


def login_cookie(request: AnyRequest, token: str) -> Cookie:
    """The cookie of a new login; the server's row decides how long it lives."""
    life = whole_life(settings_of(request).sign_in)
    return _cookie(request, LOGIN_COOKIE, token, max_age_s=int(life.total_seconds()))


def short_cookie(request: AnyRequest, name: str, value: str, *, max_age_s: int) -> Cookie:
    """A cookie for the length of one errand, out of scripts' reach as the login's."""
    return _cookie(request, name, value, max_age_s=max_age_s)


def cookie_value(request: AnyRequest, name: str) -> str:
    """What such a cookie holds, or ``""``."""
    return request.cookies.get(_cookie_name(request, name), "")


async def let_in(request: AnyRequest, user: User) -> list[Cookie]:
    """Sign ``user`` in on this browser under a fresh token; the one it had before is worth nothing any more."""
    state = request.app.state
    agent, system, _ = read_user_agent(request.headers.get("user-agent", ""))
    caller = Caller(
        address=client_address(request, settings_of(request)),
        browser=" on ".join(filter(None, (agent, system))),
    )
    token = await start_login(
        state.database, user, settings_of(request).sign_in, caller, now=utc_now(), instead_of=login_token(request)
    )
    return [login_cookie(request, token)]


def gone_login_cookie(request: AnyRequest) -> Cookie:
    """Takes the login cookie away."""
    return _cookie(request, LOGIN_COOKIE, "", max_age_s=0)


def login_token(request: AnyRequest) -> str:
    """The token in the login cookie, or ``""``."""
    return request.cookies.get(_cookie_name(request, LOGIN_COOKIE), "")


def form_secret(request: AnyRequest) -> str:
    """What this browser's form tokens are made from: its login, else a cookie of its own, else ``""``."""
    return login_token(request) or request.cookies.get(_cookie_name(request, FORM_COOKIE), "")


def open_frame(request: AnyRequest) -> tuple[Frame, list[Cookie]]:
    """The frame of a page for people who are not signed in, and the cookie its form needs, if new."""
    secret = form_secret(request)
    cookies = []
    if not secret:
        secret = new_token()
        cookies.append(_cookie(request, FORM_COOKIE, secret, max_age_s=None))
    return Frame(path=_here(request), theme=theme_of(request), form_token=form_token(secret)), cookies


async def current_login(request: AnyRequest) -> Login:
    """The login of this browser. Raises SignInNeeded."""
    return (await _standing(request)).login


class _Standing(msgspec.Struct):
    """Who asks, and what is theirs to see: whatever every page needs to know."""

    login: Login
    roles: dict[str, Role]
    projects: list[Project]
    change_number: int
    """Of the project the address names."""


async def _standing(request: AnyRequest) -> _Standing:
    """Looked up once a request, in one go. Raises SignInNeeded."""
    if "standing" not in request.state:
        request.state.standing = await _find_standing(request)
    standing: _Standing | None = request.state.standing
    if standing is None:
        raise SignInNeeded
    return standing


async def _find_standing(request: AnyRequest) -> _Standing | None:
    token, policy, now = login_token(request), settings_of(request).sign_in, utc_now()
    if not token:
        return None
    project_id = str(request.path_params.get("project_id", ""))

    async def look_up(connection: Connection) -> _Standing | None:
        login = await read_login(connection, token, policy, now=now)
        if login is None:
            return None
        roles, known = await members.roles_of(connection, login.user.id), await projects.list_projects(connection)
        number = (await changes.numbers(connection, [project_id]))[project_id] if project_id else 0
        return _Standing(login, roles, [one for one in known if login.user.role_in(roles, one.id)], number)

    with across_projects():  # a person's roles are of all projects
        found = await database_of(request).read_once(look_up)
    if found is not None:
        await lengthen(database_of(request), found.login, token, policy, now=now)
    return found


async def signed_in_user(request: AnyRequest) -> User:
    """Who is signed in. Raises SignInNeeded."""
    return (await current_login(request)).user


async def roles_here(request: AnyRequest) -> dict[str, Role]:
    """The signed-in user's roles by project. Raises SignInNeeded."""
    return (await _standing(request)).roles


async def signed_in_frame(request: AnyRequest) -> Frame:
    """The frame for a signed-in person, outside any project; it lists the projects that are theirs to see."""
    standing = await _standing(request)
    return Frame(
        path=_here(request),
        theme=theme_of(request),
        form_token=form_token(login_token(request)),
        user=standing.login.user,
        projects=standing.projects,
        notice=request.app.state.admission.notice if "admission" in request.app.state else "",
        change_number=standing.change_number,
    )


async def project_frame(request: AnyRequest, project_id: FromPath[str]) -> Frame:
    """The frame for a signed-in person in a project, or for a share link. Raises SignInNeeded or NotFound."""
    if request.state.get("share") is not None:
        return await _shared_frame(request, project_id)
    frame = await signed_in_frame(request)
    frame.project = next((project for project in frame.projects if project.id == project_id), None)
    if frame.project is None or frame.user is None:
        raise NotFound(NOT_YOURS)
    frame.role = frame.user.role_in(await roles_here(request), project_id)
    parts = request.url.path.split("/")
    frame.section = parts[3] if len(parts) > 3 else ""
    return frame


async def _shared_frame(request: AnyRequest, project_id: str) -> Frame:
    async with database_of(request).read() as connection:
        project = await projects.find_project(connection, project_id)
    secret = form_secret(request)
    return Frame(
        path=_here(request), theme=theme_of(request), form_token=form_token(secret) if secret else "", project=project
    )


NOT_YOURS = "There is no such project, or it is not yours to see."


def needed_role(handler: BaseRouteHandler, method: str) -> Role:
    """What a route below a project needs: as it declares with ``need=``, else looking or working on things."""
    declared = handler.opt.get("need")
    if declared is not None:
        return Role(declared)
    return Role.VIEWER if method in ("GET", "HEAD", "OPTIONS") else Role.MEMBER


async def project_members_only(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard of everything below ``/p/…``: the one place that decides who may do what in a project.

    A project that isn't theirs is as if it weren't there. From here on the database answers this
    request for this project alone.
    """
    assert isinstance(connection, Request)
    project_id = str(connection.path_params["project_id"])
    if await _is_shared(connection, handler, project_id):
        within_project(project_id)
        return
    user, roles = await signed_in_user(connection), await roles_here(connection)
    role = user.role_in(roles, project_id)
    if role is None:
        raise NotFound(NOT_YOURS)
    need = needed_role(handler, connection.method)
    if not role.covers(need):
        raise Forbidden(f"This needs the role {need} in this project; yours is {role}.")
    within_project(project_id)


async def _is_shared(request: AnyRequest, handler: BaseRouteHandler, project_id: str) -> bool:
    """Whether a share link shows this: the page it is for and what lies below it, to look at.

    People who may see the project anyway look as themselves. A route with ``with_shares=True`` (files that every
    page of a project uses) is open to each share link of its project.
    """
    cookie = cookie_value(request, SHARE_COOKIE)
    if not cookie or request.method not in ("GET", "HEAD") or handler.opt.get("need") is not None:
        return False
    with suppress(SignInNeeded):
        user, roles = await signed_in_user(request), await roles_here(request)
        if user.role_in(roles, project_id) is not None:
            return False
    try:
        link = await visit_of(database_of(request), signer_of(request), cookie, now=utc_now())
    except NotFound:
        return False
    here = unquote(request.url.path)
    is_below = here == link.path or (link.kind == "session" and here.startswith(f"{link.path}/"))
    if link.project_id != project_id or not (is_below or handler.opt.get("with_shares")):
        return False
    request.state.share = link
    return True


def require_instance_admin(frame: Frame) -> User:
    """The user. Raises Forbidden unless an administrator of the installation asks."""
    if frame.user is None or not frame.user.is_admin:
        raise Forbidden("Only administrators of the installation may do this.")
    return frame.user


async def own_forms_only(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard of all pages: what changes something must come from a form this server made for this browser."""
    if not isinstance(connection, Request):
        raise Forbidden("Only forms may change something here.")
    request = connection
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("This form was sent from another site.")
    token = str((await request.form()).get(FORM_FIELD, ""))
    secret = form_secret(request)
    if not secret or not is_form_token(token, secret):
        raise Forbidden("This form is too old.", hint="Go back, reload the page and send it again.")


async def read_form(request: AnyRequest, form_type: type[Form]) -> Form:
    """The form's fields by name. Raises BadRequest naming the field that is missing or wrong."""
    sent = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    try:
        return msgspec.convert(sent, form_type, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"The form cannot be read: {error}.") from error


def local_path(text: str) -> str:
    """``text`` if it is a path on this server, else ``/``: a link must not send people elsewhere."""
    is_local = text.startswith("/") and not text.startswith(("//", "/\\")) and not address_parts(text).netloc
    return text if is_local and "\\" not in text and text.isprintable() else "/"


def sign_in_url(request: AnyRequest) -> str:
    """The sign-in page that leads back here."""
    back = address_parts(request.headers.get("HX-Current-URL", ""))
    here = (back.path + (f"?{back.query}" if back.query else "")) or _here(request)
    return f"/sign-in?next={quote(local_path(here), safe='/')}"


def _here(request: AnyRequest) -> str:
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")
