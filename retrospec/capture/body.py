"""Request bodies read: inflated, bounded, checked; the recording inside stays JSON text.

Every function raises only BadRequest or TooLarge, each one sentence naming the field. Cost of a
recording, one core: 0.7 ms per MB for UTF-8, 0.7 for nesting, 2.0 for JSON.
"""

from typing import TypeVar

import msgspec

from retrospec.capture import checks
from retrospec.capture.decoding import decode_body, refuse_invalid_utf8, whole_surrogates
from retrospec.capture.inflating import inflate
from retrospec.capture.nesting import count_items, refuse_deep_nesting
from retrospec.capture.published import MAX_DROPPED, MAX_NAME_CHARS, MAX_TAGS
from retrospec.capture.wire import (
    Chunk,
    ChunkClient,
    ChunkMarker,
    ChunkMarkerWire,
    ChunkUser,
    ChunkWire,
    Dropped,
    EventHead,
    Heads,
    IngestedMarker,
    IngestedSession,
    IngestWire,
    MarkerWire,
    SessionEventsUpload,
    SessionIngest,
    SessionWire,
    UploadWire,
)
from retrospec.domain.errors import BadRequest
from retrospec.domain.ids import is_client_id
from retrospec.domain.marker import marker_kind
from retrospec.domain.rrweb import EventType
from retrospec.domain.settings import LimitSettings

__all__ = [
    "Chunk",
    "SessionEventsUpload",
    "SessionIngest",
    "inflate",
    "read_chunk",
    "read_ingest",
    "read_upload",
]

T = TypeVar("T")
M = TypeVar("M", IngestedMarker, ChunkMarker)

_MB = 1_000_000
_CHUNK_VERSION = 2
_MAX_TAG_CHARS = 256
_MAX_TRAITS_BYTES = 8_192
_MAX_LOST = 200
"""Ids of lost markers per reason: as many as the SDK makes on one page."""
_LATEST_MS = 10**14

_upload_decoder = msgspec.json.Decoder(UploadWire)
_ingest_decoder = msgspec.json.Decoder(IngestWire)
_chunk_decoder = msgspec.json.Decoder(ChunkWire)
_heads_decoder = msgspec.json.Decoder(list[EventHead])


def read_upload(body: bytes, limits: LimitSettings) -> SessionEventsUpload:
    """``POST /v1/artifacts/session-events`` as sent, perhaps gzipped."""
    wire = _read(_upload_decoder, body, limits)
    heads = _heads(wire.events, limits)
    return SessionEventsUpload(
        session_id=checks.client_id(wire.session_id, "sessionId"),
        site=checks.site_name(wire.site, "site"),
        events=bytes(wire.events),
        event_count=heads.event_count,
        first_event_ms=heads.first_event_ms,
        last_event_ms=heads.last_event_ms,
        first_snapshot_ms=heads.first_snapshot_ms,
    )


def read_ingest(body: bytes, limits: LimitSettings) -> SessionIngest:
    """``POST /v1/ingest/session`` as sent, perhaps gzipped."""
    wire = _read(_ingest_decoder, body, limits)
    _refuse_too_many("markers", len(wire.markers), limits.max_markers)
    markers = [_ingested_marker(marker, f"markers[{index}]") for index, marker in enumerate(wire.markers)]
    return SessionIngest(session=_ingested_session(wire.session), markers=_first_of_each(markers))


def read_chunk(body: bytes, limits: LimitSettings) -> Chunk:
    """``POST /v2/chunks`` as sent, perhaps gzipped."""
    wire = _read(_chunk_decoder, body, limits)
    if wire.v != _CHUNK_VERSION:
        raise BadRequest(f"v is {wire.v}; this server speaks version {_CHUNK_VERSION}", field="v")
    _refuse_too_many("markers", len(wire.markers), limits.max_markers)
    heads = _heads(wire.events, limits)
    markers = [_chunk_marker(marker, f"markers[{index}]") for index, marker in enumerate(wire.markers)]
    return Chunk(
        v=_CHUNK_VERSION,
        session_id=checks.client_id(wire.session_id, "sessionId"),
        tab_id=checks.client_id(wire.tab_id, "tabId"),
        visitor_id=checks.optional_id(wire.visitor_id, "visitorId"),
        seq=checks.whole_number(wire.seq, "seq"),
        segment=checks.whole_number(wire.segment, "segment"),
        site=checks.site_name(wire.site, "site"),
        route=checks.one_line(wire.route, "route", max_chars=checks.MAX_ROUTE_CHARS),
        url=checks.page_url(wire.url, "url"),
        started_at_ms=checks.client_ms(wire.started_at, "startedAt"),
        sent_at_ms=checks.client_ms(wire.sent_at, "sentAt"),
        events=bytes(wire.events),
        event_count=heads.event_count,
        first_event_ms=heads.first_event_ms,
        last_event_ms=heads.last_event_ms,
        first_snapshot_ms=heads.first_snapshot_ms,
        markers=_first_of_each(markers),
        user=_chunk_user(wire.user),
        release=checks.one_line(wire.release or "", "release", max_chars=MAX_NAME_CHARS),
        environment=checks.one_line(wire.environment or "", "environment", max_chars=MAX_NAME_CHARS),
        tags=checks.text_map(wire.tags or {}, "tags", max_pairs=MAX_TAGS, max_chars=_MAX_TAG_CHARS),
        client=_chunk_client(wire.client),
        final=bool(wire.final),
        dropped=_dropped(wire.dropped or []),
    )


