"""What clients read: issues, their sessions, one session, its events."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from retrospec.capture.compress import decompress
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, NotFound
from retrospec.domain.issue import IssueState
from retrospec.domain.marker import MarkerKind
from retrospec.domain.receipt import expired_receipt
from retrospec.domain.report import ReportStatus
from retrospec.domain.session import Session
from retrospec.storage import expiry, issues, markers, receipts, recordings, reports, sessions, stats
from retrospec.storage.blobs import blob_key
from retrospec.storage.database import Database
from retrospec.web.access import needs
from retrospec.web.api.ingest import AnyRequest
from retrospec.web.api.wire import (
    IssuesAnswer,
    IssueSessionsAnswer,
    PromotedAnswer,
    SeriesAnswer,
    SessionAnswer,
    SessionFilters,
    StatsAnswer,
    wire_issue,
    wire_session,
    with_receipts,
)

MAX_INFLATED_BYTES = 1 << 30


def _database(request: AnyRequest) -> Database:
    return request.app.state.database  # type: ignore[no-any-return]


@get("/v1/issues", guards=[needs("read")], tags=["issues"])
async def list_issues(
    request: AnyRequest, issue_state: Annotated[str, QueryParameter(name="state", schema_extra={"enum": [*IssueState, "all"]})] = "active"
) -> IssuesAnswer:
    """Shown issues in one state, latest seen first; ``state=all`` for every state."""
    state = _issue_state(issue_state)
    async with _database(request).read() as connection:
        found = await issues.list_promoted(connection, request.state.key.project_id, state=state)
    return IssuesAnswer([wire_issue(tally.issue) for tally in found], issue_state)


def _issue_state(word: str) -> IssueState | None:
    if word == "all":
        return None
    try:
        return IssueState(word)
    except ValueError as error:
        legal = ", ".join([*IssueState, "all"])
        raise BadRequest(f"state is {word!r}; use one of {legal}", field="state") from error


@post("/v1/issues/promote", guards=[needs("admin")], status_code=200, tags=["issues"])
async def promote_issues(request: AnyRequest) -> PromotedAnswer:
    """Show every issue that reaches the thresholds as they are set now; answers all active ones."""
    project_id, settings = request.state.key.project_id, request.app.state.settings.promote
    async with _database(request).write() as connection:
        ready = await issues.unpromoted(
            connection, project_id, min_sessions=settings.min_sessions, min_people=settings.min_people
        )
        await issues.promote(connection, project_id, [tally.issue.key for tally in ready], now=utc_now())
    async with _database(request).read() as connection:
        shown = await issues.list_promoted(connection, project_id, state=IssueState.ACTIVE)
    return PromotedAnswer([wire_issue(tally.issue) for tally in shown])


@get("/v1/issues/stats", guards=[needs("read")], tags=["issues"])
async def issue_stats(
    request: AnyRequest, hours: Annotated[int, QueryParameter(name="hours", ge=1, le=720)] = 24
) -> StatsAnswer:
    """Markers, sessions and clusters per kind over the last hours."""
    project_id, since = request.state.key.project_id, utc_now() - timedelta(hours=hours)
    found = await _database(request).read_once(
        lambda connection: stats.by_kind(connection, project_id, since=since)
    )
    return StatsAnswer(hours, found)


@get("/v1/issues/series", guards=[needs("read")], tags=["issues"])
async def issue_series(
    request: AnyRequest,
    hours: Annotated[int, QueryParameter(name="hours", ge=1, le=720)] = 24,
    kind: Annotated[str, QueryParameter(name="kind", schema_extra={"enum": ["", *MarkerKind]})] = "",
    key: Annotated[str, QueryParameter(name="key")] = "",
) -> SeriesAnswer:
    """Sessions and markers by the hour: of one issue (``key``), one ``kind``, or all kinds together."""
    if kind and kind not in list(MarkerKind):
        raise BadRequest(f"kind is {kind!r}; use one of {', '.join(MarkerKind)}", field="kind")
    project_id, since_hour = request.state.key.project_id, stats.hour_of(utc_now()) - hours + 1
    async with _database(request).read() as connection:
        found = await stats.series(connection, project_id, kind=kind, key=key, since_hour=since_hour)
    return SeriesAnswer(hours, kind, key, found)


@get("/v1/issues/{cluster_key:str}/sessions", guards=[needs("read")], tags=["issues"])
async def issue_sessions(
    request: AnyRequest,
    cluster_key: FromPath[str],
    limit: Annotated[int, QueryParameter(name="limit", ge=1, le=200)] = 30,
    report_status: Annotated[str, QueryParameter(name="reportStatus", schema_extra={"enum": ["", *ReportStatus]})] = "",
    min_confidence: Annotated[float, QueryParameter(name="minConfidence", ge=0, le=1)] = 0.0,
) -> IssueSessionsAnswer:
    """Sessions with a marker of this cluster, latest first."""
    if report_status and report_status not in list(ReportStatus):
        legal = ", ".join(ReportStatus)
        raise BadRequest(f"reportStatus is {report_status!r}; use one of {legal}", field="reportStatus")
    async with _database(request).read() as connection:
        found = await issues.sessions_of(
            connection,
            request.state.key.project_id,
            cluster_key,
            limit=limit,
            status=report_status,
            min_confidence=min_confidence,
        )
    return IssueSessionsAnswer(cluster_key, limit, SessionFilters(report_status, min_confidence), found)


async def find_session(request: AnyRequest, session_id: str, project_id: str = "") -> Session:
    """The session of that id in the caller's project. Raises NotFound."""
    asked = project_id or request.state.key.project_id
    async with _database(request).read() as connection:
        session = await sessions.find(connection, asked, session_id)
        gone_at = None if session else await expiry.expired_at(connection, asked, session_id)
    if gone_at is not None:
        raise NotFound(f"Session {session_id!r} {expired_receipt(gone_at).reason}.")
    if session is None:
        raise NotFound(f"There is no session {session_id!r} in this project.")
    return session


