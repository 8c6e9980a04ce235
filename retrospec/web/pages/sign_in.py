"""Sign-in, sign-out and the choice of theme."""

import math
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromQuery
from litestar.response import Redirect

from retrospec.accounts.sign_in import sign_in, sign_out
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Refused, TooManyRequests, Unauthorized
from retrospec.storage import users
from retrospec.web.access import client_address
from retrospec.web.pages.guard import (
    SignInNeeded,
    database_of,
    gone_login_cookie,
    is_secure,
    local_path,
    login_cookie,
    login_token,
    open_frame,
    read_form,
    settings_of,
    signed_in_user,
    throttle_of,
)
from retrospec.web.pages.rendering import THEME_COOKIE, THEMES, AnyRequest, render


class SignInPage(msgspec.Struct, kw_only=True):
    """The sign-in form."""

    next_path: str
    email: str = ""
    problem: str = ""
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
        return await _form(request, SignInPage(next_path=local_path(next)))
    return Redirect(local_path(next), status_code=303)


@post("/sign-in")
async def do_sign_in(request: AnyRequest) -> Response[Any]:
    """Check, and send on with the login's cookie; or the form again with what is wrong."""
    form = await read_form(request, SignInForm)
    back = local_path(form.next)
    try:
        token = await sign_in(
            database_of(request),
            throttle_of(request),
            email=form.email,
            password=form.password,
            address=client_address(request, settings_of(request)),
            now=utc_now(),
        )
    except (Unauthorized, TooManyRequests) as refused:
        page = SignInPage(next_path=back, email=form.email, problem=refused.message)
        return await _refused(request, page, refused)
    return Redirect(back, status_code=303, cookies=[login_cookie(request, token)])


async def _refused(request: AnyRequest, page: SignInPage, refused: Refused) -> Response[Any]:
    shown = await _form(request, page, status=refused.status)
    if isinstance(refused, TooManyRequests):
        shown.headers["Retry-After"] = str(math.ceil(refused.retry_after_s))
    return shown


async def _form(request: AnyRequest, page: SignInPage, status: int = 200) -> Response[Any]:
    async with database_of(request).read() as connection:
        page.is_set_up = await users.is_anyone_there(connection)
    frame, cookies = open_frame(request)
    shown = render("sign_in.html", frame, page, status=status)
    shown.cookies.extend(cookies)
    return shown


@post("/sign-out")
async def do_sign_out(request: AnyRequest) -> Response[Any]:
    """Forget the login here and in the browser."""
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
    theme = form.theme if form.theme in THEMES else "system"
    cookie = Cookie(
        key=THEME_COOKIE, value=theme, samesite="lax", secure=is_secure(request), max_age=31_536_000
    )
    return Redirect(local_path(form.back), status_code=303, cookies=[cookie])