def _read(decoder: "msgspec.json.Decoder[T]", body: bytes, limits: LimitSettings) -> T:
    plain = inflate(body, max_bytes=limits.max_body_mb * _MB)
    refuse_invalid_utf8(plain)
    refuse_deep_nesting(plain)
    try:
        return decode_body(decoder, plain)
    except BadRequest:
        mended = whole_surrogates(plain)
        if mended == plain:
            raise
        return decode_body(decoder, mended)


def _heads(events: msgspec.Raw, limits: LimitSettings) -> Heads:
    text = memoryview(events)
    if not text or text[0] != ord("["):
        raise BadRequest(
            f"events is {_json_type(bytes(text[:1]))}; send an array of rrweb events", field="events"
        )
    # The exact count costs more, and is only in question where there are that many braces.
    if bytes(text).count(b"{") > limits.max_events:
        _refuse_too_many("events", count_items(bytes(text)), limits.max_events)
    found = decode_body(_heads_decoder, events, "events")
    timed = [head for head in found if head.timestamp is not None and 0 < head.timestamp < _LATEST_MS]
    times = [int(head.timestamp or 0) for head in timed]
    pictures = [int(head.timestamp or 0) for head in timed if head.type == EventType.FULL_SNAPSHOT]
    return Heads(
        event_count=len(found),
        first_event_ms=min(times, default=None),
        last_event_ms=max(times, default=None),
        first_snapshot_ms=min(pictures, default=None),
    )


def _json_type(first_byte: bytes) -> str:
    names = {b"{": "an object", b'"': "text", b"n": "null", b"t": "true", b"f": "false"}
    return names.get(first_byte, "a number")


def _refuse_too_many(field: str, count: int, most: int) -> None:
    if count > most:
        raise BadRequest(f"{field} holds {count:,} entries; at most {most:,} are accepted", field=field)


def _first_of_each(markers: list[M]) -> list[M]:
    kept: dict[str, M] = {}
    for marker in markers:
        kept.setdefault(marker.id, marker)
    return list(kept.values())


def _ingested_session(wire: SessionWire) -> IngestedSession:
    return IngestedSession(
        id=checks.client_id(wire.id, "session.id"),
        site=checks.site_name(wire.site, "session.site"),
        route=checks.one_line(wire.route, "session.route", max_chars=checks.MAX_ROUTE_CHARS),
        started_at=checks.start_moment(wire.started_at, "session.startedAt"),
        duration_ms=checks.whole_number(wire.duration_ms, "session.durationMs"),
        events_object_key=checks.one_line(wire.events_object_key, "session.eventsObjectKey", max_chars=1_024),
    )


def _ingested_marker(wire: MarkerWire, place: str) -> IngestedMarker:
    return IngestedMarker(
        id=checks.client_id(wire.id, f"{place}.id"),
        kind=marker_kind(wire.kind),
        label=checks.label_text(wire.label, f"{place}.label"),
        replay_offset_ms=checks.whole_number(wire.replay_offset_ms, f"{place}.replayOffsetMs"),
        cluster_key=checks.label_text(wire.cluster_key, f"{place}.clusterKey"),
        evidence=checks.evidence_value(wire.evidence, f"{place}.evidence"),
    )


def _chunk_marker(wire: ChunkMarkerWire, place: str) -> ChunkMarker:
    return ChunkMarker(
        id=checks.client_id(wire.id, f"{place}.id"),
        at_ms=checks.client_ms(wire.at, f"{place}.at"),
        kind=marker_kind(wire.kind),
        label=checks.label_text(wire.label, f"{place}.label"),
        evidence=checks.evidence_value(wire.evidence, f"{place}.evidence"),
    )


def _chunk_user(user: ChunkUser | None) -> ChunkUser | None:
    if user is None:
        return None
    if not user.id.strip():
        raise BadRequest(
            "user.id is empty; send the site's own id of the person, or no user", field="user.id"
        )
    traits = msgspec.json.encode(user.traits)
    if len(traits) > _MAX_TRAITS_BYTES:
        raise BadRequest(
            f"user.traits is {len(traits):,} bytes of JSON; at most {_MAX_TRAITS_BYTES:,} are accepted",
            field="user.traits",
        )
    return ChunkUser(
        id=checks.one_line(user.id, "user.id", max_chars=MAX_NAME_CHARS),
        traits=checks.evidence_value(msgspec.Raw(traits), "user.traits"),
    )


def _chunk_client(client: ChunkClient) -> ChunkClient:
    return ChunkClient(
        user_agent=checks.one_line(client.user_agent[:1_024], "client.userAgent", max_chars=1_024),
        language=checks.one_line(client.language, "client.language", max_chars=64),
        viewport=client.viewport,
        sdk=checks.one_line(client.sdk, "client.sdk", max_chars=64),
        overhead_ms=min(max(0, int(client.overhead_ms)), 2**31 - 1),
    )


def _dropped(dropped: list[Dropped]) -> list[Dropped]:
    _refuse_too_many("dropped", len(dropped), MAX_DROPPED)
    return [
        Dropped(
            reason=checks.one_line(entry.reason, f"dropped[{index}].reason", max_chars=64),
            count=checks.whole_number(entry.count, f"dropped[{index}].count"),
            markers=[name for name in entry.markers[:_MAX_LOST] if is_client_id(name)],
        )
        for index, entry in enumerate(dropped)
    ]
