"""Load through the front door: whole sessions over wire v1, two calls each, and what they cost.

Recordings are made before the clock starts; each session is sent as the v1 SDK sends it, the events
first, then the session with its markers.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime
from typing import Any

import msgspec

from retrospec.bench.recordings import bare_recording, duration_ms, recording
from retrospec.bench.usage import UsageWatch, listening_pid
from retrospec.bench.wire import Connection, Origin
from retrospec.bench.yardstick import decode_ms_per_mb
from retrospec.domain.clock import from_epoch_ms, to_epoch_ms, utc_now

DISTINCT_RECORDINGS = 8
DRAIN_DEADLINE_S = 300.0
POLL_EVERY_S = 0.05
LAG_METRIC = "retrospec_event_loop_lag_max_seconds"

_MARKERS = (
    ("js_exception", "TypeError: Cannot read properties of undefined (reading 'total')"),
    ("api_error", "POST /api/orders 500"),
    ("validation_failed", "Checkout form: phone"),
    ("ui_no_effect", "Save address"),
)


class Load(msgspec.Struct, frozen=True):
    """What to send, and where."""

    url: str
    key: str
    sessions: int = 400
    concurrency: int = 20
    size_bytes: int = 0
    """Of each recording; 0 is the bare one of two events."""
    seed: int = 1
    pid: int | None = None
    """The server's process; None looks for whoever listens on the URL's port."""
    recordings_alone: bool = False
    """Without the second call, so that the server has nothing to read."""


class Outcome(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What came of a load. Latencies are of a whole session: both calls, one after the other."""

    sessions: int
    failures: int
    failure_samples: list[str] = []
    concurrency: int
    recording_bytes: int
    """Mean size of one recording."""
    wall_s: float
    sessions_per_s: float
    mb_per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    worst_ms: float
    drain_s: float | None = None
    """From the last answer until every session had a report that was not pending."""
    still_pending: int = 0
    report_statuses: dict[str, int] = {}
    client_cpu_s: float = 0.0
    loop_lag_max_ms: float | None = None
    """The longest the server's event loop was blocked since it started; None where it does not say."""
    cpu_s: float | None = None
    """The server's, from the first request until every report was there."""
    cpu_ms_per_mb: float | None = None
    cpu_ms_per_session: float | None = None
    cpu_until_answered_s: float | None = None
    """The part until the last ingest was answered."""
    yardstick_ms_per_mb: float = 0.0
    """What decoding such JSON costs on this machine, measured before the load."""
    resident_idle_mb: float | None = None
    resident_peak_mb: float | None = None
    resident_peak_children_mb: float | None = None


class _Recording(msgspec.Struct):
    events: bytes
    started_at: datetime
    duration_ms: int


class _Tally:
    """What the workers saw."""

    def __init__(self) -> None:
        self.accepted: list[str] = []
        self.latencies_ms: list[float] = []
        self.failures: list[str] = []
        self.sent_bytes = 0


Progress = Callable[[str, int, int], None]
"""Called with the phase (``ingest`` or ``reports``), how many are done, and of how many."""


def no_progress(_phase: str, _done: int, _total: int) -> None:
    """For runs without a terminal."""


async def run_load(load: Load, progress: Progress = no_progress, ready: asyncio.Barrier | None = None) -> Outcome:
    """Send ``load`` and wait for its reports; several that share ``ready`` begin at once. Raises ConnectionError when no server answers."""
    origin = Origin.of(load.url)
    recordings = make_recordings(load)
    async with _connection(origin, load.key) as control:
        await _require_health(control)
        pid = load.pid or listening_pid(origin.port)
        with UsageWatch(pid) if pid else nullcontext() as watch:
            return await _measure(load, origin, recordings, control, watch, progress, ready)


