"""The Issues page: what fails, for how many people, and how sure that is."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect

from retrospec.domain.account import Role
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import NotFound
from retrospec.domain.issue import Issue, IssueState
from retrospec.domain.visual import Strip
from retrospec.search.parse import MAX_TEXT, parse
from retrospec.storage import dashboard, dashboard_issues, impact, search, stats, strips
from retrospec.storage import issues as issue_rows
from retrospec.storage.dashboard import Activity
from retrospec.storage.dashboard_issues import IssueFilter
from retrospec.storage.database import Connection
from retrospec.storage.issue_order import SORTS, SortCursor, read_sort_cursor
from retrospec.storage.issues import Tally
from retrospec.web.issue_search import near_of, searched
from retrospec.web.pages import charts, words
from retrospec.web.pages.charts import Span, Spark
from retrospec.web.pages.facets import Menu, menus
from retrospec.web.pages.guard import database_of
from retrospec.web.pages.install import Install, install_of
from retrospec.web.pages.rendering import AnyRequest, Frame, live, render, typed, url_with, urls_asking
from retrospec.web.pages.strips import StripView, issue_strip
from retrospec.web.pages.views import Views, known_views, opening_url, views_of

PAGE_SIZE = 30
SORT_NAMES = {"impact": "By impact", "seen": "Last seen first", "people": "Most people", "newest": "Newest first"}
OPEN = (IssueState.ACTIVE, IssueState.ACKNOWLEDGED)


class KindCard(msgspec.Struct, kw_only=True):
    """What one kind of failure did within the span."""

    kind: str
    marker_count: int
    session_count: int
    cluster_count: int
    last_seen_at: datetime | None
    is_chosen: bool
    url: str
    """Narrows the list to this kind, or widens it again."""


class Choice(msgspec.Struct, kw_only=True):
    """One tab or segment."""

    label: str
    url: str
    is_chosen: bool
    count: int | None = None


class IssueLine(msgspec.Struct, kw_only=True):
    """An issue as listed."""

    issue: Issue
    site: str
    route: str
    trend: Spark
    url: str
    strip: StripView | None


class IssuesPage(msgspec.Struct, kw_only=True):
    """Statistics, filters and one page of issues."""

    span: Span
    spans: list[Choice]
    states: list[Choice]
    state: str
    sort: str
    sorts: dict[str, str]
    kind: str
    text: str
    complaints: list[str]
    menus: list[Menu]
    views: Views
    site: str
    sites: list[str]
    cards: list[KindCard]
    lines: list[IssueLine]
    older_url: str
    newest_url: str
    """Set on a later page."""
    is_narrowed: bool
    all_url: str
    has_sessions: bool
    activity: Activity | None
    """Where there is no issue at all."""
    install: Install | None
    """Only while nothing has arrived."""
    total: int
    """Issues in any state."""


@get("/issues")
async def show_issues(
    request: AnyRequest,
    frame: NamedDependency[Frame],
    span: FromQuery[str] = "24h",
    wanted: Annotated[str, QueryParameter(name="state")] = "open",
    kind: FromQuery[str] = "",
    q: FromQuery[str] = "",
    site: FromQuery[str] = "",
    after: FromQuery[str] = "",
    sort: FromQuery[str] = "impact",
) -> Response[Any]:
    """The page, or its live part."""
    assert frame.project is not None
    text = typed(q, longest=MAX_TEXT)
    asked = IssueFilter(states=_states_named(wanted), kind=kind if kind in words.KINDS else "", site=typed(site))
    asked_for = _Asked(span=charts.span_named(span), state=wanted, text=text, after=after, sort=_sort_named(sort), wanted=asked)
    compose = partial(_compose, request, frame=frame, asked=asked_for)
    page = await database_of(request).read_once(compose)
    if isinstance(page, str):
        return Redirect(page, status_code=303)
    return live(request, frame, page, whole="issues.html", part="_issues.html")


def _states_named(name: str) -> tuple[IssueState, ...]:
    if name == "all":
        return tuple(IssueState)
    return (IssueState(name),) if name in words.STATES else OPEN


class _Asked(msgspec.Struct, kw_only=True):
    """What of the issues is to be shown."""

    span: Span
    state: str
    text: str
    after: str
    sort: str
    wanted: IssueFilter


async def _compose(request: AnyRequest, connection: Connection, frame: Frame, asked: _Asked) -> IssuesPage | str:
    """The page, or where it leads instead."""
    assert frame.project is not None
    now, project_id = utc_now(), frame.project.id
    known = await known_views(connection, frame, "issues")
    if opening := opening_url(request, known):
        return opening
    span, state, text, after, sort = asked.span, asked.state, asked.text, asked.after, asked.sort
    query = parse(text, now=now)
    near = await near_of(connection, project_id, query)
    wanted = await searched(connection, project_id, asked.wanted, query, near)
    views = views_of(known, request, frame, "issues")
    counts = await dashboard_issues.count_by_state(connection, project_id)
    found = await dashboard_issues.list_issues(
        connection,
        project_id,
        wanted,
        after=read_sort_cursor(after, sort),
        limit=PAGE_SIZE + 1,
        sort=sort,
    )
    shown = found[:PAGE_SIZE]
    total = sum(counts.values())
    seen = None if total else await dashboard.activity(connection, project_id, now=now)
    has_sessions = seen is None or seen.has_sessions
    return IssuesPage(
        span=span,
        spans=[
            Choice(label=s.label, url=url_with(request, span=s.name), is_chosen=s == span) for s in charts.SPANS
        ],
        sort=sort,
        sorts=SORT_NAMES,
        states=_state_tabs(request, counts, state),
        state=state if state != "open" else "",
        kind=wanted.kind,
        text=text,
        complaints=list(query.complaints),
        menus=menus(await search.facets_of(connection, project_id, near), text, urls_asking(request)),
        views=views,
        site=wanted.site,
        sites=await dashboard.latest_sites(connection, project_id),
        cards=await _kind_cards(request, connection, project_id, span, wanted.kind, now),
        lines=await _lines(connection, project_id, shown, span, now),
        older_url=_older_url(request, shown[-1], sort) if len(found) > PAGE_SIZE else "",
        newest_url=url_with(request) if after else "",
        is_narrowed=bool(wanted.kind or text or wanted.site),
        all_url=views.everything_url,
        has_sessions=has_sessions,
        activity=seen,
        install=None if has_sessions else await install_of(request, connection, project_id),
        total=total,
    )


class PreviewPart(msgspec.Struct, kw_only=True):
    """An issue's filmstrip."""

    strip: StripView | None


