"""Issues as programs read them."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from litestar import Response, get
from litestar.params import FromPath, FromQuery, QueryParameter

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import NotFound
from retrospec.domain.issue import Issue as StoredIssue
from retrospec.domain.issue import IssueState
from retrospec.domain.marker import MarkerKind
from retrospec.domain.workflow import Work
from retrospec.search.parse import MAX_TEXT, parse
from retrospec.shapes.issues import (
    ActivityLine,
    ActivityList,
    Breakdown,
    CausedFailure,
    Count,
    Decision,
    FixStanding,
    Grouping,
    GroupMember,
    Issue,
    IssueDetail,
    IssueFacets,
    IssueList,
    IssueSessionList,
    IssueSessionRow,
    NearIssue,
    TrendHour,
)
from retrospec.storage import (
    activity,
    clusters,
    dashboard,
    dashboard_issues,
    impact,
    issues,
    receipts,
    reports,
    stats,
    strips,
    work,
)
from retrospec.storage.dashboard import Cursor, read_cursor
from retrospec.storage.dashboard_issues import IssueFilter
from retrospec.storage.database import Connection
from retrospec.storage.issue_order import SORTS, SortCursor, read_sort_cursor
from retrospec.storage.issues import Tally
from retrospec.web.access import needs
from retrospec.web.api.ingest import AnyRequest
from retrospec.web.api.v2.answers import (
    DEFAULT_LIMIT,
    After,
    Hours,
    Limit,
    cursor_of,
    database_of,
    known,
    listed,
    page_url,
    place_in,
    project_of,
    shaped,
    told,
)
from retrospec.web.api.v2.evidence import issue_strip_of, report_of
from retrospec.web.issue_search import searched
from retrospec.web.pages.grouping import grouping_of
from retrospec.web.pages.issue_work import fix_words, mute_words
from retrospec.web.pages.issues import OPEN
from retrospec.web.pages.recording import FILE_HEADERS
from retrospec.web.pages.rendering import typed

Sort = Literal["impact", "seen", "people", "newest"]
StateName = Literal["open", "active", "acknowledged", "resolved", "muted", "archived", "all"]
KindName = Literal["", "js_exception", "api_error", "validation_failed", "ui_no_effect"]
StatusName = Literal["", "pending", "ready", "failed", "discarded"]
WEEK_HOURS = 168
FACET = r"^(browser|os|device|country|release|environment|tag:.+)?$"


@get("/issues", guards=[needs("read")], tags=["issues"])
async def list_issues(
    request: AnyRequest,
    wanted: Annotated[StateName, QueryParameter(name="state", description="`open` is active and acknowledged.")] = "open",
    kind: FromQuery[KindName] = "",
    q: Annotated[str, QueryParameter(name="q", description="A search as in the dashboard: words of the symptom, title or assignee, or what its sessions of late are found by.")] = "",
    site: FromQuery[str] = "",
    sort: FromQuery[Sort] = "impact",
    limit: Limit = DEFAULT_LIMIT,
    cursor: After = "",
) -> Response[IssueList]:
    """A project's issues, in the order asked for, greatest first."""
    asked = IssueFilter(states=_states_named(wanted), kind=kind, site=typed(site))
    place = place_in(f"issues.{sort}", cursor)
    after = known(place, read_sort_cursor(place, sort))
    query = parse(typed(q, longest=MAX_TEXT), now=utc_now())
    async with database_of(request).read() as connection:
        asked = await searched(connection, project_of(request), asked, query)
        found = await dashboard_issues.list_issues(
            connection, project_of(request), asked, after=after, limit=limit + 1, sort=sort
        )
        items = await _issues(request, connection, found[:limit])
    last = found[limit - 1] if len(found) > limit else None
    here = str(SortCursor(getattr(last, SORTS[sort]), last.key)) if last else ""
    return told(request, IssueList(items=items, next=cursor_of(f"issues.{sort}", here) if last else None))


def _states_named(name: str) -> tuple[IssueState, ...]:
    return tuple(IssueState) if name == "all" else OPEN if name == "open" else (IssueState(name),)