def make_recordings(load: Load) -> list[_Recording]:
    """The distinct recordings that the sessions of a load take turns with; they end about now."""
    if not load.size_bytes:
        start_ms = to_epoch_ms(utc_now()) - 60_000
        return [_Recording(bare_recording(start_ms), from_epoch_ms(start_ms), 1_000)]
    made = []
    for number in range(min(DISTINCT_RECORDINGS, load.sessions)):
        seed = load.seed * 1_000 + number
        length_ms = duration_ms(recording(seed, load.size_bytes, 0))
        start_ms = to_epoch_ms(utc_now()) - length_ms - 1_000
        made.append(
            _Recording(recording(seed, load.size_bytes, start_ms), from_epoch_ms(start_ms), length_ms)
        )
    return made


async def _measure(
    load: Load,
    origin: Origin,
    recordings: list[_Recording],
    control: Connection,
    watch: UsageWatch | None,
    progress: Progress,
    ready: asyncio.Barrier | None,
) -> Outcome:
    tally, yardstick = _Tally(), decode_ms_per_mb()
    if ready is not None:
        await ready.wait()
    progress("ingest", 0, load.sessions)
    own_cpu_s, began = time.process_time(), time.perf_counter()
    await _send_all(load, origin, recordings, tally, progress)
    wall_s, own_cpu_s = time.perf_counter() - began, time.process_time() - own_cpu_s
    answered = watch.now() if watch else None
    statuses = {} if load.recordings_alone else await _wait_for_reports(control, tally.accepted, progress)
    drain_s = time.perf_counter() - began - wall_s
    outcome = _summarise(load, tally, wall_s)
    outcome.yardstick_ms_per_mb = yardstick
    outcome.client_cpu_s = own_cpu_s
    outcome.report_statuses = statuses
    outcome.still_pending = statuses.get("pending", 0)
    outcome.drain_s = None if outcome.still_pending else drain_s
    outcome.loop_lag_max_ms = await _loop_lag_ms(control)
    if watch and answered:
        _add_usage(outcome, watch, answered.cpu_s, tally)
    return outcome


async def _send_all(
    load: Load, origin: Origin, recordings: list[_Recording], tally: _Tally, progress: Progress
) -> None:
    numbers = iter(range(load.sessions))

    async def send_some() -> None:
        async with _connection(origin, load.key) as connection:
            for number in numbers:
                await _send_session(connection, number, recordings[number % len(recordings)], tally, is_alone=load.recordings_alone)
                progress("ingest", len(tally.accepted) + len(tally.failures), load.sessions)

    async with asyncio.TaskGroup() as workers:
        for _ in range(min(load.concurrency, load.sessions)):
            workers.create_task(send_some())


async def _send_session(connection: Connection, number: int, sent: _Recording, tally: _Tally, *, is_alone: bool) -> None:
    session_id = f"bench-{uuid.uuid4().hex}"
    began = time.perf_counter()
    try:
        refused = await _calls(connection, session_id, number, sent, is_alone=is_alone)
    except (ConnectionError, TimeoutError) as error:
        refused = f"{type(error).__name__}: {error}"
    if refused:
        tally.failures.append(refused)
        return
    tally.latencies_ms.append((time.perf_counter() - began) * 1_000)
    tally.accepted.append(session_id)
    tally.sent_bytes += len(sent.events)


async def _calls(connection: Connection, session_id: str, number: int, sent: _Recording, *, is_alone: bool) -> str:
    """Why the session was refused; empty when both calls were accepted, or the one that is made."""
    opening = b'{"sessionId":"%s","site":"bench.example","events":' % session_id.encode()
    uploaded = await connection.request("POST", "/v1/artifacts/session-events", opening, sent.events, b"}")
    if uploaded.status != 201:
        return f"upload: {uploaded.status} {uploaded.body[:200].decode(errors='replace')}"
    if is_alone:
        return ""
    body = msgspec.json.encode(ingest_body(session_id, number, sent, uploaded.json()["eventsObjectKey"]))
    ingested = await connection.request("POST", "/v1/ingest/session", body)
    if ingested.status != 202:
        return f"ingest: {ingested.status} {ingested.body[:200].decode(errors='replace')}"
    return ""


