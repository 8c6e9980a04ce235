"""``retrospec bench soak``: hours of mixed visits while things go wrong; nothing may be lost, and nothing may grow."""

import itertools
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from statistics import median

import httpx
import msgspec
import psutil

from retrospec.bench import soak_faults
from retrospec.bench.crash import Visits
from retrospec.bench.crash_count import Count, count_up, unfinished
from retrospec.bench.figures import Figure, Note, counted
from retrospec.bench.operating import environment
from retrospec.bench.recordings import recording
from retrospec.bench.spawned import Spawned, spawned_server
from retrospec.domain.clock import from_epoch_ms

BOUNDED = [sys.executable, "-m", "retrospec.bench.bounded"]
EVERY_S = 2.0
VISITS = 6
"""Sent every ``EVERY_S``; one of ``RECORDINGS`` rounds brings a recording to be replayed, too."""
RECORDINGS = 3
RECORDING_BYTES = 100_000
FAULT_EVERY_S = 60.0
SETTLE_DEADLINE_S = 600.0
FLAT = 1.15
SETTINGS = {
    "LIMITS_SESSIONS_PER_KEY": "0", "LIMITS_SESSIONS_PER_VISITOR": "0", "LIMITS_MAX_BACKLOG": "0", "CAPTURE_IDLE_SECONDS": "2",
    "CAPTURE_END_GRACE_SECONDS": "0", "WORKER_RETRY_BASE_SECONDS": "0.5", "WORKER_RETRY_MAX_SECONDS": "5", "WORKER_MAX_ATTEMPTS": "20",
    "ANALYSIS_PROVIDER": "remote_text", "ANALYSIS_TIMEOUT_SECONDS": "2", "SERVER_LOG_LEVEL": "error", "STORAGE_MAX_GB": "100",
}  # fmt: skip


class Sample(msgspec.Struct, frozen=True):
    """The server at one moment, without the browser."""

    at_s: float
    resident_bytes: int
    files: int
    threads: int


class Soak(msgspec.Struct, kw_only=True):
    """What came of it."""

    minutes: float
    samples: list[Sample]
    faults: list[str]
    skipped: list[str]
    recordings: int
    evicted: int
    """Sessions without a failure that went while the disk was full, as they should."""
    early_bytes_a_session: float
    late_bytes_a_session: float
    count: Count


def figures(note: Note) -> list[Figure]:
    """Ten minutes; two hours are ``retrospec bench soak --minutes 120``."""
    return of_soak(run_soak(10, note))


def of_soak(soak: Soak) -> list[Figure]:
    """What must not happen, and what must stay flat from the second quarter to the last."""
    count = soak.count
    beside = f"{soak.minutes:g} minutes, {count.accepted_sessions:,} sessions, {soak.recordings} recordings replayed, {soak.evicted} healthy ones evicted"
    return [
        Figure(name="faults", reached=str(len(soak.faults)), beside="; ".join(_told(soak))),
        msgspec.structs.replace(counted("lost", "0", len(count.lost)), beside=beside),
        counted("doubled", "0", len(count.doubled)),
        counted("without a final status", "0", count.unfinished),
        counted("given up", "0", count.dead),
        _flat("memory", soak, "resident_bytes", 1e6, " MB"),
        _flat("file handles", soak, "files", 1, ""),
        _flat("threads", soak, "threads", 1, ""),
        _ratio("disk a session", soak.early_bytes_a_session / 1e3, soak.late_bytes_a_session / 1e3, " KB"),
    ]


def _told(soak: Soak) -> list[str]:
    times: dict[str, int] = {}
    for fault in soak.faults:
        times[fault] = times.get(fault, 0) + 1
    return [*(f"{fault}, {number} times" for fault, number in times.items()), *soak.skipped]


