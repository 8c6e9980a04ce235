"""One-time links: setting up the first administrator, an invitation, choosing a new password."""

from collections.abc import Awaitable
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from retrospec.accounts.links import (
    INVITE,
    RESET,
    SETUP,
    accept_invitation,
    choose_password,
    set_up_first_admin,
    usable_link,
)
from retrospec.domain.account import MIN_PASSWORD_LENGTH, User
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest
from retrospec.web.pages.guard import database_of, open_frame, read_form
from retrospec.web.pages.rendering import AnyRequest, render
from retrospec.web.pages.sign_in import enter


class WelcomePage(msgspec.Struct, kw_only=True):
    """The form behind a one-time link."""

    purpose: str
    """``set-up``, ``invite`` or ``reset``: the first part of the link's path."""
    token: str
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


class InvitationForm(msgspec.Struct):
    """What an invited person's form sends."""

    password: str
    name: str = ""


class ResetForm(msgspec.Struct):
    """What the reset form sends."""

    password: str


@get("/set-up/{token:str}")
async def show_setup(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    """The form for the first administrator. Raises NotFound for a spent link."""
    await usable_link(database_of(request), token, purpose=SETUP, now=utc_now())
    return _form(request, WelcomePage(token=token, purpose="set-up"))


@post("/set-up/{token:str}")
async def do_setup(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    """Make the first administrator and sign them in."""
    form = await read_form(request, SetupForm)
    page = WelcomePage(token=token, purpose="set-up", email=form.email, name=form.name)
    made = set_up_first_admin(
        database_of(request), token, email=form.email, name=form.name, password=form.password, now=utc_now()
    )
    return await _sign_in_or_again(request, made, page)


@get("/reset/{token:str}")
async def show_reset(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    """The form for a new password. Raises NotFound for a spent link."""
    await usable_link(database_of(request), token, purpose=RESET, now=utc_now())
    return _form(request, WelcomePage(token=token, purpose="reset"))


@post("/reset/{token:str}")
async def do_reset(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    """Store the new password and sign its owner in."""
    form = await read_form(request, ResetForm)
    changed = choose_password(database_of(request), token, password=form.password, now=utc_now())
    return await _sign_in_or_again(request, changed, WelcomePage(token=token, purpose="reset"))


@get("/invite/{token:str}")
async def show_invitation(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    """The form for an invited person. Raises NotFound for a spent link."""
    return _form(request, await _invitation(request, token))


@post("/invite/{token:str}")
async def do_invitation(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    """Make the account with its role and sign its owner in."""
    form = await read_form(request, InvitationForm)
    page = await _invitation(request, token)
    page.name = form.name
    made = accept_invitation(
        database_of(request), token, name=form.name, password=form.password, now=utc_now()
    )
    return await _sign_in_or_again(request, made, page)


async def _invitation(request: AnyRequest, token: str) -> WelcomePage:
    link = await usable_link(database_of(request), token, purpose=INVITE, now=utc_now())
    assert link.invitation is not None
    return WelcomePage(token=token, purpose="invite", email=link.invitation.email)


async def _sign_in_or_again(request: AnyRequest, made: Awaitable[User], page: WelcomePage) -> Response[Any]:
    """Signed in right away, unless the account asks for a code: then through the front door."""
    try:
        user = await made
    except BadRequest as refused:
        page.problem, page.field = refused.message, refused.field
        return _form(request, page, status=400)
    if user.has_second_factor:
        return Redirect("/sign-in", status_code=303)
    return await enter(request, user, "/", by=page.purpose)


def _form(request: AnyRequest, page: WelcomePage, status: int = 200) -> Response[Any]:
    frame, cookies = open_frame(request)
    shown = render("welcome.html", frame, page, status=status)
    shown.cookies.extend(cookies)
    return shown
