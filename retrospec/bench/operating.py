"""Long runs of a real server: on a small machine, over a whole day, and with much stored."""

import asyncio
import http.client
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import psutil

from retrospec.bench.ingest import Load, Outcome, run_load
from retrospec.bench.seed import seed_sessions
from retrospec.bench.spawned import Spawned, keep, spawned_server
from retrospec.storage.projects import DEFAULT_PROJECT_ID

QUIET = {"REPLAY_RENDER": "off", "CONFIRMATION_CHECKER": "none", "LIMITS_MAX_BACKLOG": "0"}
BOUNDED = [sys.executable, "-m", "retrospec.bench.bounded"]
DAY_S = 86_400
KEPT_DAYS = 5, 4, 3
"""Of six: what is older goes in three clean-ups, with an undisturbed load before each. Alternating is fair where others use the machine."""
RECORDING_BYTES = 20_000
DAY_BUDGET_BYTES = 40_000_000
GOVERNOR_S = 8.0
"""What came in within seconds was summed up by then, and evicted."""

Progress = Callable[[str, int, int], None]
Run = Callable[[Coroutine[Any, Any, Outcome]], Outcome]


class SmallMachine(msgspec.Struct, kw_only=True):
    """A load on one core and 1 GB."""

    outcome: Outcome
    limited_by: str


class Day(msgspec.Struct, kw_only=True):
    """A day of visits in fast time. Memory and handles after a quarter of it and at its end."""

    sessions: int
    failures: int
    hurry: float
    quarter_bytes: int
    end_bytes: int
    quarter_files: int
    end_files: int
    stored_bytes: int
    """Most that the data folder held after a quarter of the day."""
    stored_as: str
    """What held it then."""
    budget_bytes: int