async def _issues(request: AnyRequest, connection: Connection, found: list[StoredIssue]) -> list[Issue]:
    pages = await impact.main_pages(connection, project_of(request), [one.key for one in found])
    return [_issue(request, one, pages.get(one.key, "")) for one in found]


def _issue(request: AnyRequest, issue: StoredIssue, page: str) -> Issue:
    return shaped(
        issue, Issue, note=issue.state_note, people_count=issue.user_count, page=page,
        url=page_url(request, "issues", issue.key),
    )  # fmt: skip


@get("/issues/facets", guards=[needs("read")], tags=["issues"])
async def issue_facets(request: AnyRequest) -> Response[IssueFacets]:
    """What the list can be narrowed by, with counts."""
    project_id = project_of(request)
    async with database_of(request).read() as connection:
        states = await dashboard_issues.count_by_state(connection, project_id)
        kinds = await stats.by_kind(connection, project_id, since=utc_now() - timedelta(days=1))
        sites = await dashboard.latest_sites(connection, project_id)
    sessions = {one.kind: one.session_count for one in kinds}
    return told(
        request,
        IssueFacets(
            states=[Count(value=state, count=states.get(state, 0)) for state in IssueState],
            kinds=[Count(value=kind, count=sessions.get(kind, 0)) for kind in MarkerKind],
            sites=sites,
        ),
    )


async def promoted(connection: Connection, project_id: str, key: str) -> Tally:
    """The issue that now holds ``key``. Raises NotFound."""
    tally = await issues.find(connection, project_id, key)
    if tally is None or tally.promoted_at is None:
        raise NotFound(f"There is no issue {key!r} in this project.")
    return tally


async def issue_now(request: AnyRequest, connection: Connection, key: str) -> Issue:
    """An issue as it stands. Raises NotFound."""
    tally = await promoted(connection, project_of(request), key)
    return (await _issues(request, connection, [tally.issue]))[0]


@get("/issues/{key:str}", guards=[needs("read")], tags=["issues"])
async def read_issue(request: AnyRequest, key: FromPath[str], hours: Hours = WEEK_HOURS) -> Response[IssueDetail]:
    """One issue whole: impact, trend, breakdowns, why grouped, likely cause, pictures, fix. The key of an issue that was
    merged leads to the one it is in."""
    async with database_of(request).read() as connection:
        tally = await promoted(connection, project_of(request), key)
        return told(request, await _detail(request, connection, tally, hours, utc_now()))


async def _detail(request: AnyRequest, connection: Connection, tally: Tally, hours: int, now: datetime) -> IssueDetail:
    issue, project_id = tally.issue, tally.issue.project_id
    reach = await clusters.reach_of(connection, project_id, issue.key)
    first = stats.hour_of(now) - hours + 1
    found = await dashboard_issues.trends(connection, project_id, [issue.key], since_hour=first - hours)
    standing = await work.find(connection, project_id, issue.key)
    facets = await impact.facets_of(connection, project_id, reach.keys)
    best = issue.representative_session_id
    report = await reports.of_session(connection, project_id, best)
    pictures = await strips.of_issues(connection, project_id, [issue.key])
    by_hour = sorted(found[issue.key].items())
    return IssueDetail(
        issue=(await _issues(request, connection, [issue]))[0],
        title=tally.title,
        seen_on_screen=min(tally.visual_count, issue.session_count),
        hours=hours,
        trend=[TrendHour(hour=stats.hour_start(hour), session_count=count) for hour, count in by_hour if hour >= first],
        sessions_before=sum(count for hour, count in by_hour if hour < first),
        breakdowns=[Breakdown(facet=name, values=[Count(value=v, count=n) for v, n in values]) for name, values in sorted(facets.items())],
        watch=standing.watch_shown,
        used_sessions=standing.used_count,
        failed_sessions=standing.failed_count,
        fix=_fix(standing),
        mute=mute_words(issue, standing) if issue.state is IssueState.MUTED else "",
        grouping=await _grouping(request, connection, tally),
        report=report_of(report) if report else None,
        jump_ms=await dashboard_issues.jump_of(connection, project_id, reach, best),
        strip=issue_strip_of(pictures.get(issue.key), issue.key),
    )


