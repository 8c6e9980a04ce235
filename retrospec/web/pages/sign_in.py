"""Sign-in, sign-out and the choice of theme."""

import math
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromQuery
from litestar.response import Redirect

from retrospec.accounts.second_factor import check_code
from retrospec.accounts.sign_in import check_password, sign_out
from retrospec.domain.account import User, normal_email
from retrospec.domain.audit import Actor
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Refused, TooManyRequests, Unauthorized
from retrospec.storage import audit, users
from retrospec.web.access import client_address
from retrospec.web.audit import note_change
from retrospec.web.pages.guard import (
    SignInNeeded,
    cookie_value,
    current_login,
    database_of,
    gone_login_cookie,
    is_secure,
    let_in,
    local_path,
    login_token,
    open_frame,
    read_form,
    settings_of,
    short_cookie,
    signed_in_user,
    signer_of,
    throttle_of,
)
from retrospec.web.pages.rendering import THEME_COOKIE, THEMES, AnyRequest, render

CODE_COOKIE = "retrospec_code"
CODE_LIFE = timedelta(minutes=5)
HALF_WAY = "half-sign-in"


class SignInPage(msgspec.Struct, kw_only=True):
    """The sign-in form."""

    next_path: str
    email: str = ""
    problem: str = ""
    provider: str = ""
    """What the configured OpenID Connect provider is called; empty without one."""
    is_set_up: bool = True
    """False before there is any user: then the page says where the set-up link is."""


class SignInForm(msgspec.Struct):
    """What the form sends."""

    email: str
    password: str
    next: str = "/"


@get("/sign-in")
async def show_sign_in(request: AnyRequest, next: FromQuery[str] = "/") -> Response[Any]:
    """The form; people who are signed in already go on."""
    try:
        await signed_in_user(request)
    except SignInNeeded:
        return await sign_in_form(request, SignInPage(next_path=local_path(next)))
    return Redirect(local_path(next), status_code=303)


@post("/sign-in")
async def do_sign_in(request: AnyRequest) -> Response[Any]:
    """Check, and send on with the login's cookie, or to the code; or the form again with what is wrong."""
    form = await read_form(request, SignInForm)
    back = local_path(form.next)
    try:
        user = await check_password(
            database_of(request),
            throttle_of(request),
            email=form.email,
            password=form.password,
            address=client_address(request, settings_of(request)),
        )
    except (Unauthorized, TooManyRequests) as refused:
        await _note_refusal(request, form.email)
        page = SignInPage(next_path=back, email=form.email, problem=refused.message)
        return await _refused(request, page, refused)
    if user.has_second_factor:
        return to_the_code(request, user, back)
    return await enter(request, user, back)


async def enter(request: AnyRequest, user: User, back: str, **how: Any) -> Response[Any]:
    """Signed in: on to ``back``, with an entry in the log."""
    cookies = await let_in(request, user)
    async with database_of(request).write() as connection:
        request.state.standing = None
        actor = Actor(name=user.email, id=user.id, address=client_address(request, settings_of(request)))
        await audit.note(connection, actor, "signed_in", now=utc_now(), detail=how)
    request.state.is_noted = True
    return Redirect(back, status_code=303, cookies=cookies)


async def _note_refusal(request: AnyRequest, email: str) -> None:
    async with database_of(request).write() as connection:
        await note_change(request, connection, "sign_in_refused", subject=normal_email(email))


def to_the_code(request: AnyRequest, user: User, back: str) -> Response[Any]:
    """On to the form for the second factor, with a cookie that says who gave the first."""
    token = signer_of(request).sign(HALF_WAY, [user.id, back], expires_at=utc_now() + CODE_LIFE)
    cookie = short_cookie(request, CODE_COOKIE, token, max_age_s=int(CODE_LIFE.total_seconds()))
    request.state.is_noted = True
    return Redirect("/sign-in/code", status_code=303, cookies=[cookie])


class CodePage(msgspec.Struct, kw_only=True):
    """The form for the second factor."""

    problem: str = ""


class CodeForm(msgspec.Struct):
    """What it sends."""

    code: str


