"""The Sessions page: every visit that was recorded."""

from typing import Any

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from retrospec.domain.clock import utc_now
from retrospec.storage import dashboard, dashboard_sessions
from retrospec.storage.dashboard import Activity, Cursor, read_cursor
from retrospec.storage.dashboard_sessions import SessionFilter, SessionRow
from retrospec.web.pages import words
from retrospec.web.pages.guard import database_of
from retrospec.web.pages.install import Install, install_of
from retrospec.web.pages.issues import Choice
from retrospec.web.pages.rendering import AnyRequest, Frame, live, typed, url_with

PAGE_SIZE = 40


class SessionsPage(msgspec.Struct, kw_only=True):
    """Filters and one page of sessions."""

    statuses: list[Choice]
    status: str
    route: str
    person: str
    has_markers: bool
    rows: list[SessionRow]
    older_url: str
    newest_url: str
    all_url: str
    is_narrowed: bool
    activity: Activity
    install: Install | None
    retention_days: int


@get("/sessions")
async def show_sessions(
    request: AnyRequest,
    frame: NamedDependency[Frame],
    status: FromQuery[str] = "",
    route: FromQuery[str] = "",
    person: FromQuery[str] = "",
    markers: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Response[Any]:
    """The page, or its live part."""
    assert frame.project is not None
    asked = SessionFilter(
        status=status if status in words.REPORTS else "",
        route=typed(route),
        person=typed(person),
        has_markers=markers == "yes",
    )
    page = await _compose(request, frame.project.id, asked, read_cursor(after))
    return live(request, frame, page, whole="sessions.html", part="_sessions.html")


async def _compose(
    request: AnyRequest, project_id: str, asked: SessionFilter, after: Cursor | None
) -> SessionsPage:
    async with database_of(request).read() as connection:
        found = await dashboard_sessions.list_sessions(
            connection, project_id, asked, after=after, limit=PAGE_SIZE + 1
        )
        seen = await dashboard.activity(connection, project_id, now=utc_now())
        install = None if seen.has_sessions else await install_of(request, connection, project_id)
    last = found[PAGE_SIZE - 1] if len(found) > PAGE_SIZE else None
    return SessionsPage(
        statuses=_status_tabs(request, asked.status),
        status=asked.status,
        route=asked.route,
        person=asked.person,
        has_markers=asked.has_markers,
        rows=found[:PAGE_SIZE],
        older_url=url_with(request, after=str(Cursor(last.started_at, last.id))) if last else "",
        newest_url=url_with(request) if after else "",
        all_url=request.url.path,
        is_narrowed=asked != SessionFilter(),
        activity=seen,
        install=install,
        retention_days=request.app.state.settings.retention.days,
    )


def _status_tabs(request: AnyRequest, chosen: str) -> list[Choice]:
    labels = {"": "All"} | words.REPORTS
    return [
        Choice(label=label, url=url_with(request, status=name), is_chosen=name == chosen)
        for name, label in labels.items()
    ]