@get("/issues/{key:str}/preview", need=Role.VIEWER)
async def show_preview(request: AnyRequest, frame: NamedDependency[Frame], key: FromPath[str]) -> Response[Any]:
    """The filmstrip alone, for the list. Raises NotFound."""
    assert frame.project is not None
    project_id = frame.project.id

    async def look_up(connection: Connection) -> tuple[Tally | None, dict[str, Strip]]:
        return await issue_rows.find(connection, project_id, key), await strips.of_issues(connection, project_id, [key])

    tally, found = await database_of(request).read_once(look_up)
    if tally is None or tally.promoted_at is None:
        raise NotFound("There is no such issue in this project.")
    answer = render("_preview.html", frame, PreviewPart(strip=issue_strip(found.get(key), frame.project.id, key)))
    answer.headers["Cache-Control"] = "private, max-age=60"
    return answer


def _older_url(request: AnyRequest, last: Issue, sort: str) -> str:
    return url_with(request, after=str(SortCursor(getattr(last, SORTS[sort]), last.key)))


def _sort_named(name: str) -> str:
    return name if name in SORTS else "impact"


def _state_tabs(request: AnyRequest, counts: dict[str, int], chosen: str) -> list[Choice]:
    known = {"open": sum(counts.get(state, 0) for state in OPEN)}
    known |= {state: counts.get(state, 0) for state in IssueState if state not in OPEN}
    known["all"] = sum(counts.values())
    labels = {"open": "Open", "all": "All"} | words.STATES
    current = chosen if chosen in known else "open"
    return [
        Choice(
            label=labels[name],
            url=url_with(request, state="" if name == "open" else name),
            is_chosen=name == current,
            count=number,
        )
        for name, number in known.items()
    ]


async def _kind_cards(
    request: AnyRequest,
    connection: Connection,
    project_id: str,
    span: Span,
    chosen: str,
    now: datetime,
) -> list[KindCard]:
    since = stats.hour_start(charts.first_hour(span, now))  # the hours that the trends beside show
    found = {each.kind: each for each in await stats.by_kind(connection, project_id, since=since)}
    cards = []
    for kind in words.KINDS:
        did = found.get(kind)
        cards.append(
            KindCard(
                kind=kind,
                marker_count=did.marker_count if did else 0,
                session_count=did.session_count if did else 0,
                cluster_count=did.cluster_count if did else 0,
                last_seen_at=did.last_seen_at if did else None,
                is_chosen=kind == chosen,
                url=url_with(request, kind="" if kind == chosen else kind),
            )
        )
    return cards


async def _lines(
    connection: Connection, project_id: str, shown: list[Issue], span: Span, now: datetime
) -> list[IssueLine]:
    by_hour = await dashboard_issues.trends(
        connection, project_id, [issue.key for issue in shown], since_hour=charts.first_hour(span, now), step_hours=span.step_hours
    )
    where = await dashboard_issues.places(
        connection, project_id, [issue.representative_session_id for issue in shown]
    )
    pictures = await strips.of_issues(connection, project_id, [issue.key for issue in shown])
    pages = await impact.main_pages(connection, project_id, [issue.key for issue in shown])
    lines = []
    for issue in shown:
        site, route = where.get(issue.representative_session_id, ("", ""))
        lines.append(
            IssueLine(
                issue=issue,
                site=site,
                route=pages.get(issue.key, route),
                trend=charts.spark(by_hour[issue.key], span, now, width=96, height=24),
                url=f"/p/{project_id}/issues/{issue.key}",
                strip=issue_strip(pictures.get(issue.key), project_id, issue.key),
            )
        )
    return lines