@get("/sign-in/code")
async def show_code(request: AnyRequest) -> Response[Any]:
    """The form; back to the start for whoever did not give a password just now."""
    try:
        _half_way(request)
    except Unauthorized:
        return Redirect("/sign-in", status_code=303)
    return _code_form(request, CodePage())


@post("/sign-in/code")
async def do_code(request: AnyRequest) -> Response[Any]:
    """Check the code, and send on signed in; or the form again."""
    form = await read_form(request, CodeForm)
    user_id, back = _half_way(request)
    throttle, address = throttle_of(request), client_address(request, settings_of(request))
    if (wait_s := throttle.wait_s(address, user_id)) > 0:
        slow = TooManyRequests("Too many attempts. Wait a little, then try again.", retry_after_s=wait_s)
        return _refused_code(request, slow)
    throttle.note_failure(address, user_id)
    try:
        by_recovery = await check_code(database_of(request), user_id, form.code, now=utc_now())
    except Unauthorized as refused:
        await _note_refusal(request, user_id)
        return _refused_code(request, refused)
    throttle.note_success(address, user_id)
    async with database_of(request).read() as connection:
        user = await users.find(connection, user_id)
    if user is None or user.disabled_at is not None:
        raise Unauthorized("This account is gone.")
    shown = await enter(request, user, back, second_factor="recovery code" if by_recovery else "code")
    shown.cookies.append(short_cookie(request, CODE_COOKIE, "", max_age_s=0))
    return shown


def _half_way(request: AnyRequest) -> tuple[str, str]:
    """Who gave the right password just now, and where they want to go. Raises Unauthorized."""
    values = signer_of(request).read(HALF_WAY, cookie_value(request, CODE_COOKIE), now=utc_now())
    return str(values[0]), local_path(str(values[1]))


def _refused_code(request: AnyRequest, refused: Refused) -> Response[Any]:
    shown = _code_form(request, CodePage(problem=refused.message), status=refused.status)
    if isinstance(refused, TooManyRequests):
        shown.headers["Retry-After"] = str(math.ceil(refused.retry_after_s))
    return shown


def _code_form(request: AnyRequest, page: CodePage, status: int = 200) -> Response[Any]:
    frame, cookies = open_frame(request)
    shown = render("sign_in_code.html", frame, page, status=status)
    shown.cookies.extend(cookies)
    return shown


async def _refused(request: AnyRequest, page: SignInPage, refused: Refused) -> Response[Any]:
    shown = await sign_in_form(request, page, status=refused.status)
    if isinstance(refused, TooManyRequests):
        shown.headers["Retry-After"] = str(math.ceil(refused.retry_after_s))
    return shown


async def sign_in_form(request: AnyRequest, page: SignInPage, status: int = 200) -> Response[Any]:
    """The form, with what is wrong."""
    async with database_of(request).read() as connection:
        page.is_set_up = await users.is_anyone_there(connection)
    policy = settings_of(request).sign_in
    page.provider = policy.oidc_name if policy.oidc_issuer else ""
    frame, cookies = open_frame(request)
    shown = render("sign_in.html", frame, page, status=status)
    shown.cookies.extend(cookies)
    return shown


@post("/sign-out")
async def do_sign_out(request: AnyRequest) -> Response[Any]:
    """Forget the login here and in the browser."""
    with suppress(SignInNeeded):
        await current_login(request)  # so that the log knows who left
    if token := login_token(request):
        await sign_out(database_of(request), token)
    return Redirect("/sign-in", status_code=303, cookies=[gone_login_cookie(request)])


class ThemeForm(msgspec.Struct):
    """What the theme buttons send."""

    theme: str
    back: str = "/"


@post("/theme")
async def choose_theme(request: AnyRequest) -> Response[Any]:
    """Keep the theme in a cookie that scripts may read, so that the toggle works at once."""
    form = await read_form(request, ThemeForm)
    request.state.is_noted = True  # nothing that anybody would look for in the log
    theme = form.theme if form.theme in THEMES else "system"
    cookie = Cookie(
        key=THEME_COOKIE, value=theme, samesite="lax", secure=is_secure(request), max_age=31_536_000
    )
    return Redirect(local_path(form.back), status_code=303, cookies=[cookie])
