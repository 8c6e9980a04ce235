"""The Issue page: one failure, everyone it hit, and what the team does about it."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, Conflict, NotFound
from retrospec.domain.issue import Issue, IssueState
from retrospec.domain.receipt import Receipt
from retrospec.domain.report import ReportCard
from retrospec.storage import dashboard_issues, issues, receipts, reports, strips, triage
from retrospec.storage.dashboard import Cursor, read_cursor
from retrospec.storage.dashboard_issues import IssueSessionRow
from retrospec.storage.issues import Tally
from retrospec.storage.triage import Triage
from retrospec.web.pages import charts, words
from retrospec.web.pages.charts import Span, Trend
from retrospec.web.pages.grouping import Grouping, grouping_of
from retrospec.web.pages.guard import database_of, local_path, read_form
from retrospec.web.pages.issues import Choice
from retrospec.web.pages.rendering import AnyRequest, Frame, live, url_with
from retrospec.web.pages.strips import StripView, issue_strip

PAGE_SIZE = 25
MAX_NOTE = 500
MAX_ASSIGNEE = 120
MUTES = {"1d": ("1 day", 1), "7d": ("1 week", 7), "30d": ("30 days", 30), "": ("Until I say so", 0)}


class IssuePage(msgspec.Struct, kw_only=True):
    """An issue with one page of its sessions."""

    issue: Issue
    title: str
    """Short and technical."""
    visual_count: int
    """Sessions in which it was seen on screen."""
    span: Span
    spans: list[Choice]
    trend: Trend
    representative: ReportCard | None
    """What is known of the session that shows it best; None once that has expired."""
    jump_ms: int | None
    """Where in that session's replay the failure is."""
    sessions: list[IssueSessionRow]
    status: str
    min_confidence: float
    older_url: str
    newest_url: str
    all_url: str
    retention_days: int
    grouping: Grouping
    strip: StripView | None
    """What it looked like."""
    receipts: dict[str, Receipt]
    """Whether there is a replay, by session: of the listed ones and of the best."""


class TriageForm(msgspec.Struct):
    """What the state form sends."""

    seen_state: str
    state: str
    assignee: str = ""
    note: str = ""
    mute_for: str = ""
    back: str = "/"


async def _promoted(request: AnyRequest, project_id: str, key: str) -> Tally:
    async with database_of(request).read() as connection:
        tally = await issues.find(connection, project_id, key)
    if tally is None or tally.promoted_at is None:
        raise NotFound("There is no such issue in this project.")
    return tally


@get("/issues/{key:str}")
async def show_issue(
    request: AnyRequest,
    frame: NamedDependency[Frame],
    key: FromPath[str],
    span: FromQuery[str] = "7d",
    status: FromQuery[str] = "",
    confidence: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Response[Any]:
    """The page, or its live part."""
    assert frame.project is not None
    tally = await _promoted(request, frame.project.id, key)
    if tally.issue.key != key:
        return Redirect(f"/p/{frame.project.id}/issues/{tally.issue.key}", status_code=303)
    page = await _compose(
        request,
        tally,
        charts.span_named(span),
        status=status if status in words.REPORTS else "",
        min_confidence=_share(confidence),
        after=read_cursor(after),
    )
    return live(request, frame, page, whole="issue.html", part="_issue.html")


async def _compose(
    request: AnyRequest,
    tally: Tally,
    span: Span,
    *,
    status: str,
    min_confidence: float,
    after: Cursor | None,
) -> IssuePage:
    issue, now = tally.issue, utc_now()
    project_id, best = issue.project_id, issue.representative_session_id
    async with database_of(request).read() as connection:
        by_hour = await dashboard_issues.trends(
            connection, project_id, [issue.key], since_hour=charts.first_hour(span, now)
        )
        found = await dashboard_issues.list_issue_sessions(
            connection,
            project_id,
            issue.key,
            status=status,
            min_confidence=min_confidence,
            after=after,
            limit=PAGE_SIZE + 1,
        )
        report = await reports.of_session(connection, project_id, best)
        jump_ms = await dashboard_issues.jump_of(connection, project_id, issue.key, best)
        min_sessions = request.app.state.settings.promote.min_sessions
        grouping = await grouping_of(connection, tally, min_sessions=min_sessions)
        pictures = await strips.of_issues(connection, project_id, [issue.key])
        named = [best, *(row.session_id for row in found)]
        vouched = await receipts.receipts_of(connection, project_id, named)
    return IssuePage(
        issue=issue,
        title=tally.title,
        visual_count=min(tally.visual_count, issue.session_count),
        span=span,
        spans=[
            Choice(label=s.label, url=url_with(request, span=s.name), is_chosen=s == span)
            for s in charts.SPANS
        ],
        trend=charts.trend(by_hour[issue.key], span, now, width=560, height=72),
        representative=report,
        jump_ms=jump_ms,
        sessions=found[:PAGE_SIZE],
        status=status,
        min_confidence=min_confidence,
        older_url=_older_url(request, found[PAGE_SIZE - 1]) if len(found) > PAGE_SIZE else "",
        newest_url=url_with(request) if after else "",
        all_url=url_with(request, status="", confidence=""),
        retention_days=request.app.state.settings.retention.days,
        grouping=grouping,
        strip=issue_strip(pictures.get(issue.key), project_id, issue.key),
        receipts=vouched,
    )


def _share(text: str) -> float:
    """A confidence from the address, 0…1; nonsense is no filter."""
    try:
        share = float(text or 0)
    except ValueError:
        return 0.0
    return share if 0 <= share <= 1 else 0.0


def _older_url(request: AnyRequest, last: IssueSessionRow) -> str:
    return url_with(request, after=str(Cursor(last.last_observed_at, last.session_id)))


@post("/issues/{key:str}/state")
async def change_issue(request: AnyRequest, frame: NamedDependency[Frame], key: FromPath[str]) -> Response[Any]:
    """Set state, assignee and note; refused when someone else changed the state meanwhile."""
    assert frame.project is not None
    form = await read_form(request, TriageForm)
    now = utc_now()
    seen_state = _state_named(form.seen_state)
    async with database_of(request).write() as connection:
        is_changed = await triage.set_triage(
            connection, frame.project.id, key, _read_triage(form, now), seen_state=seen_state, now=now
        )
    if not is_changed:
        await _promoted(request, frame.project.id, key)
        raise Conflict(
            "Someone changed this issue since you opened it.", hint="Go back and reload to see how it stands."
        )
    return Redirect(local_path(form.back), status_code=303)


def _state_named(name: str) -> IssueState:
    if name not in words.STATES:
        raise BadRequest(f"There is no state {name!r}; use {', '.join(words.STATES)}.")
    return IssueState(name)


def _read_triage(form: TriageForm, now: datetime) -> Triage:
    state = _state_named(form.state)
    days = MUTES.get(form.mute_for, ("", 0))[1]
    is_for_a_time = state is IssueState.MUTED and days > 0
    return Triage(
        state=state,
        assignee=" ".join(form.assignee.split())[:MAX_ASSIGNEE],
        note=form.note.strip()[:MAX_NOTE],
        muted_until=now + timedelta(days=days) if is_for_a_time else None,
    )
