"""Home: is anything on fire? What is new, came back or grows; whom it hit; how the site and this product do."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect

from retrospec.domain.clock import to_epoch_ms, utc_now
from retrospec.domain.issue import Issue, IssueState
from retrospec.issues import judging
from retrospec.storage import dashboard, dashboard_issues, impact, judgements, pulse, stats, strips, work
from retrospec.storage.dashboard_issues import IssueFilter
from retrospec.storage.database import Connection
from retrospec.storage.pulse import Pulse
from retrospec.web.pages import charts, words
from retrospec.web.pages.charts import Span, Spark, Trend
from retrospec.web.pages.guard import database_of, signed_in_frame
from retrospec.web.pages.install import Install, install_of
from retrospec.web.pages.issue_work import Mark, release_marks
from retrospec.web.pages.issues import Choice
from retrospec.web.pages.rendering import AnyRequest, Frame, live, render, url_with
from retrospec.web.pages.strips import StripView, issue_strip

OPEN = (IssueState.ACTIVE, IssueState.ACKNOWLEDGED)
LOOKED_AT = 40
"""Open issues seen last, of which the news is made; newer ones than these are in the list of the new."""
PER_GROUP = 4
GROWTH, GROWN_SESSIONS = 1.5, 3
"""An issue grows when the span has this many times the sessions of the one before, and this many at least."""
PRECISION_DAYS = 30
RELEASES = 20
MINUTE = timedelta(minutes=1)
PULSES = 100
"""Counts kept by a process."""


class NoProjectPage(msgspec.Struct):
    """Nothing to show: how to make the first project."""


class News(msgspec.Struct, kw_only=True):
    """One issue worth a look."""

    issue: Issue
    route: str
    why: str
    """What is new about it: ``12 sessions, 3 in the 24 hours before``."""
    trend: Spark
    strip: StripView | None
    url: str


class Group(msgspec.Struct, kw_only=True):
    """Issues that are news for the same reason."""

    name: str
    title: str
    lines: list[News]
    more: int


class HomePage(msgspec.Struct, kw_only=True):
    """A project at a glance."""

    span: Span
    spans: list[Choice]
    headline: str
    mood: str
    """``bad``, ``warm`` or ``good``."""
    groups: list[Group]
    now: Pulse
    before: Pulse
    open_count: int
    confirmed: int
    rejected: int
    """Of the confirmed of the last month, those a person called wrong."""
    precision_days: int
    trend: Trend
    """Sessions with failures, by hour of their newest."""
    marks: list[Mark]
    has_sessions: bool
    install: Install | None


@get("/")
async def show_first_home(request: AnyRequest) -> Response[Any]:
    """On to the first project."""
    frame = await signed_in_frame(request)
    if not frame.projects:
        return render("no_project.html", frame, NoProjectPage())
    return Redirect(f"/p/{frame.projects[0].id}/home", status_code=303)


@get("/")
async def show_project_home(frame: NamedDependency[Frame]) -> Response[Any]:
    """A project's bare address leads to its Home."""
    assert frame.project is not None
    return Redirect(f"/p/{frame.project.id}/home", status_code=303)


@get("/home")
async def show_home(request: AnyRequest, frame: NamedDependency[Frame], span: FromQuery[str] = "24h") -> Response[Any]:
    """The page, or its live part."""
    assert frame.project is not None
    compose = partial(_compose, request, project_id=frame.project.id, span=charts.span_named(span))
    page = await database_of(request).read_once(compose)
    return live(request, frame, page, whole="home.html", part="_home.html")


