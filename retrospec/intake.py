"""The front door: what a client sends is checked, redacted and kept before it is answered.

Order, for every call: check and redact in a thread, blob first, row second, then ring.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from retrospec.admission import Admission
from retrospec.arriving import (
    Prepared,
    arrival_of_chunk,
    arrival_of_ingest,
    prepare,
    session_folder,
    stored_chunk,
)
from retrospec.capture.body import read_chunk, read_ingest, read_upload
from retrospec.capture.wire import Chunk, Heads
from retrospec.domain.clock import utc_now
from retrospec.domain.marker import Marker
from retrospec.domain.receipt import WHY_DROPPED, Kept, Vouched, receipt_of
from retrospec.domain.settings import Settings
from retrospec.rulebook import Rulebook
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


def _admit_all(visitor_id: str, session_id: str) -> None:
    """For callers that are no strangers."""


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
        key = f"{session_folder(project_id, upload.site, upload.session_id, utc_now())}.json"
        self._blobs.put_here(blob_key(key), prepared.stored)
        return stored_chunk(project_id, upload.session_id, key, prepared)

    def _keep_chunk(
        self, project_id: str, body: bytes, now: datetime, admit: Admit
    ) -> tuple[Chunk, StoredChunk, Arrival]:
        self.rulebook.open(project_id)
        chunk = read_chunk(body, self._settings.limits)
        admit(chunk.visitor_id, chunk.session_id)
        self._admission.admit(has_markers=bool(chunk.markers))
        chunk.leave_out(self._admission.kept_events)
        prepared = self._prepare(chunk.events, chunk)
        arrival = arrival_of_chunk(project_id, chunk, prepared, self._settings, now)
        folder = arrival.events_object_key.removesuffix(".json")
        row = stored_chunk(
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

    def _read_session(self, project_id: str, body: bytes, admit: Admit) -> Arrival:
        self.rulebook.open(project_id)
        ingest = read_ingest(body, self._settings.limits)
        admit("", ingest.session.id)
        return arrival_of_ingest(project_id, ingest, self._settings)

    def _prepare(self, events: bytes, source: Heads) -> Prepared:
        prepared = prepare(events, source)
        for kind, count in prepared.redactions.items():
            self._metrics.redactions.labels(kind).inc(count)
        return prepared


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