def _fix(standing: Work) -> FixStanding | None:
    if standing.fix is None:
        return None
    return shaped(
        standing.fix, FixStanding, verified_at=standing.verified_at, clean_sessions=standing.clean_count,
        sentence=fix_words(standing),
    )  # fmt: skip


async def _grouping(request: AnyRequest, connection: Connection, tally: Tally) -> Grouping:
    least = request.app.state.settings.promote.min_sessions
    found = await grouping_of(connection, tally, min_sessions=least)
    return Grouping(
        members=[shaped(one, GroupMember, parts=[[part.name, part.value] for part in one.parts]) for one in found.members],
        near=listed(found.near, NearIssue),
        caused=listed(found.symptoms, CausedFailure),
        decisions=listed(found.decisions, Decision),
        reached=found.reached,
    )


@get("/issues/{key:str}/sessions", guards=[needs("read")], tags=["issues"])
async def issue_sessions(
    request: AnyRequest,
    key: FromPath[str],
    status: Annotated[StatusName, QueryParameter(name="status", description="Of their reports.")] = "",
    min_confidence: Annotated[float, QueryParameter(name="minConfidence", ge=0, le=1)] = 0.0,
    facet: Annotated[
        str,
        QueryParameter(
            name="facet", pattern=FACET, schema_extra={"pattern": FACET},
            description="browser, os, device, country, release, environment or tag:…; narrows with `value`.",
        ),
    ] = "",
    value: FromQuery[str] = "",
    limit: Limit = DEFAULT_LIMIT,
    cursor: After = "",
) -> Response[IssueSessionList]:
    """An issue's sessions, latest first, with what each has to show."""
    project_id, place = project_of(request), place_in("issue-sessions", cursor)
    async with database_of(request).read() as connection:
        tally = await promoted(connection, project_id, key)
        found = await dashboard_issues.list_issue_sessions(
            connection, project_id, await clusters.reach_of(connection, project_id, tally.issue.key), status=status, min_confidence=min_confidence,
            after=known(place, read_cursor(place)), limit=limit + 1, facet=(facet, typed(value)) if facet else None,
        )  # fmt: skip
        vouched = await receipts.receipts_of(connection, project_id, [row.session_id for row in found])
    items = [
        shaped(row, IssueSessionRow, receipt=vouched[row.session_id].state, receipt_reason=vouched[row.session_id].reason)
        for row in found[:limit]
    ]
    last = found[limit - 1] if len(found) > limit else None
    after = cursor_of("issue-sessions", str(Cursor(last.last_observed_at, last.session_id))) if last else None
    return told(request, IssueSessionList(items=items, next=after))


@get("/issues/{key:str}/activity", guards=[needs("read")], tags=["issues"])
async def issue_activity(
    request: AnyRequest, key: FromPath[str], limit: Limit = DEFAULT_LIMIT, cursor: After = ""
) -> Response[ActivityList]:
    """An issue's log, newest first: what people said and did, and what happened by itself."""
    project_id = project_of(request)
    async with database_of(request).read() as connection:
        tally = await promoted(connection, project_id, key)
        keys = await clusters.keys_of(connection, project_id, tally.issue.key)
        found = await activity.latest(connection, project_id, keys, limit=limit + 1, before=place_in("activity", cursor))
    after = cursor_of("activity", found[limit - 1].id) if len(found) > limit else None
    return told(request, ActivityList(items=listed(found[:limit], ActivityLine), next=after))


@get("/issues/{key:str}/strip/{index:int}", guards=[needs("read")], tags=["issues"], media_type="image/webp", media="image/webp")
async def issue_picture(request: AnyRequest, key: FromPath[str], index: FromPath[int]) -> Response[bytes]:
    """One picture of an issue's filmstrip, WebP."""
    project_id = project_of(request)
    async with database_of(request).read() as connection:
        tally = await promoted(connection, project_id, key)
        found = await strips.of_issues(connection, project_id, [tally.issue.key])
    frames = found[tally.issue.key].frames if tally.issue.key in found else []
    if not 0 <= index < len(frames):
        raise NotFound("This issue has no such picture.")
    content = await request.app.state.blobs.get(frames[index].image)
    return Response(content, media_type="image/webp", headers=FILE_HEADERS)


ROUTES = [list_issues, issue_facets, read_issue, issue_sessions, issue_activity, issue_picture]