async def _compose(request: AnyRequest, connection: Connection, project_id: str, span: Span) -> HomePage:
    now = utc_now()
    length, minute = timedelta(hours=span.hours), now.replace(second=0, microsecond=0)
    has_sessions = await dashboard.has_sessions(connection, project_id)
    groups = await _news(connection, project_id, span, now)
    counts = await dashboard_issues.count_by_state(connection, project_id)
    detectors = await judgements.detectors(connection, project_id, since_day=judging.day_of(now) - PRECISION_DAYS + 1)
    first = charts.first_hour(span, now)
    hours = await stats.series(connection, project_id, since_hour=first)
    by_hour = {to_epoch_ms(one.hour) // charts.HOUR_MS: one.session_count for one in hours}
    trend = charts.trend(by_hour, span, now, width=560, height=72)
    known = await work.latest_releases(connection, project_id, limit=RELEASES)
    open_count = sum(counts.get(state, 0) for state in OPEN)
    headline, mood = headline_of(groups, open_count, trend.total, span)
    return HomePage(
        span=span,
        spans=[Choice(label=s.label, url=url_with(request, span=s.name), is_chosen=s == span) for s in charts.SPANS],
        headline=headline,
        mood=mood,
        groups=groups,
        now=await _pulse(request, connection, project_id, minute - length, minute + MINUTE),
        before=await _pulse(request, connection, project_id, minute - 2 * length, minute - length),
        open_count=open_count,
        confirmed=sum(one.confirmed for one in detectors),
        rejected=sum(one.rejected for one in detectors),
        precision_days=PRECISION_DAYS,
        trend=trend,
        marks=release_marks(known, first, span, trend.width),
        has_sessions=has_sessions,
        install=None if has_sessions else await install_of(request, connection, project_id),
    )


async def _pulse(request: AnyRequest, connection: Connection, project_id: str, since: datetime, until: datetime) -> Pulse:
    """Counted twice a minute at most: with 100,000 sessions a week's people take 0.2 s of reading."""
    state, half_minute = request.app.state, int(utc_now().timestamp()) // 30
    if "pulses" not in state:
        state["pulses"] = {}
    known: dict[Any, Pulse] = state["pulses"]
    asked = project_id, since, until, half_minute
    if asked not in known:
        while len(known) >= PULSES:
            known.pop(next(iter(known)), None)  # others compose in threads beside this one
        known[asked] = await pulse.pulse(connection, project_id, since=since, until=until)
    return known[asked]


def headline_of(groups: list[Group], open_count: int, failed: int, span: Span) -> tuple[str, str]:
    """The answer in one sentence, and how bad it is; ``failed`` sessions had something in them that may be one."""
    counts = {group.name: len(group.lines) + group.more for group in groups}
    parts = []
    if came := counts.get("back"):
        parts.append(f"{words.plural(came, 'issue')} came back")
    if new := counts.get("new"):
        parts.append(f"{words.plural(new, 'issue is', 'issues are')} new")
    if growing := counts.get("growing"):
        parts.append(f"{words.plural(growing, 'issue is', 'issues are')} growing")
    if parts:
        sentence = ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]
        return f"{sentence}, within {span.label}.", "bad" if came or new else "warm"
    if open_count:
        return f"Nothing new within {span.label}. {words.plural(open_count, 'issue is', 'issues are')} open.", "good"
    if failed:
        return f"No open issue. {words.plural(failed, 'session')} had a failure that nobody else was seen to have.", "good"
    return "All quiet: no open issue.", "good"


async def _news(connection: Connection, project_id: str, span: Span, now: datetime) -> list[Group]:
    since = now - timedelta(hours=span.hours)
    wanted = IssueFilter(states=OPEN)
    latest = await dashboard_issues.list_issues(connection, project_id, wanted, after=None, limit=LOOKED_AT, sort="seen")
    newest = await dashboard_issues.list_issues(connection, project_id, wanted, after=None, limit=LOOKED_AT, sort="newest")
    top = await dashboard_issues.list_issues(connection, project_id, wanted, after=None, limit=PER_GROUP, sort="impact")
    active = {issue.key: issue for issue in [*latest, *newest] if issue.last_seen_at >= since}
    back = await pulse.came_back(connection, project_id, list(active), since=since)
    first = charts.first_hour(span, now)
    keys = list({**active, **{issue.key: issue for issue in top}})
    hours = await dashboard_issues.trends(connection, project_id, keys, since_hour=first - span.hours, step_hours=span.step_hours)
    sorts: dict[str, list[tuple[Issue, str]]] = {"back": [], "new": [], "growing": [], "top": []}
    for issue in sorted(active.values(), key=lambda each: -each.impact):
        group, why = _reason(issue, back, hours[issue.key], first, since, span)
        if group:
            sorts[group].append((issue, why))
    if not any(sorts.values()):
        sorts["top"] = [(issue, "") for issue in top]
    shown = await _lines(connection, project_id, sorts, hours, span, now)
    return [
        Group(name=name, title=_TITLES[name], lines=shown[name], more=len(found) - len(shown[name]))
        for name, found in sorts.items()
        if found
    ]


_TITLES = {"back": "Came back", "new": "New", "growing": "Growing", "top": "Open, by impact"}


def _reason(
    issue: Issue, back: Mapping[str, str], hours: Mapping[int, int], first: int, since: datetime, span: Span
) -> tuple[str, str]:
    """Which group an issue is news in and why; empty where it is none. What came back is told before what grows."""
    count = sum(number for hour, number in hours.items() if hour >= first)
    before = sum(number for hour, number in hours.items() if first - span.hours <= hour < first)
    if issue.key in back:
        return "back", back[issue.key]
    if issue.created_at >= since:
        return "new", ""
    if count >= GROWN_SESSIONS and count >= GROWTH * before:
        return "growing", f"{words.plural(count, 'session')}, {words.count(before)} in the {span.label} before"
    return "", ""


async def _lines(
    connection: Connection,
    project_id: str,
    sorts: Mapping[str, list[tuple[Issue, str]]],
    hours: Mapping[str, Mapping[int, int]],
    span: Span,
    now: datetime,
) -> dict[str, list[News]]:
    keys = [issue.key for found in sorts.values() for issue, _ in found[:PER_GROUP]]
    pictures = await strips.of_issues(connection, project_id, keys)
    pages = await impact.main_pages(connection, project_id, keys)
    return {
        name: [
            News(
                issue=issue,
                route=pages.get(issue.key, ""),
                why=why,
                trend=charts.spark(hours[issue.key], span, now, width=96, height=24),
                strip=issue_strip(pictures.get(issue.key), project_id, issue.key),
                url=f"/p/{project_id}/issues/{issue.key}",
            )
            for issue, why in found[:PER_GROUP]
        ]
        for name, found in sorts.items()
    }
