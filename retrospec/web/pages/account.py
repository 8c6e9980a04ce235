"""One's own account: signed-in browsers, password, second factor."""

from datetime import timedelta
from typing import Any

import msgspec
import segno
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from retrospec.accounts.links import change_password
from retrospec.accounts.second_factor import app_uri, check_code, new_secret, turn_on
from retrospec.accounts.secrets import token_hash
from retrospec.domain.account import MIN_PASSWORD_LENGTH, Login, User
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, NotFound, Refused, Unauthorized
from retrospec.storage import second_factors, users
from retrospec.web.audit import note_change
from retrospec.web.pages.guard import (
    cookie_value,
    current_login,
    database_of,
    let_in,
    login_token,
    read_form,
    short_cookie,
    signed_in_frame,
    signed_in_user,
    signer_of,
)
from retrospec.web.pages.rendering import AnyRequest, render

SETUP_COOKIE = "retrospec_app"
SETUP_PURPOSE = "second-factor-set-up"
SETUP_LIFE = timedelta(minutes=10)


class AccountPage(msgspec.Struct, kw_only=True):
    """What is one's own."""

    logins: list[Login]
    here: str
    """Id of the login of this browser."""
    min_length: int = MIN_PASSWORD_LENGTH
    problem: str = ""
    field: str = ""
    """The form the problem is about: ``password`` or ``code``."""
    app_secret: str = ""
    """While a second factor is being set up."""
    app_picture: str = ""
    """The same as a QR code, a ``data:`` address."""
    recovery_codes: list[str] = []
    """Just made; shown this once."""


class PasswordForm(msgspec.Struct):
    """What the password form sends."""

    old: str
    password: str


class CodeForm(msgspec.Struct):
    """A code of the app."""

    code: str


@get("/account")
async def show_account(request: AnyRequest) -> Response[Any]:
    """The page."""
    return await _shown(request)


@post("/account/password")
async def set_password(request: AnyRequest) -> Response[Any]:
    """Choose another password; every other browser is signed out, this one gets a fresh login."""
    user, form = await signed_in_user(request), await read_form(request, PasswordForm)
    try:
        await change_password(database_of(request), user, old=form.old, password=form.password)
    except (BadRequest, Unauthorized) as refused:
        return await _shown(request, problem=refused, field="password")
    return await _anew(request, user, "password_changed")


@post("/account/second-factor/begin")
async def begin_second_factor(request: AnyRequest) -> Response[Any]:
    """Show a fresh secret to put into an app; nothing is asked for until its first code was right."""
    user, secret = await signed_in_user(request), new_secret()
    signed = signer_of(request).sign(SETUP_PURPOSE, [user.id, secret], expires_at=utc_now() + SETUP_LIFE)
    request.state.is_noted = True
    shown = await _shown(request, app_secret=secret)
    shown.cookies.append(
        short_cookie(request, SETUP_COOKIE, signed, max_age_s=int(SETUP_LIFE.total_seconds()))
    )
    return shown


@post("/account/second-factor/on")
async def second_factor_on(request: AnyRequest) -> Response[Any]:
    """The first code: from now on a code is asked for; the recovery codes, this once."""
    user, form = await signed_in_user(request), await read_form(request, CodeForm)
    values = signer_of(request).read(SETUP_PURPOSE, cookie_value(request, SETUP_COOKIE), now=utc_now())
    if values[0] != user.id or user.has_second_factor:
        raise Unauthorized("Begin again from your account page.")
    try:
        codes = await turn_on(database_of(request), user, str(values[1]), form.code, now=utc_now())
    except Unauthorized as refused:
        return await _shown(request, problem=refused, field="code", app_secret=str(values[1]))
    await _end_others(request, user, "second_factor_on")
    cookies = await let_in(request, user)
    shown = await _shown(request, recovery_codes=codes, cookies=cookies)
    shown.cookies.append(short_cookie(request, SETUP_COOKIE, "", max_age_s=0))
    return shown


@post("/account/second-factor/off")
async def second_factor_off(request: AnyRequest) -> Response[Any]:
    """Ask for no code any more; needs one."""
    user, form = await signed_in_user(request), await read_form(request, CodeForm)
    try:
        await check_code(database_of(request), user.id, form.code, now=utc_now())
    except Unauthorized as refused:
        return await _shown(request, problem=refused, field="code")
    async with database_of(request).write() as connection:
        await second_factors.set_secret(connection, user.id, "", step=0, recovery_hashes=[])
    return await _anew(request, user, "second_factor_off")


@post("/account/logins/{login_id:str}/end")
async def end_login(request: AnyRequest, login_id: FromPath[str]) -> Response[Any]:
    """Sign one of one's browsers out. Raises NotFound for somebody else's."""
    user = await signed_in_user(request)
    async with database_of(request).write() as connection:
        if not await users.end_login(connection, user.id, login_id):
            raise NotFound("That browser is not signed in any more.")
        await note_change(request, connection, "login_ended", subject=login_id)
    return Redirect("/account", status_code=303)


@post("/account/logins/end-others")
async def end_other_logins(request: AnyRequest) -> Response[Any]:
    """Sign out everywhere but here."""
    await _end_others(request, await signed_in_user(request), "other_logins_ended")
    return Redirect("/account", status_code=303)


async def _anew(request: AnyRequest, user: User, action: str) -> Response[Any]:
    await _end_others(request, user, action)
    return Redirect("/account", status_code=303, cookies=await let_in(request, user))


async def _end_others(request: AnyRequest, user: User, action: str) -> None:
    async with database_of(request).write() as connection:
        await users.end_other_logins(connection, user.id, but=token_hash(login_token(request)))
        await note_change(request, connection, action, subject=user.email)


async def _shown(
    request: AnyRequest,
    *,
    problem: Refused | None = None,
    field: str = "",
    app_secret: str = "",
    recovery_codes: list[str] | None = None,
    cookies: list[Any] | None = None,
) -> Response[Any]:
    login, frame = await current_login(request), await signed_in_frame(request)
    frame.section = "account"
    async with database_of(request).read() as connection:
        signed_in = await users.logins_of(connection, login.user.id, now=utc_now())
        frame.user = await users.find(connection, login.user.id)
    page = AccountPage(
        logins=signed_in,
        here=login.id,
        problem=problem.message if problem else "",
        field=field,
        app_secret=app_secret,
        app_picture=_picture(app_uri(app_secret, login.user)) if app_secret else "",
        recovery_codes=recovery_codes or [],
    )
    if recovery_codes:
        page.here = ""  # this browser has just got a login of another id
    shown = render("account.html", frame, page, status=problem.status if problem else 200)
    shown.headers["Cache-Control"] = "no-store"
    shown.cookies.extend(cookies or [])
    return shown


def _picture(text: str) -> str:
    return str(segno.make(text, error="m").svg_data_uri(scale=5, border=2, dark="#000", light="#fff"))


ROUTES = [
    show_account,
    set_password,
    begin_second_factor,
    second_factor_on,
    second_factor_off,
    end_other_logins,
    end_login,
]
