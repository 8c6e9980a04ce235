"""The front door: what a client sends is checked, redacted and kept before it is answered.

Order, for every call: check and redact in a thread, blob first, row second, then ring.
"""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from retrospec.admission import Admission
from retrospec.capture.body import read_chunk, read_ingest, read_upload
from retrospec.capture.browsers import read_user_agent
from retrospec.capture.compress import compress
from retrospec.capture.redaction import redact_events, redact_text, redact_value
from retrospec.capture.wire import Chunk, ChunkMarker, Heads, IngestedMarker
from retrospec.domain.clock import from_epoch_ms, to_epoch_ms, utc_now
from retrospec.domain.errors import BadRequest
from retrospec.domain.ids import site_slug
from retrospec.domain.marker import Marker
from retrospec.domain.receipt import WHY_DROPPED, Kept, Vouched, receipt_of
from retrospec.domain.session import Stage
from retrospec.domain.settings import Settings
from retrospec.issues.own_rules import name_marker
from retrospec.rulebook import Rulebook, current_rules
from retrospec.source_names import SourceNames
from retrospec.storage import arrivals, markers, receipts, recordings, sessions
from retrospec.storage.arrivals import Arrival, Landed
from retrospec.storage.blobs import Blobs, blob_key
from retrospec.storage.database import Connection, Database
from retrospec.storage.one_writer import write_about
from retrospec.storage.recordings import StoredChunk
from retrospec.telemetry import Metrics

T = TypeVar("T")
Admit = Callable[[str, str], None]
"""Called with visitor (may be empty) and session before anything is stored; raises TooManyRequests."""
Ring = Callable[[Sequence[tuple[str, str]]], Awaitable[None]]

CPU_THREADS = 2
"""Recordings read at once. More would not be faster, would hold more bodies unpacked, and would keep the
event loop waiting for its turn."""
WAITING_THREADS = 8
"""Where the blob store is a server, most of them wait for it."""
READ_ON_LOOP_BYTES = 16_384
"""A body this small is read where it is: handing it to a thread costs more than reading it."""

_STEPPED_DOWN = re.compile(rb'"tag":"retrospec\.governor","payload":\{"level":"(?:markers)')
"""The SDK's note that from here on it sends markers only."""

MAX_CLOCK_SKEW = timedelta(minutes=1)
"""A client clock off by more than this is corrected by the time of arrival."""


def _admit_all(visitor_id: str, session_id: str) -> None:
    """For callers that are no strangers."""


class Prepared(msgspec.Struct, kw_only=True):
    """Events ready to be stored."""

    stored: bytes
    inflated_bytes: int
    event_count: int
    first_ms: int
    last_ms: int
    snapshot_ms: int
    redactions: dict[str, int]


class MarkerReceipt(msgspec.Struct, rename="camel"):
    """What became of one marker: ``state`` is ``stored`` or ``lost``, ``receipt`` whether with its replay."""

    id: str
    cluster_key: str
    state: str
    receipt: Vouched
    reason: str