def _flat(name: str, soak: Soak, what: str, unit: float, shown: str) -> Figure:
    values = [getattr(sample, what) / unit for sample in soak.samples]
    quarter = max(1, len(values) // 4)
    return _ratio(name, median(values[quarter : 2 * quarter] or values), median(values[-quarter:]), shown)


def _ratio(name: str, early: float, late: float, shown: str) -> Figure:
    ratio = late / early if early else 1.0
    return Figure(name=name, goal=f"flat (<= {FLAT} x)", reached=f"{ratio:.2f} x", is_met=ratio <= FLAT, beside=f"{early:.1f} -> {late:.1f}{shown}")


def run_soak(minutes: float, note: Note) -> Soak:
    """One server for all that time. Raises RuntimeError when it ends, or does not come to rest."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="retrospec-soak-")))
        disk, clock = scratch / "disk", scratch / "clock"
        is_own_disk = stack.enter_context(soak_faults.small_disk(disk))
        model = soak_faults.SlowModel()
        stack.callback(model.close)
        stack.enter_context(environment(BOUND_CLOCK=str(clock)))
        server = stack.enter_context(spawned_server(SETTINGS | {"ANALYSIS_MODEL_URL": model.url}, disk / "data", BOUNDED))
        run = Running(server, minutes * 60, note)
        faults = {
            "browser": lambda: soak_faults.kill_browser(server.pid),
            "model": lambda: model.slow(run.wait),
            "clock": lambda: soak_faults.step_clock(clock, run.wait),
        }
        skipped = []
        if is_own_disk:
            faults["disk"] = lambda: soak_faults.fill_disk(disk, run.wait)
        else:
            skipped.append("the disk was not filled: it takes a user who may mount a small one")
        run.live([*faults.values()])
        return Soak(
            minutes=minutes, samples=run.samples, faults=run.faults, skipped=skipped, recordings=run.recordings, evicted=len(run.evicted),
            early_bytes_a_session=run.bytes_a_session[0], late_bytes_a_session=run.bytes_a_session[-1], count=run.settled(),
        )  # fmt: skip


class Running:
    """The load, the watch and the faults over one server."""

    def __init__(self, server: Spawned, lasts_s: float, note: Note) -> None:
        self.samples: list[Sample] = []
        self.faults: list[str] = []
        self.bytes_a_session: list[float] = []
        self.recordings = 0
        self.evicted: set[str] = set()
        self._server, self._lasts_s, self._note = server, lasts_s, note
        self._visits = Visits()
        self._over = threading.Event()
        self._began = time.monotonic()
        self._dispensable: set[str] = set()

    def wait(self, seconds: float) -> None:
        """Until then, or the end."""
        self._over.wait(seconds)

    def live(self, faults: list[Callable[[], str]]) -> None:
        """Visits every two seconds; a fault a minute, in turn, from a thread of its own."""
        troubling = threading.Thread(target=self._trouble, args=(faults,), daemon=True)
        troubling.start()
        try:
            self._load()
        finally:
            self._over.set()
            troubling.join()

    def _load(self) -> None:
        for number in itertools.count():
            left_s = self._began + self._lasts_s - time.monotonic()
            if left_s <= 0:
                return
            next_at = time.monotonic() + EVERY_S
            self._visits.life(self._server.url, self._server.key, threading.Event(), VISITS)
            if number % RECORDINGS == 0:
                self._send_recording(number)
            self._sample(number)
            self._note("seconds", round(self._lasts_s - left_s), round(self._lasts_s))
            time.sleep(max(0.0, next_at - time.monotonic()))

    def _trouble(self, faults: list[Callable[[], str]]) -> None:
        for fault in itertools.cycle(faults):
            if self._over.wait(min(FAULT_EVERY_S, self._lasts_s / (len(faults) + 2))):
                return
            if told := fault():
                self.faults.append(told)

    def _send_recording(self, number: int) -> None:
        """What the browser is asked to look at. It is not counted among the accepted: its session may well be healthy."""
        name, began = f"soak-{number}", int(time.time() * 1_000) - 600_000
        marker = {"id": f"{name}-m", "clusterKey": "", "label": "TypeError: cart is undefined", "replayOffsetMs": 900, "kind": "js_exception"}
        about = {"id": name, "site": "Shop", "route": "/", "startedAt": from_epoch_ms(began).isoformat(), "durationMs": 60_000}
        headers = {"X-Retrospec-Key": self._server.key}
        upload = {"sessionId": name, "site": "Shop", "events": msgspec.Raw(recording(number, RECORDING_BYTES, began))}
        with suppress(httpx.TransportError), httpx.Client(base_url=self._server.url, headers=headers, timeout=30) as http:
            answer = http.post("/v1/artifacts/session-events", content=msgspec.json.encode(upload))
            if answer.status_code == 201:
                session = about | {"eventsObjectKey": answer.json()["eventsObjectKey"]}
                self.recordings += http.post("/v1/ingest/session", json={"session": session, "markers": [marker]}).status_code == 202

    def _sample(self, number: int) -> None:
        if self._server.process.poll() is not None:
            end = self._server.log_path.read_text(errors="replace")[-2_000:]
            raise RuntimeError(f"the server ended with {self._server.process.returncode}; its log ends:\n{end}")
        process = psutil.Process(self._server.pid)
        with process.oneshot():
            at_s = round(time.monotonic() - self._began, 1)
            self.samples.append(Sample(at_s, process.memory_info().rss, process.num_fds(), process.num_threads()))
        self._note_dispensable()
        if number and self._lasts_s / 4 < at_s:
            self.bytes_a_session.append(self._stored_bytes() / max(1, len(self._visits.accepted.markers)))

    def _note_dispensable(self) -> None:
        """Sessions judged healthy: the ones that a full disk may cost."""
        with closing(_opened(self._server.data_dir)) as database:
            self._dispensable |= {row[0] for row in database.execute("SELECT id FROM sessions WHERE report_status = 'discarded'")}

    def _stored_bytes(self) -> int:
        return sum(each.stat().st_size for each in self._server.data_dir.glob("retrospec.db*"))

    def settled(self) -> Count:
        """Everything is sent and judged; the server stops, and it is counted."""
        deadline = time.monotonic() + SETTLE_DEADLINE_S
        while left := self._open():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{len(left)} sessions have no final status after {SETTLE_DEADLINE_S:.0f} s:\n" + "\n".join(left[:5]))
            time.sleep(0.5)
        self._note_dispensable()
        self._server.process.terminate()
        self._server.process.wait(60)
        count = count_up(self._server.data_dir, self._visits.accepted)
        with closing(_opened(self._server.data_dir)) as database:
            there = {row[0] for row in database.execute("SELECT id FROM sessions")}
        self.evicted = {name for name in self._dispensable if name not in there}
        count.lost = [line for line in count.lost if not any(name in self.evicted for name in _named(line))]
        return count

    def _open(self) -> list[str]:
        self._visits.life(self._server.url, self._server.key, threading.Event(), 0)
        return [*self._visits.unanswered(), *unfinished(self._server.data_dir)]


def _named(line: str) -> tuple[str, str]:
    """The session a line of ``Count.lost`` speaks of: ``session crash-7``, ``marker crash-7-m0``, ``a chunk of crash-7``."""
    last = line.rpartition(" ")[2]
    return last, last.rpartition("-m")[0]


def _opened(data: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{data / 'retrospec.db'}?mode=ro", uri=True, timeout=30)
