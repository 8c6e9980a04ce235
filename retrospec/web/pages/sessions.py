"""The Sessions page: every visit that was recorded, searched by anything that happened in it."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect

from retrospec.domain.clock import utc_now
from retrospec.domain.search import Document, Query, Term, where_found
from retrospec.search.documents import document_of
from retrospec.search.parse import MAX_TEXT, parse
from retrospec.search.writing import part
from retrospec.storage import dashboard, search
from retrospec.storage.dashboard_sessions import SessionRow
from retrospec.storage.database import Connection
from retrospec.storage.search import Page
from retrospec.web.pages import words
from retrospec.web.pages.facets import Menu, example_parts, session_menus
from retrospec.web.pages.guard import database_of
from retrospec.web.pages.install import Install, install_of
from retrospec.web.pages.issues import Choice
from retrospec.web.pages.rendering import AnyRequest, Frame, live, typed, url_with, urls_asking
from retrospec.web.pages.views import Views, known_views, opening_url, views_of

PAGE_SIZE = 40
TOLD = {"clicked": "Pressed", "saw": "Saw", "errors": "Error", "place": "Visited"}
MOST_REASONS = 3


class SessionsPage(msgspec.Struct, kw_only=True):
    """A search and one page of sessions."""

    statuses: list[Choice]
    status: str
    views: Views
    text: str
    complaints: list[str]
    menus: list[Menu]
    examples: list[tuple[str, str]]
    rows: list[SessionRow]
    why: dict[str, list[str]]
    """By session, what of the search was found in it beyond what its row shows."""
    older_url: str
    newest_url: str
    all_url: str
    is_narrowed: bool
    has_sessions: bool
    install: Install | None
    retention_days: int


@get("/sessions")
async def show_sessions(
    request: AnyRequest,
    frame: NamedDependency[Frame],
    q: FromQuery[str] = "",
    status: FromQuery[str] = "",
    route: FromQuery[str] = "",
    person: FromQuery[str] = "",
    markers: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Response[Any]:
    """The page, or its live part. ``route``, ``person`` and ``markers`` are other ways to write parts of ``q``."""
    assert frame.project is not None
    parts = [typed(q, longest=MAX_TEXT), *(part(name, typed(value)) for name, value in (("route", route), ("person", person)) if typed(value))]
    text = " ".join([*filter(None, parts), *(["has:failures"] if markers == "yes" else [])])
    compose = partial(_compose, request, frame=frame, text=text, status=status if status in words.REPORTS else "", after=typed(after))
    page = await database_of(request).read_once(compose)
    if isinstance(page, str):
        return Redirect(page, status_code=303)
    return live(request, frame, page, whole="sessions.html", part="_sessions.html")


async def _compose(request: AnyRequest, connection: Connection, frame: Frame, text: str, status: str, after: str) -> SessionsPage | str:
    """The page, or where it leads instead."""
    assert frame.project is not None
    now, project_id = utc_now(), frame.project.id
    known = await known_views(connection, frame, "sessions")
    if opening := opening_url(request, known):
        return opening
    asked = parse(text, now=now)
    if status:
        asked = msgspec.structs.replace(asked, statuses=(status,))
    found = await search.search_sessions(connection, project_id, asked, Page(after, PAGE_SIZE), document_of)
    near = found.near or await search.newest_found(connection, project_id, asked, limit=search.NEAR)
    facets = await search.facets_of(connection, project_id, near)
    why = await _reasons(connection, project_id, asked, found.rows)
    has_sessions = await dashboard.has_sessions(connection, project_id)
    views = views_of(known, request, frame, "sessions")
    install = None if has_sessions else await install_of(request, connection, project_id)
    return SessionsPage(
        statuses=_status_tabs(request, status),
        status=status,
        views=views,
        text=text,
        complaints=list(asked.complaints),
        menus=session_menus(facets, text, urls_asking(request, route="", person="", markers="")),
        examples=example_parts(),
        rows=found.rows,
        why=why,
        older_url=_url(request, q=text, after=found.next) if found.next else "",
        newest_url=_url(request, q=text) if after else "",
        all_url=views.everything_url,
        is_narrowed=bool(text or status),
        has_sessions=has_sessions,
        install=install,
        retention_days=request.app.state.settings.retention.days,
    )


def _url(request: AnyRequest, **changes: str) -> str:
    """Everything that was searched for stands in ``q``."""
    return url_with(request, **{"route": "", "person": "", "markers": ""} | changes)


async def _reasons(connection: Connection, project_id: str, asked: Query, rows: Sequence[SessionRow]) -> dict[str, list[str]]:
    """Which controls, texts and errors the words were found in; the rest a row shows by itself."""
    terms = [term for term in asked.terms if not term.is_negated and term.field in ("", *TOLD)]
    if not terms:
        return {}
    documents = await search.documents_of(connection, project_id, [row.id for row in rows])
    return {name: found for name, document in documents.items() if (found := _found_in(document, terms))}


def _found_in(document: Document, terms: Sequence[Term]) -> list[str]:
    reasons = {
        f"{TOLD[field]} {thing}": None
        for term in terms
        for field in TOLD
        if term.field in ("", field) and (thing := where_found(term, getattr(document, field)))
    }
    return list(reasons)[:MOST_REASONS]


def _status_tabs(request: AnyRequest, chosen: str) -> list[Choice]:
    labels = {"": "All"} | words.REPORTS
    return [Choice(label=label, url=url_with(request, status=name), is_chosen=name == chosen) for name, label in labels.items()]