def ingest_body(session_id: str, number: int, sent: _Recording, events_object_key: str) -> dict[str, Any]:
    """The second call of wire v1, with one marker in the middle of the recording."""
    kind, label = _MARKERS[number % len(_MARKERS)]
    marker = {
        "id": f"{session_id}-m1", "clusterKey": f"{kind}:{label}", "label": label, "kind": kind,
        "replayOffsetMs": sent.duration_ms // 2,
    }  # fmt: skip
    session = {
        "id": session_id, "site": "bench.example", "route": "/checkout", "startedAt": sent.started_at.isoformat(),
        "durationMs": sent.duration_ms, "eventsObjectKey": events_object_key,
    }  # fmt: skip
    return {"session": session, "markers": [marker]}


async def _wait_for_reports(
    control: Connection, session_ids: list[str], progress: Progress
) -> dict[str, int]:
    """How many sessions got which report status; gives up on the slow at ``DRAIN_DEADLINE_S``."""
    deadline = time.perf_counter() + DRAIN_DEADLINE_S
    statuses: dict[str, int] = {}
    for done, session_id in enumerate(session_ids):
        status = await report_status(control, session_id)
        while status == "pending" and time.perf_counter() < deadline:
            await asyncio.sleep(POLL_EVERY_S)
            status = await report_status(control, session_id)
        statuses[status] = statuses.get(status, 0) + 1
        progress("reports", done + 1, len(session_ids))
    return statuses


async def report_status(control: Connection, session_id: str) -> str:
    """``pending`` also where there is no report card yet."""
    answer = await control.request("GET", f"/v1/sessions/{session_id}")
    if answer.status != 200:
        return f"http_{answer.status}"
    card = answer.json()["session"].get("reportCard") or {}
    return str(card.get("status", "pending"))


async def _require_health(control: Connection) -> None:
    answer = await control.request("GET", "/healthz")
    if answer.status != 200:
        raise ConnectionError(f"/healthz answers {answer.status}: the server is not well")


async def _loop_lag_ms(control: Connection) -> float | None:
    answer = await control.request("GET", "/metrics")
    for line in answer.body.decode(errors="replace").splitlines():
        if line.startswith(LAG_METRIC):
            return float(line.split()[-1]) * 1_000
    return None


@asynccontextmanager
async def _connection(origin: Origin, key: str) -> AsyncIterator[Connection]:
    connection = Connection(origin, {"X-Retrospec-Key": key})
    try:
        yield connection
    finally:
        connection.close()


def _summarise(load: Load, tally: _Tally, wall_s: float) -> Outcome:
    latencies = sorted(tally.latencies_ms)
    return Outcome(
        sessions=load.sessions,
        failures=len(tally.failures),
        failure_samples=sorted(set(tally.failures))[:5],
        concurrency=load.concurrency,
        recording_bytes=tally.sent_bytes // max(1, len(tally.accepted)),
        wall_s=wall_s,
        sessions_per_s=len(tally.accepted) / wall_s,
        mb_per_s=tally.sent_bytes / 1e6 / wall_s,
        p50_ms=percentile(latencies, 50),
        p95_ms=percentile(latencies, 95),
        p99_ms=percentile(latencies, 99),
        worst_ms=latencies[-1] if latencies else 0.0,
    )


def percentile(ordered: list[float], percent: float) -> float:
    """By nearest rank: the least value that ``percent`` of ``ordered`` do not exceed; 0 for none."""
    if not ordered:
        return 0.0
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


def _add_usage(outcome: Outcome, watch: UsageWatch, cpu_when_answered_s: float, tally: _Tally) -> None:
    used_s = watch.now().cpu_s - watch.idle.cpu_s
    outcome.cpu_s = used_s
    outcome.cpu_until_answered_s = cpu_when_answered_s - watch.idle.cpu_s
    outcome.cpu_ms_per_session = used_s * 1_000 / max(1, len(tally.accepted))
    outcome.cpu_ms_per_mb = used_s * 1e9 / tally.sent_bytes if tally.sent_bytes > 1e6 else None
    outcome.resident_idle_mb = watch.idle.resident_bytes / 1e6
    outcome.resident_peak_mb = watch.peak.resident_bytes / 1e6
    outcome.resident_peak_children_mb = watch.peak.children_bytes / 1e6