class Stored(msgspec.Struct, kw_only=True):
    """With much stored: the start, and ingest beside a large clean-up."""

    sessions: int
    empty_start_s: float
    """Of a server without anything stored, in the same run: what of ``start_s`` is not due to what is stored."""
    empty_start_cpu_s: float
    start_s: float
    start_cpu_s: float
    """CPU until it was healthy: on a busy machine the clock tells of others, too."""
    deleted: int
    undisturbed_p99_ms: float
    disturbed_p99_ms: float
    delete_s: float
    rounds: list[tuple[float, float]] = []
    """p99 undisturbed and disturbed, ms, in turn; above are their medians."""


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """These variables while the block runs."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def run_small(sessions: int, cores: int, size_bytes: int, progress: Progress, run: Run) -> SmallMachine:
    """Ingest and judge ``sessions`` on so few cores and bytes."""
    with tempfile.TemporaryDirectory(prefix="retrospec-small-") as scratch:
        note = Path(scratch) / "note"
        bounds = {"BOUND_CORES": str(cores), "BOUND_BYTES": str(size_bytes), "BOUND_NOTE": str(note)}
        with environment(**bounds), spawned_server(QUIET, Path(scratch) / "data", BOUNDED) as server:
            load = Load(server.url, server.key, sessions, 20, RECORDING_BYTES, 1, server.pid)
            outcome = run(run_load(load, progress))
        limited_by = note.read_text(encoding="ascii")
        if limited_by.startswith("cgroup "):
            Path(limited_by.removeprefix("cgroup ")).parent.rmdir()
    return SmallMachine(outcome=outcome, limited_by=limited_by)


def run_day(wall_s: float, sessions: int, progress: Progress, run: Run) -> Day:
    """``sessions`` evenly over a day that takes ``wall_s``; the budget is small, so that eviction has its part."""
    factor = DAY_S / wall_s
    settings = QUIET | {
        "STORAGE_MAX_GB": f"{DAY_BUDGET_BYTES / 1e9:g}", "RETENTION_CLEANUP_MINUTES": "1",
        "WORKER_LEASE_SECONDS": str(DAY_S), "CAPTURE_IDLE_SECONDS": "60",
    }  # fmt: skip
    with (
        tempfile.TemporaryDirectory(prefix="retrospec-day-") as scratch,
        environment(BOUND_HURRY=str(factor)),
        spawned_server(settings, Path(scratch) / "data", BOUNDED) as server,
    ):
        watch, failures, batches = psutil.Process(server.pid), 0, 12
        seen: list[tuple[int, int, int, str]] = []
        began = time.monotonic()
        for number in range(batches):
            load = Load(server.url, server.key, sessions // batches, 4, RECORDING_BYTES, number, server.pid)
            outcome = run(run_load(load))
            failures += outcome.failures + outcome.still_pending
            progress("two hours", number + 1, batches)
            time.sleep(max(GOVERNOR_S, began + wall_s * (number + 1) / batches - time.monotonic()))
            seen.append((watch.memory_info().rss, watch.num_fds(), *_stored_in(server.data_dir)))
    quarter, end = seen[batches // 4], seen[-1]
    most = max(seen[batches // 4 :], key=lambda each: each[2])
    return Day(
        sessions=sessions // batches * batches, failures=failures, hurry=factor, quarter_bytes=quarter[0], end_bytes=end[0],
        quarter_files=quarter[1], end_files=end[1], stored_bytes=most[2], stored_as=most[3], budget_bytes=DAY_BUDGET_BYTES,
    )  # fmt: skip


def _stored_in(folder: Path) -> tuple[int, str]:
    """Bytes, and in what; without the reserve, which is given up when it is needed."""
    sizes: dict[str, int] = {}
    for place, _, names in os.walk(folder):  # unlike Path.rglob it passes over what is deleted while we look
        within = Path(place).relative_to(folder).parts
        for name in names:
            with suppress(FileNotFoundError):
                kind = within[0] if within else name
                sizes[kind] = sizes.get(kind, 0) + ((Path(place) / name).stat().st_size if name != "reserve" else 0)
    largest = sorted(sizes.items(), key=lambda each: -each[1])[:4]
    return sum(sizes.values()), ", ".join(f"{kind} {size / 1e6:.1f} MB" for kind, size in largest)


def run_stored(sessions: int, load_sessions: int, progress: Progress, run: Run) -> Stored:
    """Seed ``sessions`` over six days, start, ingest; then again while the half older than three days is deleted."""
    with tempfile.TemporaryDirectory(prefix="retrospec-stored-") as scratch:
        data = Path(scratch) / "data"
        data.mkdir()
        url = f"sqlite:///{data / 'retrospec.db'}"
        asyncio.run(seed_sessions(url, DEFAULT_PROJECT_ID, sessions, lambda done: progress("seeding", done, sessions)))
        # As installed, where pip has compiled all; in a checkout the first start does.
        with environment(PYTHONPYCACHEPREFIX=str(Path(scratch) / "compiled"), PYTHONDONTWRITEBYTECODE=""):
            empty_s, empty_cpu_s = _start_s(Path(scratch) / "empty")
            start_s, start_cpu_s = _start_s(data)
        with spawned_server(QUIET | {"RETENTION_DAYS": "7"}, data) as server:
            _load(server, load_sessions // 4, run)
            rounds = []
            for number, days in enumerate(KEPT_DAYS, start=1):
                rounds.append(_beside_a_clean_up(server, days, load_sessions, run))
                progress("clean-ups", number, len(KEPT_DAYS))
    return Stored(
        sessions=sessions, empty_start_s=empty_s, empty_start_cpu_s=empty_cpu_s, start_s=start_s, start_cpu_s=start_cpu_s,
        undisturbed_p99_ms=median(quiet for quiet, _, _ in rounds), disturbed_p99_ms=median(busy for _, busy, _ in rounds),
        deleted=sum(cleaned.deleted for _, _, cleaned in rounds), delete_s=round(sum(cleaned.took_s for _, _, cleaned in rounds), 1),
        rounds=[(quiet, busy) for quiet, busy, _ in rounds],
    )  # fmt: skip


def _beside_a_clean_up(server: Spawned, days: int, load_sessions: int, run: Run) -> tuple[float, float, "_Cleanup"]:
    """p99 in ms of ingest alone, and beside the deletion of what is older than ``days``; the deletion outlasts the load."""
    quiet = _load(server, load_sessions, run)
    keep(server, days)
    deleting = _Cleanup(server)
    deleting.start()
    busy = _load(server, load_sessions, run)
    deleting.join()
    return quiet.p99_ms, busy.p99_ms, deleting


def _start_s(data: Path) -> tuple[float, float]:
    """Seconds to a healthy server, and of its CPU; the folder is made before, and of two starts the quicker counts."""
    starts = []
    for _ in range(3):
        began = time.monotonic()
        with spawned_server(QUIET, data) as server:
            starts.append((round(server.healthy_at - began, 2), round(server.healthy_cpu_s, 2)))
    return min(starts[1:])


def _load(server: Spawned, sessions: int, run: Run) -> Outcome:
    return run(run_load(Load(server.url, server.key, sessions, 4, RECORDING_BYTES, 1, server.pid)))


class _Cleanup(threading.Thread):
    """Asks for a clean-up and waits for its end."""

    def __init__(self, server: Spawned) -> None:
        super().__init__(daemon=True)
        self._server = server
        self.deleted = 0
        self.took_s = 0.0

    def run(self) -> None:
        """One call."""
        began = time.monotonic()
        connection = http.client.HTTPConnection(self._server.url.removeprefix("http://"), timeout=900)
        connection.request("POST", "/v1/maintenance/cleanup", headers={"X-Retrospec-Key": self._server.key})
        answer = msgspec.json.decode(connection.getresponse().read())
        connection.close()
        self.deleted, self.took_s = int(answer["deletedSessions"]), time.monotonic() - began
