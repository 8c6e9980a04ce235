"""What sites send: recordings, sessions with markers, and the SDK's chunks."""

import functools
from typing import Any

import msgspec
from litestar import Request, post

from retrospec.domain.clock import utc_now
from retrospec.intake import Admit, Intake, MarkerReceipt
from retrospec.web.access import needs, visitor_country
from retrospec.web.api.wire import IngestAnswer, UploadAnswer, wire_session
from retrospec.web.quotas import session_quota

WATCHED_MS = 1_500
"""How long the browser of a visitor whom somebody watches gathers what happens; others wait ``chunkMs`` (30 s)."""


class ChunkAnswer(msgspec.Struct, rename="camel"):
    """Answer to a chunk: ``stored`` is false when that number was there already."""

    session_id: str
    seq: int
    stored: bool
    markers: list[MarkerReceipt]
    soon_ms: int | msgspec.UnsetType = msgspec.UNSET
    """There only while somebody watches the session: so soon what happens next is wanted."""


AnyRequest = Request[Any, Any, Any]


def _intake(request: AnyRequest) -> Intake:
    return request.app.state.intake  # type: ignore[no-any-return]


def _admit(request: AnyRequest) -> Admit:
    """Counts the sessions that begin with this key."""
    quota = session_quota(request.app.state)
    return functools.partial(quota.admit, request.state.key.id)


@post("/v1/artifacts/session-events", guards=[needs("ingest")], status_code=201, tags=["ingest"])
async def upload_events(request: AnyRequest) -> UploadAnswer:
    """Keep a session's whole recording; a second upload replaces the first.

    Body: ``{sessionId, site, events: [rrweb events]}``, plain or gzip.
    """
    project_id = request.state.key.project_id
    with request.app.state.traffic.coming_in():
        session_id, key = await _intake(request).accept_upload(project_id, await request.body(), _admit(request))
    return UploadAnswer(project_id, session_id, key)


@post("/v1/ingest/session", guards=[needs("ingest")], status_code=202, tags=["ingest"])
async def ingest_session(request: AnyRequest) -> IngestAnswer:
    """Keep a session and its markers and have it analysed; repeating the call changes nothing.

    Body: ``{session: {id, site, route, startedAt, durationMs, eventsObjectKey},
    markers: [{id, clusterKey, label, evidence?, replayOffsetMs, kind}]}``.
    """
    intake = _intake(request)
    project_id = request.state.key.project_id
    with request.app.state.traffic.coming_in():
        landed = await intake.accept_session(project_id, await request.body(), _admit(request))
    if landed.is_new:
        markers = landed.markers
    else:
        markers = await intake.stored_markers(project_id, landed.session.id)
    return IngestAnswer(wire_session(landed.session, markers))


@post("/v2/chunks", guards=[needs("ingest")], status_code=202, tags=["ingest"])
async def receive_chunk(request: AnyRequest) -> ChunkAnswer:
    """Keep one numbered piece of a session being recorded (docs/api.md has its fields)."""
    project_id = request.state.key.project_id
    with request.app.state.traffic.coming_in():
        body, admit = await request.body(), _admit(request)
        country = visitor_country(request, request.app.state.settings)
        chunk, landed, receipts = await _intake(request).accept_chunk(project_id, body, admit, country=country)
    is_watched = landed is not None and landed.watched_until is not None and landed.watched_until > utc_now()
    soon_ms = WATCHED_MS if is_watched else msgspec.UNSET
    return ChunkAnswer(chunk.session_id, chunk.seq, landed is not None, receipts, soon_ms)


ROUTES = [upload_events, ingest_session, receive_chunk]
