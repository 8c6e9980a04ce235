"""Sessions as programs read them."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from litestar import Response, get
from litestar.params import FromPath, QueryParameter

from retrospec.domain.artifact import Artifact
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import NotFound
from retrospec.domain.marker import Control, Marker
from retrospec.domain.receipt import Receipt, losses_of, receipts_of_markers, session_receipt
from retrospec.domain.session import Session
from retrospec.domain.trace import TraceRow as StoredRow
from retrospec.reproducing import Analysed, stored_analysis
from retrospec.search.documents import document_of
from retrospec.search.parse import SHOWN, parse
from retrospec.shapes.sessions import (
    Effect,
    Failure,
    File,
    Finding,
    IssueLink,
    Segment,
    SessionDetail,
    SessionLink,
    SessionList,
    SessionRow,
    Target,
    TracePage,
    TraceRow,
)
from retrospec.storage import (
    dashboard_issues,
    dashboard_sessions,
    markers,
    receipts,
    recordings,
    reports,
    search,
)
from retrospec.storage.dashboard import Cursor, read_cursor
from retrospec.storage.dashboard_sessions import SessionFilter
from retrospec.storage.database import Connection
from retrospec.web.access import needs
from retrospec.web.api.ingest import AnyRequest
from retrospec.web.api.read import find_session
from retrospec.web.api.v2.answers import (
    DEFAULT_LIMIT,
    After,
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
from retrospec.web.api.v2.evidence import file_path, report_of, session_strips_of
from retrospec.web.api.v2.issues import StatusName
from retrospec.web.pages.rendering import typed
from retrospec.web.pages.story import evidence_lines, tell

SAME_PERSON = 6
QUOTE = '"'
TRACE_ROWS, MAX_TRACE_ROWS = 100, 500


@get("/sessions", guards=[needs("read")], tags=["sessions"])
async def list_sessions(
    request: AnyRequest,
    q: Annotated[str, QueryParameter(name="q", description=f"As in the dashboard: words, and {', '.join(SHOWN)} with a colon.")] = "",
    status: Annotated[StatusName, QueryParameter(name="status", description="Of the report.")] = "",
    route: Annotated[str, QueryParameter(name="route", description="Part of the first page's path.")] = "",
    person: Annotated[str, QueryParameter(name="person", description="Exactly the site's user id or the visitor id.")] = "",
    failures: Annotated[bool, QueryParameter(name="failures", description="Only sessions with failures.")] = False,
    limit: Limit = DEFAULT_LIMIT,
    cursor: After = "",
) -> Response[SessionList]:
    """A project's sessions, latest started first; with `q` those in which it happened, was clicked, seen or said."""
    asked = SessionFilter(status=status, route=typed(route), person=typed(person), has_markers=failures)
    async with database_of(request).read() as connection:
        page = await (_found(connection, request, q, asked, limit, cursor) if q.strip() else _listed(connection, request, asked, limit, cursor))
    return told(request, page)


async def _listed(
    connection: Connection, request: AnyRequest, asked: SessionFilter, limit: int, cursor: str
) -> SessionList:
    place = place_in("sessions", cursor)
    found = await dashboard_sessions.list_sessions(
        connection, project_of(request), asked, after=known(place, read_cursor(place)), limit=limit + 1
    )
    last = found[limit - 1] if len(found) > limit else None
    after = cursor_of("sessions", str(Cursor(last.started_at, last.id))) if last else None
    return SessionList(items=listed(found[:limit], SessionRow), next=after, complaints=[])


async def _found(
    connection: Connection, request: AnyRequest, q: str, asked: SessionFilter, limit: int, cursor: str
) -> SessionList:
    query = parse(_question(q, asked), now=utc_now())
    page = search.Page(after=place_in("sessions-found", cursor), limit=limit)
    found = await search.search_sessions(connection, project_of(request), query, page, document_of)
    after = cursor_of("sessions-found", found.next) if found.next else None
    return SessionList(items=listed(found.rows, SessionRow), next=after, complaints=list(query.complaints))


def _question(q: str, asked: SessionFilter) -> str:
    """The other filters are part of the question: nobody sends both to get less narrowed."""
    named = {"status": asked.status, "route": asked.route, "person": asked.person, "has": "failures" if asked.has_markers else ""}
    more = [f'{name}:"{value.replace(QUOTE, " ")}"' for name, value in named.items() if value]
    return " ".join((*more, q))


