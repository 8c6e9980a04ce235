"""PostgreSQL and S3 against SQLite and a folder, in turns and in one run, so that the machine's mood cancels out."""

import statistics
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from retrospec.bench.figures import Figure
from retrospec.bench.ingest import Load, Outcome, run_load
from retrospec.bench.operating import QUIET
from retrospec.bench.spawned import spawned_server

GOAL_RATIO = 0.6
RECORDING_BYTES = 20_000

Run = Callable[[Coroutine[Any, Any, Outcome]], Outcome]
Progress = Callable[[str, int, int], None]


class Side(msgspec.Struct, kw_only=True):
    """What one kind of installation did, over all rounds."""

    sessions_per_s: float
    p95_ms: float
    cpu_ms_per_session: float
    """Of our process; the database's and the store's are their own."""
    failures: int


class LargeRun(msgspec.Struct, kw_only=True):
    """Both kinds, measured in turns."""

    small: Side
    large: Side
    rounds: int
    sessions: int

    @property
    def ratio(self) -> float:
        """Of sessions taken in a second."""
        return self.large.sessions_per_s / self.small.sessions_per_s

    def figures(self) -> list[Figure]:
        """What was asked for and what was reached."""
        beside = f"{self.large.sessions_per_s:.0f} against {self.small.sessions_per_s:.0f} sessions/s, medians of {self.rounds} rounds in turns"
        return [
            Figure(
                name="ingest on PostgreSQL and S3, of that on SQLite and disk", reached=f"{self.ratio:.2f} ×", goal=f">= {GOAL_RATIO} ×",
                is_met=self.ratio >= GOAL_RATIO, beside=beside,
            ),
            Figure(
                name="CPU of our process a session", reached=f"{self.large.cpu_ms_per_session:.1f} ms",
                beside=f"{self.small.cpu_ms_per_session:.1f} ms on SQLite and disk",
            ),
            Figure(name="sessions refused or without a report", reached=str(self.large.failures), goal="0", is_met=not self.large.failures),
        ]  # fmt: skip


def stores(database: str, blobs: str) -> dict[str, str]:
    """The environment of a server over these, for ``spawned_server``."""
    return {**QUIET, "DATABASE_URL": database, "BLOBS_URL": blobs}


def measure_large(database: str, blobs: str, *, rounds: int, sessions: int, concurrency: int, run: Run, progress: Progress) -> LargeRun:
    """Load the one and the other in turns; each round with a fresh server, and on SQLite with a fresh folder."""
    done: dict[str, list[Outcome]] = {"small": [], "large": []}
    for round_ in range(rounds):
        for kind, given in (("small", QUIET), ("large", stores(database, blobs))):
            progress(f"round {round_ + 1}, {kind}", len(done["large"]), rounds)
            with spawned_server(given) as server:
                load = Load(server.url, server.key, sessions, concurrency, RECORDING_BYTES, seed=round_ + 1, pid=server.pid)
                done[kind].append(run(run_load(load)))
    return LargeRun(small=_side(done["small"]), large=_side(done["large"]), rounds=rounds, sessions=sessions)


def _side(outcomes: list[Outcome]) -> Side:
    return Side(
        sessions_per_s=statistics.median(each.sessions_per_s for each in outcomes),
        p95_ms=statistics.median(each.p95_ms for each in outcomes),
        cpu_ms_per_session=statistics.median(each.cpu_ms_per_session or 0.0 for each in outcomes),
        failures=sum(each.failures + each.still_pending for each in outcomes),
    )
