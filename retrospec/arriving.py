"""What was sent, as it will be stored: checked bodies become an ``Arrival``, events become what the blob store keeps.

Pure but for the clock, and redacted on the way; ``intake.py`` runs it in a thread and does the storing.
"""

import hashlib
import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import msgspec

from retrospec.capture.browsers import read_user_agent
from retrospec.capture.compress import compress
from retrospec.capture.redaction import redact_events, redact_text, redact_value
from retrospec.capture.wire import Chunk, ChunkMarker, Heads, IngestedMarker, SessionIngest
from retrospec.domain.clock import from_epoch_ms, to_epoch_ms, utc_now
from retrospec.domain.errors import BadRequest
from retrospec.domain.ids import site_slug
from retrospec.domain.marker import Marker
from retrospec.domain.session import Stage
from retrospec.domain.settings import Settings
from retrospec.issues.own_rules import name_marker
from retrospec.rulebook import current_rules
from retrospec.storage.arrivals import Arrival
from retrospec.storage.recordings import StoredChunk

MAX_CLOCK_SKEW = timedelta(minutes=1)
"""A client clock off by more than this is corrected by the time of arrival."""

_STEPPED_DOWN = re.compile(rb'"tag":"retrospec\.governor","payload":\{"level":"(?:markers)')
"""The SDK's note that from here on it sends markers only."""


class Prepared(msgspec.Struct, kw_only=True):
    """Events ready to be stored."""

    stored: bytes
    inflated_bytes: int
    event_count: int
    first_ms: int
    last_ms: int
    snapshot_ms: int
    redactions: dict[str, int]


def prepare(events: bytes, source: Heads) -> Prepared:
    """Redact by the project's rules, then compress."""
    counts: dict[str, int] = {}
    if (rules := current_rules.get()) is not None:
        redacted = redact_events(events, rules)
        events, counts = redacted.events_json, redacted.counts
    return Prepared(
        stored=compress(events),
        inflated_bytes=len(events),
        event_count=source.event_count,
        first_ms=source.first_event_ms or 0,
        last_ms=source.last_event_ms or 0,
        snapshot_ms=source.first_snapshot_ms or 0,
        redactions=counts,
    )


def stored_chunk(project_id: str, session_id: str, key: str, prepared: Prepared) -> StoredChunk:
    """The row of what lies under ``key``."""
    return StoredChunk(
        project_id=project_id,
        session_id=session_id,
        tab_id="",
        seq=0,
        segment=0,
        object_key=key,
        sha256=hashlib.sha256(prepared.stored).hexdigest(),
        size_bytes=len(prepared.stored),
        inflated_bytes=prepared.inflated_bytes,
        event_count=prepared.event_count,
        first_ms=prepared.first_ms,
        last_ms=prepared.last_ms,
        snapshot_ms=prepared.snapshot_ms,
        created_at=utc_now(),
        redactions=prepared.redactions,
    )


def session_folder(project_id: str, site: str, session_id: str, moment: datetime) -> str:
    """``session-events/<project>/<yyyy>/<mm>/<dd>/<site>/<session>`` (wire v1, without ``.json``)."""
    return f"session-events/{project_id}/{moment:%Y/%m/%d}/{site_slug(site)}/{session_id}"


def arrival_of_ingest(project_id: str, ingest: SessionIngest, settings: Settings) -> Arrival:
    """A v1 session with its markers. Raises BadRequest when it names another session's recording."""
    session, now = ingest.session, utc_now()
    _check_own_key(session.events_object_key, project_id, session.id)
    arrival = Arrival(
        project_id=project_id,
        session_id=session.id,
        site=_text(session.site),
        route=_text(session.route),
        started_at=session.started_at,
        duration_ms=session.duration_ms,
        events_object_key=session.events_object_key,
    )
    arrival.markers = [_marker(arrival, each, each.replay_offset_ms, settings, now) for each in ingest.markers]
    return arrival