class Intake:
    """Accepts uploads, ingest calls and chunks for one installation."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        blobs: Blobs,
        ring: Ring,
        metrics: Metrics,
        names: SourceNames,
        admission: Admission | None = None,
    ) -> None:
        self._admission = admission or Admission(settings=settings)
        self._settings, self._database, self._blobs = settings, database, blobs
        self._ring, self._metrics, self._names = ring, metrics, names
        self._threads = ThreadPoolExecutor(CPU_THREADS if blobs.folder else WAITING_THREADS, thread_name_prefix="intake")
        self._max_markers = settings.limits.max_markers
        self.rulebook = Rulebook(settings.capture, database)

    async def accept_upload(
        self, project_id: str, body: bytes, admit: Admit = _admit_all
    ) -> tuple[str, str]:
        """Keep a v1 recording; ``(session id, events object key)``. Raises Refused."""
        self._admission.admit(has_markers=False)
        write_about(project_id)
        await self.rulebook.read(project_id)
        chunk = await self._in_thread(self._keep_upload, project_id, body, admit)
        replaced = await self._database.write_with(recordings.replace_uploads, chunk)
        if replaced:
            await self._blobs.delete(blob_key(replaced))
        self._metrics.accepted_bytes.inc(len(body))
        return chunk.session_id, chunk.object_key

    async def accept_session(self, project_id: str, body: bytes, admit: Admit = _admit_all) -> Landed:
        """Keep a v1 session and its markers, and have it analysed. Raises Refused."""
        write_about(project_id)
        await self.rulebook.read(project_id)
        if len(body) <= READ_ON_LOOP_BYTES:
            return await self._land(self._read_session(project_id, body, admit))
        return await self._land(await self._in_thread(self._read_session, project_id, body, admit))

    async def accept_chunk(
        self, project_id: str, body: bytes, admit: Admit = _admit_all, *, country: str = ""
    ) -> tuple[Chunk, Landed | None, list[MarkerReceipt]]:
        """Keep a numbered chunk; itself, what came of it (None: it was there already), its receipts. Raises Refused."""
        write_about(project_id)
        await self.rulebook.read(project_id)
        now = utc_now()
        chunk, row, arrival = await self._in_thread(self._keep_chunk, project_id, body, now, admit)
        arrival.country = country
        await self._name(arrival)

        landed, said = await self._database.write_with(self._store_chunks, (row, arrival))
        self._database.changes.note(project_id)
        self._metrics.accepted_bytes.inc(len(body))
        if landed is not None and landed.is_new:
            self._metrics.ingested_sessions.inc()
        return chunk, landed, said

    async def _store_chunks(
        self, connection: Connection, given: Sequence[tuple[StoredChunk, Arrival]]
    ) -> list[tuple[Landed | None, list[MarkerReceipt]]]:
        is_new = await recordings.add_chunks(connection, [row for row, _ in given])
        new = [arrival for (_, arrival), is_one in zip(given, is_new, strict=True) if is_one]
        landed = iter(await self._store_arrivals(connection, new))
        told = [await _receipts(connection, arrival) for _, arrival in given]
        return [(next(landed) if is_one else None, receipts) for is_one, receipts in zip(is_new, told, strict=True)]

    async def _store_arrivals(self, connection: Connection, given: Sequence[Arrival]) -> list[Landed]:
        return await arrivals.land_all(connection, given, now=utc_now(), max_markers=self._max_markers)

    async def _in_thread(self, work: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)

    def _keep_upload(self, project_id: str, body: bytes, admit: Admit) -> StoredChunk:
        """Check, redact, compress and store the blob: all that a recording costs, in one thread."""
        self.rulebook.open(project_id)
        upload = read_upload(body, self._settings.limits)
        admit("", upload.session_id)
        prepared = self._prepare(upload.events, upload)
        key = f"{_session_folder(project_id, upload.site, upload.session_id, utc_now())}.json"
        self._blobs.put_here(blob_key(key), prepared.stored)
        return _stored_chunk(project_id, upload.session_id, key, prepared)

    def _keep_chunk(
        self, project_id: str, body: bytes, now: datetime, admit: Admit
    ) -> tuple[Chunk, StoredChunk, Arrival]:
        self.rulebook.open(project_id)
        chunk = read_chunk(body, self._settings.limits)
        admit(chunk.visitor_id, chunk.session_id)
        self._admission.admit(has_markers=bool(chunk.markers))
        chunk.leave_out(self._admission.kept_events)
        prepared = self._prepare(chunk.events, chunk)
        arrival = self._read_chunk_arrival(project_id, chunk, prepared, now)
        folder = arrival.events_object_key.removesuffix(".json")
        row = _stored_chunk(
            project_id, chunk.session_id, f"{folder}/{chunk.tab_id}-{chunk.seq:06d}.json", prepared
        )
        row.tab_id, row.seq, row.segment = chunk.tab_id, chunk.seq, chunk.segment
        self._blobs.put_here(blob_key(row.object_key), prepared.stored)
        return chunk, row, arrival

    async def _name(self, arrival: Arrival) -> None:
        """Source names decide which issue an exception belongs to, so they come before its receipt."""
        await self._names.name_arrived(arrival.markers, release=arrival.release, site=arrival.site, route=arrival.route)

    async def _land(self, arrival: Arrival) -> Landed:
        self._admission.admit(has_markers=bool(arrival.markers))
        await self._name(arrival)
        landed: Landed = await self._database.write_with(self._store_arrivals, arrival)
        if landed.is_new:
            self._metrics.ingested_sessions.inc()
        if landed.is_changed:
            self._database.changes.note(arrival.project_id)
            await self._ring([(arrival.project_id, arrival.session_id)])
        return landed

    def close(self) -> None:
        """End the threads once what they hold is done."""
        self._threads.shutdown()

    async def stored_markers(self, project_id: str, session_id: str) -> list[Marker]:
        """The session's markers by offset."""
        return await self._database.read_once(
            lambda connection: markers.of_session(connection, project_id, session_id)
        )

    def _prepare(self, events: bytes, source: Heads) -> Prepared:
        counts: dict[str, int] = {}
        if (rules := current_rules.get()) is not None:
            redacted = redact_events(events, rules)
            events, counts = redacted.events_json, redacted.counts
            for kind, count in redacted.counts.items():
                self._metrics.redactions.labels(kind).inc(count)
        return Prepared(
            stored=compress(events),
            inflated_bytes=len(events),
            event_count=source.event_count,
            first_ms=source.first_event_ms or 0,
            last_ms=source.last_event_ms or 0,
            snapshot_ms=source.first_snapshot_ms or 0,
            redactions=counts,
        )

    def _read_session(self, project_id: str, body: bytes, admit: Admit) -> Arrival:
        self.rulebook.open(project_id)
        ingest = read_ingest(body, self._settings.limits)
        session = ingest.session
        admit("", session.id)
        _check_own_key(session.events_object_key, project_id, session.id)
        now = utc_now()
        arrival = Arrival(
            project_id=project_id,
            session_id=session.id,
            site=self._text(session.site),
            route=self._text(session.route),
            started_at=session.started_at,
            duration_ms=session.duration_ms,
            events_object_key=session.events_object_key,
        )
        arrival.markers = [self._marker(arrival, each, each.replay_offset_ms, now) for each in ingest.markers]
        return arrival

    def _read_chunk_arrival(
        self, project_id: str, chunk: Chunk, prepared: Prepared, now: datetime
    ) -> Arrival:
        started_at = from_epoch_ms(chunk.started_at_ms) + _clock_skew(chunk.sent_at_ms, now)
        (browser, system, device), capture = read_user_agent(chunk.client.user_agent), self._settings.capture
        last_ms = max([prepared.last_ms, *(each.at_ms for each in chunk.markers)])
        arrival = Arrival(
            project_id=project_id,
            session_id=chunk.session_id,
            site=self._text(chunk.site),
            route=self._text(chunk.route),
            started_at=started_at,
            duration_ms=_within_int32(last_ms - chunk.started_at_ms),
            events_object_key=f"{_session_folder(project_id, chunk.site, chunk.session_id, started_at)}.json",
            visitor_id=chunk.visitor_id,
            user_id=self._text(chunk.user.id) if chunk.user else "",
            release=chunk.release,
            environment=chunk.environment,
            browser=browser,
            os=system,
            device=device,
            tags={name: self._text(value) for name, value in chunk.tags.items()},
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
        arrival.markers = [
            self._marker(arrival, each, _within_int32(each.at_ms - chunk.started_at_ms), now)
            for each in chunk.markers
        ]
        return arrival

    def _marker(
        self, arrival: Arrival, sent: IngestedMarker | ChunkMarker, offset_ms: int, now: datetime
    ) -> Marker:
        label, evidence = self._text(sent.label), self._value(sent.evidence)
        named = name_marker(
            self._settings.rules,
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

    def _text(self, text: str) -> str:
        rules = current_rules.get()
        return text if rules is None else redact_text(text, rules)[0]

    def _value(self, value: Any) -> Any:
        rules = current_rules.get()
        return value if rules is None else redact_value(value, rules)[0]


async def _receipts(connection: Connection, arrival: Arrival) -> list[MarkerReceipt]:
    """What became of the markers of a chunk, as far as is known now: a later chunk may bring what is missing."""
    if not arrival.markers:
        return []
    session = await sessions.find(connection, arrival.project_id, arrival.session_id)
    stored = {each.id for each in await markers.of_session(connection, arrival.project_id, arrival.session_id)}
    kept = Kept(pieces=[]) if session is None else await receipts.kept_of(connection, session)
    return [
        _receipt(marker, arrival.client_ms[marker.id], kept, is_stored=marker.id in stored)
        for marker in arrival.markers
    ]


def _receipt(marker: Marker, at_ms: int, kept: Kept, *, is_stored: bool) -> MarkerReceipt:
    if not is_stored:
        reason = WHY_DROPPED["markers_past_limit"]
        return MarkerReceipt(marker.id, marker.cluster_key, "lost", Vouched.LOST, reason)
    vouched = receipt_of(at_ms, kept)
    return MarkerReceipt(marker.id, marker.cluster_key, "stored", vouched.state, vouched.reason)


def _session_folder(project_id: str, site: str, session_id: str, moment: datetime) -> str:
    """``session-events/<project>/<yyyy>/<mm>/<dd>/<site>/<session>`` (wire v1, without ``.json``)."""
    return f"session-events/{project_id}/{moment:%Y/%m/%d}/{site_slug(site)}/{session_id}"


def _stored_chunk(project_id: str, session_id: str, key: str, prepared: Prepared) -> StoredChunk:
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
