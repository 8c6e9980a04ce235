"""Sharing: making and ending links, and the door for whoever has one."""

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from retrospec.accounts.sharing import VISIT_LIFE, make_share, open_share, shown_by
from retrospec.domain.account import Role
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, NotFound, Refused, TooManyRequests, Unauthorized
from retrospec.storage import shares
from retrospec.storage.shares import ShareLink
from retrospec.web.access import client_address
from retrospec.web.audit import actor_of, note_change
from retrospec.web.pages.guard import (
    SHARE_COOKIE,
    database_of,
    open_frame,
    read_form,
    settings_of,
    short_cookie,
    signer_of,
    throttle_of,
)
from retrospec.web.pages.install import server_url_of
from retrospec.web.pages.rendering import AnyRequest, Frame, render, typed

SHOWN = 200


class SharesPage(msgspec.Struct, kw_only=True):
    """A project's share links, and a form for one more when it is about one thing."""

    links: list[ShareLink]
    kind: str
    subject: str
    new_link: str = ""
    problem: str = ""


class ShareForm(msgspec.Struct):
    """What to share, for how long."""

    kind: str
    subject: str
    days: int = 7
    password: str = ""


class SharedDoorPage(msgspec.Struct, kw_only=True):
    """The password form of a link."""

    token: str
    problem: str = ""


class PasswordForm(msgspec.Struct):
    """What it sends."""

    password: str = ""


@get("/shares", need=Role.MEMBER)
async def show_shares(
    request: AnyRequest, frame: NamedDependency[Frame], kind: FromQuery[str] = "", subject: FromQuery[str] = ""
) -> Response[Any]:
    """The page."""
    return await _shown(request, frame, kind=typed(kind), subject=typed(subject))


@post("/shares", need=Role.MEMBER)
async def share(request: AnyRequest, frame: NamedDependency[Frame]) -> Response[Any]:
    """Make a link and show it, this once. Raises NotFound for what this project does not have."""
    assert frame.project is not None
    form = await read_form(request, ShareForm)
    try:
        path = await make_share(
            database_of(request), signer_of(request), actor_of(request), project_id=frame.project.id,
            kind=form.kind, subject_id=form.subject, days=form.days, password=form.password, now=utc_now(),
        )  # fmt: skip
    except BadRequest as refused:
        return await _shown(request, frame, kind=form.kind, subject=form.subject, problem=refused)
    request.state.is_noted = True
    return await _shown(request, frame, kind=form.kind, subject=form.subject, link=server_url_of(request) + path)


@post("/shares/{share_id:str}/revoke", need=Role.MEMBER)
async def revoke_share(
    request: AnyRequest, frame: NamedDependency[Frame], share_id: FromPath[str]
) -> Response[Any]:
    """Take a link back: it shows nothing from now on, to nobody."""
    assert frame.project is not None
    async with database_of(request).write() as connection:
        if not await shares.revoke(connection, frame.project.id, share_id, now=utc_now()):
            raise NotFound("There is no such link in force.")
        await note_change(
            request, connection, "share_revoked", project_id=frame.project.id, subject=share_id
        )
    return Redirect(f"/p/{frame.project.id}/shares", status_code=303)


async def _shown(
    request: AnyRequest,
    frame: Frame,
    *,
    kind: str,
    subject: str,
    link: str = "",
    problem: Refused | None = None,
) -> Response[Any]:
    assert frame.project is not None
    frame.path, frame.section = f"/p/{frame.project.id}/shares", "shares"
    async with database_of(request).read() as connection:
        known = await shares.of_project(connection, frame.project.id, limit=SHOWN)
    live = [each for each in known if each.is_live(utc_now())]
    page = SharesPage(
        links=live, kind=kind, subject=subject, new_link=link, problem=problem.message if problem else ""
    )
    shown = render("shares.html", frame, page, status=problem.status if problem else 200)
    shown.headers["Cache-Control"] = "no-store"
    return shown


@get("/shared/{token:str}")
async def open_link(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    """On to what it shows, or the form for its password. Raises NotFound for a link that shows nothing."""
    link = await shown_by(database_of(request), signer_of(request), token, now=utc_now())
    if link.password_hash:
        return _door(request, SharedDoorPage(token=token))
    return await _enter(request, link, "")


@post("/shared/{token:str}")
async def open_with_password(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    """On to what it shows, or the form again."""
    form, link = (
        await read_form(request, PasswordForm),
        await shown_by(database_of(request), signer_of(request), token, now=utc_now()),
    )
    throttle, address = throttle_of(request), client_address(request, settings_of(request))
    try:
        if (wait_s := throttle.wait_s(address, link.id)) > 0:
            raise TooManyRequests("Too many attempts. Wait a little, then try again.", retry_after_s=wait_s)
        throttle.note_failure(address, link.id)
        shown = await _enter(request, link, form.password)
    except (Unauthorized, TooManyRequests) as refused:
        return _door(request, SharedDoorPage(token=token, problem=refused.message), status=refused.status)
    throttle.note_success(address, link.id)
    return shown


async def _enter(request: AnyRequest, link: ShareLink, password: str) -> Response[Any]:
    cookie = await open_share(
        database_of(request), signer_of(request), link, actor_of(request), password=password, now=utc_now()
    )
    request.state.is_noted = True
    kept = short_cookie(request, SHARE_COOKIE, cookie, max_age_s=int(VISIT_LIFE.total_seconds()))
    return Redirect(link.path, status_code=303, cookies=[kept])


def _door(request: AnyRequest, page: SharedDoorPage, status: int = 200) -> Response[Any]:
    frame, cookies = open_frame(request)
    shown = render("share_door.html", frame, page, status=status)
    shown.cookies.extend(cookies)
    return shown


ROUTES = [show_shares, share, revoke_share]
OPEN_ROUTES = [open_link, open_with_password]
