"""One-time links: setting up the first administrator, choosing a new password."""

from collections.abc import Awaitable
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from retrospec.accounts.links import RESET, SETUP, choose_password, set_up_first_admin, usable_link
from retrospec.accounts.sign_in import start_login
from retrospec.domain.account import MIN_PASSWORD_LENGTH, User
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest
from retrospec.web.pages.guard import database_of, login_cookie, open_frame, read_form
from retrospec.web.pages.rendering import AnyRequest, render


class WelcomePage(msgspec.Struct, kw_only=True):
    """The form behind a one-time link."""

    token: str
    is_setup: bool
    """Setting up the first administrator; else choosing a new password."""
    email: str = ""
    name: str = ""
    problem: str = ""
    field: str = ""
    """The field the problem is about."""
    min_length: int = MIN_PASSWORD_LENGTH


class SetupForm(msgspec.Struct):
    """What the set-up form sends."""

    email: str
    password: str
    name: str = ""


class ResetForm(msgspec.Struct):
    """What the reset form sends."""

    password: str


@get("/set-up/{token:str}")
async def show_setup(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    """The form for the first administrator. Raises NotFound for a spent link."""
    await usable_link(database_of(request), token, purpose=SETUP, now=utc_now())
    return _form(request, WelcomePage(token=token, is_setup=True))


@post("/set-up/{token:str}")
async def do_setup(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    """Make the first administrator and sign them in."""
    form = await read_form(request, SetupForm)
    page = WelcomePage(token=token, is_setup=True, email=form.email, name=form.name)
    made = set_up_first_admin(
        database_of(request), token, email=form.email, name=form.name, password=form.password, now=utc_now()
    )
    return await _sign_in_or_again(request, made, page)


@get("/reset/{token:str}")
async def show_reset(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    """The form for a new password. Raises NotFound for a spent link."""
    await usable_link(database_of(request), token, purpose=RESET, now=utc_now())
    return _form(request, WelcomePage(token=token, is_setup=False))


@post("/reset/{token:str}")
async def do_reset(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    """Store the new password and sign its owner in."""
    form = await read_form(request, ResetForm)
    changed = choose_password(database_of(request), token, password=form.password, now=utc_now())
    return await _sign_in_or_again(request, changed, WelcomePage(token=token, is_setup=False))


async def _sign_in_or_again(request: AnyRequest, made: Awaitable[User], page: WelcomePage) -> Response[Any]:
    try:
        user = await made
    except BadRequest as refused:
        page.problem, page.field = refused.message, refused.field
        return _form(request, page, status=400)
    login = await start_login(database_of(request), user, now=utc_now())
    return Redirect("/", status_code=303, cookies=[login_cookie(request, login)])


def _form(request: AnyRequest, page: WelcomePage, status: int = 200) -> Response[Any]:
    frame, cookies = open_frame(request)
    shown = render("welcome.html", frame, page, status=status)
    shown.cookies.extend(cookies)
    return shown
