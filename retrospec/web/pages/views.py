"""Saved views of a list: named searches, one's own or the project's, one of which the list may open with."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from retrospec.domain.account import Role
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, Conflict, NotFound
from retrospec.domain.ids import new_id
from retrospec.storage import saved_views
from retrospec.storage.database import Connection
from retrospec.storage.saved_views import View
from retrospec.web.pages.guard import database_of, local_path, read_form
from retrospec.web.pages.rendering import AnyRequest, Frame, typed

KEPT = {"issues": ("q", "state", "kind", "site", "sort", "span"), "sessions": ("q", "status")}
"""What of a list's address a view keeps."""
NONE = "none"
"""``view=none``: the list as it is, whatever it opens with."""
MAX_NAME, MAX_QUERY = 60, 1_500


class ViewLink(msgspec.Struct, kw_only=True):
    """A view as listed."""

    id: str
    name: str
    url: str
    is_chosen: bool
    is_default: bool
    is_shared: bool
    is_mine: bool


class Views(msgspec.Struct, kw_only=True):
    """The views of a list, and what could be saved."""

    section: str
    links: list[ViewLink]
    query: str
    """Of the list as it is now; empty for everything."""
    chosen: ViewLink | None
    everything_url: str


class NewView(msgspec.Struct):
    """The form that saves a search."""

    name: str
    section: str
    query: str
    is_shared: str = ""
    is_default: str = ""
    back: str = "/"


class Chosen(msgspec.Struct):
    """The form that removes a view or opens the list with it."""

    section: str
    do: str
    back: str = "/"


def kept_query(section: str, given: Mapping[str, str]) -> str:
    """What of an address a view keeps, always in the same order."""
    return urlencode([(name, given[name]) for name in KEPT[section] if given.get(name)])


async def known_views(connection: Connection, frame: Frame, section: str) -> list[View]:
    """The views whoever looks has of a list; none for a share link."""
    assert frame.project is not None
    return [] if frame.user is None else await saved_views.views_for(connection, frame.project.id, frame.user.id, section)


def views_of(known: Sequence[View], request: AnyRequest, frame: Frame, section: str) -> Views:
    """For the list that ``request`` shows."""
    query = kept_query(section, request.query_params)
    links = [_link(view, request.url.path, query, frame) for view in known]
    plain = f"{request.url.path}?view={NONE}" if any(view.is_default for view in known) else request.url.path
    return Views(section=section, links=links, query=query, chosen=next((link for link in links if link.is_chosen), None), everything_url=plain)


def _link(view: View, path: str, query: str, frame: Frame) -> ViewLink:
    return ViewLink(
        id=view.id,
        name=view.name,
        url=f"{path}?{view.query}" if view.query else path,
        is_chosen=view.query == query,
        is_default=view.is_default,
        is_shared=view.is_shared,
        is_mine=frame.user is not None and (view.user_id == frame.user.id or frame.may("admin")),
    )


def opening_url(request: AnyRequest, known: Sequence[View]) -> str:
    """Where a list that was asked for without anything leads; empty for the list itself."""
    if request.url.query or request.headers.get("HX-Request"):
        return ""
    return next((f"{request.url.path}?{view.query}" for view in known if view.is_default and view.query), "")


@post("/views", need=Role.VIEWER)
async def save_view(request: AnyRequest, frame: NamedDependency[Frame]) -> Response[Any]:
    """Keep a search under a name. Sharing it takes a member. Raises BadRequest or Conflict."""
    assert frame.project is not None
    assert frame.user is not None
    form = await read_form(request, NewView)
    name, section = typed(form.name, longest=MAX_NAME), _section(form.section)
    if not name:
        raise BadRequest("A view needs a name.", field="name")
    query = kept_query(section, dict(parse_qsl(form.query[:MAX_QUERY])))
    is_shared = bool(form.is_shared) and frame.may("member")
    view = View(id=new_id("view"), section=section, user_id=frame.user.id, name=name, query=query, is_shared=is_shared)
    async with database_of(request).write() as connection:
        if not await saved_views.keep(connection, frame.project.id, view, now=utc_now()):
            raise Conflict(f"There are {saved_views.MOST} views of yours in this project.", hint="Remove one you don't use.")
        if form.is_default:
            await saved_views.open_with(connection, frame.project.id, frame.user.id, section, view.id)
    return Redirect(local_path(form.back), status_code=303)


@post("/views/{view_id:str}", need=Role.VIEWER)
async def change_view(request: AnyRequest, frame: NamedDependency[Frame], view_id: FromPath[str]) -> Response[Any]:
    """Remove a view, or open the list with it or no longer. Raises NotFound for one that is not there for this person."""
    assert frame.project is not None
    assert frame.user is not None
    form = await read_form(request, Chosen)
    section, project_id, user_id = _section(form.section), frame.project.id, frame.user.id
    async with database_of(request).write() as connection:
        known: Sequence[View] = await saved_views.views_for(connection, project_id, user_id, section)
        if view_id not in {view.id for view in known}:
            raise NotFound("There is no such view, or it is not yours.")
        if form.do == "open":
            await saved_views.open_with(connection, project_id, user_id, section, view_id)
        elif form.do == "open_not":
            await saved_views.open_with(connection, project_id, user_id, section, "")
        elif form.do != "remove":
            raise BadRequest("There is no such action; use open, open_not or remove.", field="do")
        elif not await saved_views.remove(connection, project_id, view_id, user_id=user_id, is_admin=frame.may("admin")):
            raise NotFound("This view is another person's.", hint="Its owner or an admin of the project may remove it.")
    return Redirect(local_path(form.back), status_code=303)


def _section(name: str) -> str:
    if name not in KEPT:
        raise BadRequest(f"There are no views of {name[:40]!r}; use {' or '.join(KEPT)}.", field="section")
    return name