@get("/sessions/{session_id:str}", guards=[needs("read")], tags=["sessions"])
async def read_session(request: AnyRequest, session_id: FromPath[str]) -> Response[SessionDetail]:
    """One session whole: failures with their receipts, findings, the cited report card, filmstrips, files, issues."""
    session = await find_session(request, session_id)
    async with database_of(request).read() as connection:
        made = await reports.artifacts_of(connection, session.project_id, session.id)
        analysed = await stored_analysis(request.app.state.blobs, made)
        return told(request, await _detail(request, connection, session, made, analysed))


async def _detail(
    request: AnyRequest, connection: Connection, session: Session, made: list[Artifact], analysed: Analysed | None
) -> SessionDetail:
    project_id = session.project_id
    report, findings = await reports.with_findings(connection, project_id, session.id)
    seen, client_ms = await markers.with_client_times(connection, project_id, session.id)
    kept = await receipts.kept_of(connection, session)
    whole = session_receipt(kept)
    issues = await dashboard_issues.issues_of_session(connection, project_id, session.id)
    visual = analysed.visual if analysed else None
    return shaped(
        session, SessionDetail, receipt=whole.state, receipt_reason=whole.reason, losses=losses_of(kept),
        redactions=await recordings.redaction_report(connection, project_id, session.id),
        failures=_failures(seen, receipts_of_markers(seen, client_ms, kept)), findings=listed(findings, Finding),
        report=report_of(report) if report else None,
        strips=session_strips_of(session.id, visual.verdicts if visual else [], made),
        issues=listed(issues, IssueLink), same_person=await _same_person(connection, session),
        files=[shaped(one, File, type=one.artifact_type, path=file_path(session.id, one)) for one in made],
        url=page_url(request, "sessions", session.id),
    )  # fmt: skip


def _failures(seen: Sequence[Marker], vouched: Mapping[str, Receipt]) -> list[Failure]:
    in_order = sorted(seen, key=lambda marker: (marker.replay_offset_ms, marker.id))
    return [
        shaped(
            one, Failure, t_ms=one.replay_offset_ms, evidence=evidence_lines(one.evidence), receipt=vouched[one.id].state,
            receipt_reason=vouched[one.id].reason,
        )
        for one in in_order
    ]  # fmt: skip


async def _same_person(connection: Connection, session: Session) -> list[SessionLink]:
    whom = {"visitor_id": session.visitor_id, "user_id": session.user_id}
    others = await dashboard_sessions.neighbours(connection, session.project_id, **whom, limit=SAME_PERSON + 1)
    links = [SessionLink(id=name, route=route, started_at=at) for name, route, at in others if name != session.id]
    return links[:SAME_PERSON]


@get("/sessions/{session_id:str}/trace", guards=[needs("read")], tags=["sessions"])
async def read_trace(
    request: AnyRequest,
    session_id: FromPath[str],
    around: Annotated[str, QueryParameter(name="around", description="Begin a few rows before the row of this ref.")] = "",
    limit: Annotated[int, QueryParameter(name="limit", ge=1, le=MAX_TRACE_ROWS)] = TRACE_ROWS,
    cursor: After = "",
) -> Response[TracePage]:
    """What the person did and what followed, row by row; sentences of the report cite its rows by `ref`."""
    session = await find_session(request, session_id)
    async with database_of(request).read() as connection:
        made = await reports.artifacts_of(connection, session.project_id, session.id)
    analysed = await stored_analysis(request.app.state.blobs, made)
    if analysed is None:
        raise NotFound("This session has no story yet, or its story has expired.")
    trace, place = analysed.trace, place_in("trace", cursor)
    start = int(place) if place.isdecimal() and len(place) < 9 else _before(trace.rows, around)
    rows = trace.rows[start : start + limit]
    end = start + len(rows)
    page = TracePage(
        items=[_row(row) for row in rows],
        next=cursor_of("trace", str(end)) if end < len(trace.rows) else None,
        row_count=len(trace.rows),
        segments=listed(trace.segments, Segment),
        duration_ms=trace.duration_ms,
        cut=trace.cut,
    )
    return told(request, page)


ROWS_BEFORE = 5


def _before(rows: Sequence[StoredRow], ref: str) -> int:
    if not ref:
        return 0
    found = next((index for index, row in enumerate(rows) if row.ref == ref), None)
    if found is None:
        raise NotFound(f"The trace has no row {ref!r}.", field="around")
    return max(0, found - ROWS_BEFORE)


def _row(row: StoredRow) -> TraceRow:
    return shaped(
        row, TraceRow, text=tell(row).text, target=_target(row.target), effects=listed(row.effects, Effect)
    )


def _target(control: Control | None) -> Target | None:
    if control is None:
        return None
    return shaped(control, Target, name=control.name or control.label)


ROUTES = [list_sessions, read_session, read_trace]
