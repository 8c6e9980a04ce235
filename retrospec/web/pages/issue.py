"""The Issue page: one failure, everyone it hit, and what the team does about it."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import NotFound
from retrospec.domain.issue import Issue
from retrospec.domain.receipt import Receipt
from retrospec.domain.report import Excerpt, ReportCard, Sentence
from retrospec.storage import clusters, dashboard_issues, issues, markers, receipts, reports, strips
from retrospec.storage.dashboard import Cursor, read_cursor
from retrospec.storage.dashboard_issues import IssueSessionRow, narrows
from retrospec.storage.database import Connection
from retrospec.storage.issues import Tally
from retrospec.web.pages import charts, words
from retrospec.web.pages.charts import Span, Trend
from retrospec.web.pages.grouping import Grouping, grouping_of
from retrospec.web.pages.guard import database_of, settings_of
from retrospec.web.pages.issue_work import WorkView, read_work
from retrospec.web.pages.issues import Choice
from retrospec.web.pages.rendering import AnyRequest, Frame, live, typed, url_with
from retrospec.web.pages.story import evidence_lines
from retrospec.web.pages.strips import StripView, issue_strip

PAGE_SIZE = 25


class IssueCard(msgspec.Struct, kw_only=True):
    """What a report card says of an issue."""

    story: list[Sentence]
    cause: list[Sentence]
    look_at: list[Sentence]
    visual: list[Sentence]
    code: list[Excerpt]


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
    card: IssueCard | None
    """Its card, each sentence with the moment that shows it."""
    evidence: list[str]
    """What the browser itself said of the failure there."""
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
    more: WorkView


@get("/issues/{key:str}")
async def show_issue(
    request: AnyRequest,
    frame: NamedDependency[Frame],
    key: FromPath[str],
    span: FromQuery[str] = "7d",
    status: FromQuery[str] = "",
    confidence: FromQuery[str] = "",
    after: FromQuery[str] = "",
    facet: FromQuery[str] = "",
    value: FromQuery[str] = "",
) -> Response[Any]:
    """The page, or its live part."""
    assert frame.project is not None
    project_id = frame.project.id
    asked = Asked(
        span=charts.span_named(span),
        status=status if status in words.REPORTS else "",
        min_confidence=_share(confidence),
        after=read_cursor(after),
        facet=(facet, typed(value)) if narrows(facet) else None,
    )
    page = await database_of(request).read_once(partial(compose, request=request, project_id=project_id, key=key, asked=asked))
    if isinstance(page, str):
        return Redirect(f"/p/{project_id}/issues/{page}", status_code=303)
    return live(request, frame, page, whole="issue.html", part="_issue.html")


class Asked(msgspec.Struct, kw_only=True):
    """What of the issue is to be shown."""

    span: Span
    status: str
    min_confidence: float
    after: Cursor | None
    facet: tuple[str, str] | None


async def compose(connection: Connection, request: AnyRequest, project_id: str, key: str, asked: Asked) -> IssuePage | str:
    """The page, or the key of the issue that one was merged into. Raises NotFound."""
    tally = await issues.find(connection, project_id, key)
    if tally is None or tally.promoted_at is None:
        raise NotFound("There is no such issue in this project.")
    return await _compose(connection, request, tally, asked) if tally.issue.key == key else tally.issue.key


async def _compose(connection: Connection, request: AnyRequest, tally: Tally, asked: Asked) -> IssuePage:
    issue, now, span = tally.issue, utc_now(), asked.span
    project_id, best = issue.project_id, issue.representative_session_id
    reach = await clusters.reach_of(connection, project_id, issue.key)
    more, trend = await read_work(connection, issue, reach.keys, span, now, here=_whole_url(request), template=_tracker(request))
    found = await dashboard_issues.list_issue_sessions(
        connection, project_id, reach, status=asked.status, min_confidence=asked.min_confidence, after=asked.after,
        limit=PAGE_SIZE + 1, facet=asked.facet,
    )  # fmt: skip
    report = await reports.of_session(connection, project_id, best)
    evidence = await _evidence(connection, issue, reach.keys)
    jump_ms = await dashboard_issues.jump_of(connection, project_id, reach, best)
    min_sessions = request.app.state.settings.promote.min_sessions
    grouping = await grouping_of(connection, tally, min_sessions=min_sessions)
    pictures = await strips.of_issues(connection, project_id, [issue.key])
    named = [best, *(row.session_id for row in found)]
    vouched = await receipts.receipts_of(connection, project_id, named)
    more.facet, more.value = asked.facet or ("", "")
    return IssuePage(
        issue=issue,
        title=tally.title,
        visual_count=min(tally.visual_count, issue.session_count),
        span=span,
        spans=[
            Choice(label=s.label, url=url_with(request, span=s.name), is_chosen=s == span)
            for s in charts.SPANS
        ],
        trend=trend,
        representative=report,
        card=_card(report) if report else None,
        evidence=evidence,
        jump_ms=jump_ms,
        sessions=found[:PAGE_SIZE],
        status=asked.status,
        min_confidence=asked.min_confidence,
        older_url=_older_url(request, found[PAGE_SIZE - 1]) if len(found) > PAGE_SIZE else "",
        newest_url=url_with(request) if asked.after else "",
        all_url=url_with(request, status="", confidence="", facet="", value=""),
        retention_days=request.app.state.settings.retention.days,
        grouping=grouping,
        more=more,
        strip=issue_strip(pictures.get(issue.key), project_id, issue.key),
        receipts=vouched,
    )


async def _evidence(connection: Connection, issue: Issue, cluster_keys: Sequence[str]) -> list[str]:
    """Of the first of the issue's own markers in the session that shows it best."""
    own = set(cluster_keys)
    seen = await markers.of_session(connection, issue.project_id, issue.representative_session_id)
    return next((lines for one in seen if one.cluster_key in own and (lines := evidence_lines(one.evidence))), [])


def _card(report: ReportCard) -> IssueCard:
    """The card's sentences, each once; the plain text where there is no card."""

    def said(sentences: list[Sentence], plain: str) -> list[Sentence]:
        return list({one.text: one for one in reversed(sentences)}.values())[::-1] or ([Sentence(plain)] if plain else [])

    card = report.card
    return IssueCard(
        story=said(card.story, report.text_summary),
        cause=said(card.cause, report.technical_root_cause),
        look_at=said(card.look_at, report.suggested_fix),
        visual=said(card.visual, report.visual_summary),
        code=card.code,
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


def _whole_url(request: AnyRequest) -> str:
    """The page's address as others reach it."""
    address = settings_of(request).server.public_url.rstrip("/") or f"{request.url.scheme}://{request.url.netloc}"
    return f"{address}{request.url.path}"


def _tracker(request: AnyRequest) -> str:
    return settings_of(request).tracker.url_template