@get("/v1/sessions/{session_id:str}", guards=[needs("read")], tags=["sessions"])
async def read_session(request: AnyRequest, session_id: FromPath[str]) -> SessionAnswer:
    """One session with its markers, artifacts and report card."""
    session = await find_session(request, session_id)
    async with _database(request).read() as connection:
        found, client_ms = await markers.with_client_times(connection, session.project_id, session_id)
        kept = await receipts.kept_of(connection, session)
        artifacts = await reports.artifacts_of(connection, session.project_id, session_id)
        report = await reports.of_session(connection, session.project_id, session_id)
    return SessionAnswer(with_receipts(wire_session(session, found, artifacts, report), found, client_ms, kept))


@get(
    "/v1/sessions/{session_id:str}/events",
    guards=[needs("read")],
    tags=["sessions"],
    media_type="application/json",
)
async def read_events(request: AnyRequest, session_id: FromPath[str]) -> Stream:
    """The session's recording: ``{sessionId, eventsObjectKey, events}``."""
    session = await find_session(request, session_id)
    head = msgspec.json.encode({"sessionId": session.id, "eventsObjectKey": session.events_object_key})
    return Stream(_events_answer(request.app.state, session, head), media_type="application/json")


async def _events_answer(state: Any, session: Session, head: bytes) -> AsyncIterator[bytes]:
    yield head[:-1] + b',"events":['
    async for part in event_parts(state, session):
        yield part
    yield b"]}"


async def event_parts(state: Any, session: Session) -> AsyncIterator[bytes]:
    """The session's events as the inside of one JSON array, chunk by chunk."""
    async with state.database.read() as connection:
        rows = await recordings.of_session(connection, session.project_id, session.id)
    is_first = True
    for row in rows:
        stored = await state.blobs.get(blob_key(row.object_key))
        inside = (
            (await asyncio.to_thread(decompress, stored, max_bytes=MAX_INFLATED_BYTES)).strip()[1:-1].strip()
        )
        if inside:
            yield inside if is_first else b"," + inside
            is_first = False


ROUTES = [list_issues, promote_issues, issue_stats, issue_series, issue_sessions, read_session, read_events]
