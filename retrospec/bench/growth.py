"""What grows with what is stored? The same work on installations of 1,000 to 1,000,000 sessions.

The servers run at once and take turns, round by round, so that a busy machine slows all alike; the least of the rounds counts.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import msgspec

from retrospec.bench import growth_plot
from retrospec.bench.figures import Figure, Note, picture_file
from retrospec.bench.ingest import Load, Outcome, run_load
from retrospec.bench.issue_page import time_page
from retrospec.bench.light import run_light
from retrospec.bench.seed import cluster_key, seed_sessions
from retrospec.bench.spawned import Spawned, spawned_server
from retrospec.storage.projects import DEFAULT_PROJECT_ID

STORED = (1_000, 10_000, 100_000, 1_000_000)
ROUNDS = 3
RECORDING_BYTES = 20_000
KEPT_DAYS = 5
MOST_EXPIRED, EXPIRED_SHARE = 2_000, 1 / 6
"""So many of the seeded sessions are older, and deleted at the end."""
FLAT = 1.5
"""Each tenfold step may add a level to each B-tree; what scanned would be a thousand times as dear."""
_WARM_UP_SESSIONS = 20
_CALL_S = 900.0

Run = Callable[[Coroutine[Any, Any, Outcome]], Outcome]


class Point(msgspec.Struct, kw_only=True):
    """What things cost with so many sessions stored."""

    sessions: int
    report_cpu_ms: float
    """The server's CPU per session, ingest and report together."""
    report_wall_ms: float
    issue_page_ms: float
    """CPU of an issue's page, that of its most frequent failure."""
    promote_ms: float
    """One call that looks through all clusters (60 of them at every size)."""
    forget_ms: float
    """Retention, for each session deleted."""
    start_cpu_s: float


SHOWN = {
    "report_cpu_ms": "CPU of a session and its report, ms",
    "issue_page_ms": "CPU of an issue's page, ms",
    "promote_ms": "promotion of all, ms",
    "forget_ms": "retention, ms a session deleted",
    "start_cpu_s": "CPU of a start, s",
}


def figures(note: Note) -> list[Figure]:
    """A quarter of an hour; draws the plot where pictures are kept."""
    points = measure_growth(STORED, 100, note, run_light)
    if file := picture_file("growth.svg"):
        file.write_text(growth_plot.drawn(ratios(points), [point.sessions for point in points]), encoding="utf-8")
    return of_points(points)


def of_points(points: Sequence[Point]) -> list[Figure]:
    """A line for each thing: its cost at the largest size against that at the smallest."""
    found = []
    for name, shown in SHOWN.items():
        values = [float(getattr(point, name)) for point in points]
        ratio = values[-1] / values[0]
        beside = ", ".join(f"{value:.3g} at {point.sessions:,}" for value, point in zip(values, points, strict=True))
        found.append(Figure(name=shown, goal=f"flat (<= {FLAT} x)", reached=f"{ratio:.2f} x", is_met=ratio <= FLAT, beside=beside))
    return found


def ratios(points: Sequence[Point]) -> dict[str, list[float]]:
    """Each cost as a multiple of the first point's."""
    return {shown.rpartition(",")[0] or shown: [getattr(point, name) / getattr(points[0], name) for point in points] for name, shown in SHOWN.items()}


def measure_growth(stored: Sequence[int], reports: int, progress: Note, run: Run) -> list[Point]:
    """Seed an installation of each size, then measure them in turns. Raises RuntimeError when a session fails."""
    with ExitStack() as stack:
        servers = [_seeded(stack, count, progress) for count in stored]
        for server in servers:
            _round(server, _WARM_UP_SESSIONS, run)
        rounds: list[list[Outcome]] = [[] for _ in servers]
        for number in range(ROUNDS):
            for server, outcomes in zip(servers, rounds, strict=True):
                outcomes.append(_round(server, reports, run))
            progress("rounds", number + 1, ROUNDS)
        return [_point(count, server, outcomes) for count, server, outcomes in zip(stored, servers, rounds, strict=True)]


def _point(count: int, server: Spawned, outcomes: list[Outcome]) -> Point:
    url = f"sqlite:///{server.data_dir / 'retrospec.db'}"
    promotions = [_call(server, "/v1/issues/promote")[0] for _ in range(ROUNDS)]
    page = time_page(url, DEFAULT_PROJECT_ID, cluster_key(0))
    took_ms, cleaned = _call(server, "/v1/maintenance/cleanup")
    return Point(
        sessions=count,
        report_cpu_ms=min(outcome.cpu_ms_per_session or 0.0 for outcome in outcomes),
        report_wall_ms=min(_wall_ms(outcome) for outcome in outcomes),
        issue_page_ms=median(each.cpu for each in page),
        promote_ms=min(promotions),
        forget_ms=took_ms / max(1, cleaned["deletedSessions"]),
        start_cpu_s=server.healthy_cpu_s,
    )


def _call(server: Spawned, path: str) -> tuple[float, Any]:
    began = time.monotonic()
    answer = httpx.post(f"{server.url}{path}", headers={"X-Retrospec-Key": server.key}, timeout=_CALL_S)
    answer.raise_for_status()
    return (time.monotonic() - began) * 1_000, answer.json()


def _seeded(stack: ExitStack, count: int, progress: Note) -> Spawned:
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="retrospec-growth-"))) / "data"
    folder.mkdir()
    url = f"sqlite:///{folder / 'retrospec.db'}"
    legend = f"seeding {count:,}"
    spread = timedelta(days=KEPT_DAYS) / (1 - min(EXPIRED_SHARE, MOST_EXPIRED / count))
    asyncio.run(seed_sessions(url, DEFAULT_PROJECT_ID, count, lambda done: progress(legend, done, count), spread=spread))
    settings = {"REPLAY_RENDER": "off", "CONFIRMATION_CHECKER": "none", "RETENTION_DAYS": str(KEPT_DAYS)}
    return stack.enter_context(spawned_server(settings, folder))


def _round(server: Spawned, reports: int, run: Run) -> Outcome:
    load = Load(server.url, server.key, reports, 4, RECORDING_BYTES, 1, server.pid)
    outcome = run(run_load(load))
    if outcome.failures or outcome.still_pending:
        raise RuntimeError(
            f"{outcome.failures} sessions failed, {outcome.still_pending} got no report: {outcome.failure_samples}"
        )
    return outcome


def _wall_ms(outcome: Outcome) -> float:
    return (outcome.wall_s + (outcome.drain_s or 0.0)) * 1_000 / outcome.sessions
