"""Who is asking: the login cookie, the form token, the caller's address."""

from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from retrospec.accounts.secrets import form_token, is_form_token, new_token
from retrospec.accounts.sign_in import WHOLE_LIFE, find_login
from retrospec.accounts.throttle import SignInThrottle
from retrospec.domain.account import User
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, Forbidden, NotFound
from retrospec.domain.settings import Settings
from retrospec.storage import projects
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.web.pages.rendering import AnyRequest, Frame, theme_of

Form = TypeVar("Form", bound=msgspec.Struct)

LOGIN_COOKIE = "retrospec_login"
FORM_COOKIE = "retrospec_form"
FORM_FIELD = "form_token"


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
    return _cookie(request, LOGIN_COOKIE, token, max_age_s=int(WHOLE_LIFE.total_seconds()))


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


async def signed_in_user(request: AnyRequest) -> User:
    """Who is signed in. Raises SignInNeeded."""
    token = login_token(request)
    login = await find_login(database_of(request), token, now=utc_now()) if token else None
    if login is None:
        raise SignInNeeded
    return login.user


async def signed_in_frame(request: AnyRequest) -> Frame:
    """The frame for a signed-in person, outside any project."""
    user = await signed_in_user(request)
    async with database_of(request).read() as connection:
        known = await projects.list_projects(connection)
    return Frame(
        path=_here(request),
        theme=theme_of(request),
        form_token=form_token(login_token(request)),
        user=user,
        projects=known,
        notice=request.app.state.admission.notice if "admission" in request.app.state else "",
    )


async def project_frame(request: AnyRequest, project_id: FromPath[str]) -> Frame:
    """The frame for a signed-in person in a project. Raises SignInNeeded or NotFound."""
    frame = await signed_in_frame(request)
    frame.project = next((project for project in frame.projects if project.id == project_id), None)
    if frame.project is None:
        raise NotFound("There is no such project, or it is not yours to see.")
    parts = request.url.path.split("/")
    frame.section = parts[3] if len(parts) > 3 else ""
    return frame


def require_admin(frame: Frame) -> None:
    """Raises Forbidden unless an administrator asks."""
    if frame.user is None or not frame.user.is_admin:
        raise Forbidden("Only administrators may change keys.")


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
    parts = urlsplit(text)
    is_local = text.startswith("/") and not text.startswith(("//", "/\\")) and not parts.netloc
    return text if is_local and "\\" not in text and text.isprintable() else "/"


def sign_in_url(request: AnyRequest) -> str:
    """The sign-in page that leads back here."""
    back = urlsplit(request.headers.get("HX-Current-URL", ""))
    here = (back.path + (f"?{back.query}" if back.query else "")) or _here(request)
    return f"/sign-in?next={quote(local_path(here), safe='/')}"


def _here(request: AnyRequest) -> str:
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")