def arrival_of_chunk(project_id: str, chunk: Chunk, prepared: Prepared, settings: Settings, now: datetime) -> Arrival:
    """What one chunk says of its session."""
    started_at = from_epoch_ms(chunk.started_at_ms) + _clock_skew(chunk.sent_at_ms, now)
    (browser, system, device), capture = read_user_agent(chunk.client.user_agent), settings.capture
    last_ms = max([prepared.last_ms, *(each.at_ms for each in chunk.markers)])
    arrival = Arrival(
        project_id=project_id,
        session_id=chunk.session_id,
        site=_text(chunk.site),
        route=_text(chunk.route),
        started_at=started_at,
        duration_ms=_within_int32(last_ms - chunk.started_at_ms),
        events_object_key=f"{session_folder(project_id, chunk.site, chunk.session_id, started_at)}.json",
        visitor_id=chunk.visitor_id,
        user_id=_text(chunk.user.id) if chunk.user else "",
        release=chunk.release,
        environment=chunk.environment,
        browser=browser,
        os=system,
        device=device,
        tags={name: _text(value) for name, value in chunk.tags.items()},
        dropped=_lost(chunk),
        lost_markers={name: each.reason for each in chunk.dropped for name in each.markers},
        overhead_ms=int(chunk.client.overhead_ms),
        client_started_ms=chunk.started_at_ms,
        client_ms={each.id: each.at_ms for each in chunk.markers},
        added_events=prepared.event_count,
        added_bytes=len(prepared.stored),
        stage=Stage.RECORDING,
        wait=timedelta(seconds=capture.end_grace_seconds if chunk.final else capture.idle_seconds),
    )
    offsets = (_within_int32(each.at_ms - chunk.started_at_ms) for each in chunk.markers)
    arrival.markers = [_marker(arrival, *pair, settings, now) for pair in zip(chunk.markers, offsets, strict=True)]
    return arrival


def _marker(
    arrival: Arrival, sent: IngestedMarker | ChunkMarker, offset_ms: int, settings: Settings, now: datetime
) -> Marker:
    label, evidence = _text(sent.label), _value(sent.evidence)
    named = name_marker(
        settings.rules,
        sent.kind,
        label,
        evidence,
        client_key=sent.cluster_key if isinstance(sent, IngestedMarker) else "",
        site=arrival.site,
        route=arrival.route,
        release=arrival.release,
    )
    observed_at = arrival.started_at + timedelta(milliseconds=offset_ms)
    return Marker(
        id=sent.id,
        project_id=arrival.project_id,
        session_id=arrival.session_id,
        kind=sent.kind,
        label=label,
        cluster_key=named.key,
        replay_offset_ms=offset_ms,
        observed_at=min(observed_at, now),
        evidence=evidence,
    )


def _text(text: str) -> str:
    rules = current_rules.get()
    return text if rules is None else redact_text(text, rules)[0]


def _value(value: Any) -> Any:
    rules = current_rules.get()
    return value if rules is None else redact_value(value, rules)[0]


def _check_own_key(key: str, project_id: str, session_id: str) -> None:
    if not key:
        return
    parts = key.split("/")
    if len(parts) != 7 or parts[:2] != ["session-events", project_id] or parts[6] != f"{session_id}.json":
        raise BadRequest(
            "session.eventsObjectKey is not this session's own; send the key the upload was answered with.",
            field="session.eventsObjectKey",
        )


def _lost(chunk: Chunk) -> dict[str, int]:
    """What the browser gave up, by reason; that its recorder stepped down it tells by an event of its own."""
    lost: Counter[str] = Counter()
    for each in chunk.dropped:
        lost[each.reason] += int(each.count)
    if stepped := len(_STEPPED_DOWN.findall(chunk.events)):
        lost["governor"] += stepped
    return dict(lost)


def _within_int32(ms: int) -> int:
    return min(max(0, ms), 2**31 - 1)


def _clock_skew(sent_at_ms: int, now: datetime) -> timedelta:
    """How far to move the client's times: zero unless its clock is off by more than a minute."""
    off = timedelta(milliseconds=to_epoch_ms(now) - sent_at_ms)
    return off if sent_at_ms and abs(off) > MAX_CLOCK_SKEW else timedelta(0)
