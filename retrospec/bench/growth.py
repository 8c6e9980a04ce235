"""Does a report cost more when more is stored? The same load on a small and on a large installation.

Both servers run at once and take turns, round by round, so that a busy machine slows both alike; the
least of the rounds counts.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from retrospec.bench.ingest import Load, Outcome, run_load
from retrospec.bench.seed import seed_sessions
from retrospec.bench.spawned import Spawned, spawned_server
from retrospec.storage.projects import DEFAULT_PROJECT_ID

ROUNDS = 3
RECORDING_BYTES = 20_000
_WARM_UP_SESSIONS = 20

Progress = Callable[[str, int, int], None]
Run = Callable[[Coroutine[Any, Any, Outcome]], Outcome]


class Growth(msgspec.Struct):
    """What a report costs with few and with many sessions stored."""

    small_sessions: int
    large_sessions: int
    reports_per_round: int
    small_cpu_ms: float
    """The server's CPU per session, ingest and report together; least of the rounds."""
    large_cpu_ms: float
    small_wall_ms: float
    large_wall_ms: float

    @property
    def cpu_ratio(self) -> float:
        """1 where work per report does not depend on how much is stored."""
        return self.large_cpu_ms / self.small_cpu_ms

    @property
    def wall_ratio(self) -> float:
        """As ``cpu_ratio``, of the time until every report is there."""
        return self.large_wall_ms / self.small_wall_ms


def measure_growth(small: int, large: int, reports: int, progress: Progress, run: Run) -> Growth:
    """Seed two installations, then measure them in turns. Raises RuntimeError when a session fails."""
    with ExitStack() as stack:
        servers = [_seeded(stack, count, progress) for count in (small, large)]
        for server in servers:
            _round(server, _WARM_UP_SESSIONS, run)
        rounds: list[list[Outcome]] = [[], []]
        for number in range(ROUNDS):
            for server, outcomes in zip(servers, rounds, strict=True):
                outcomes.append(_round(server, reports, run))
            progress("rounds", number + 1, ROUNDS)
    cpu = [min(outcome.cpu_ms_per_session or 0.0 for outcome in outcomes) for outcomes in rounds]
    wall = [min(_wall_ms(outcome) for outcome in outcomes) for outcomes in rounds]
    return Growth(small, large, reports, cpu[0], cpu[1], wall[0], wall[1])


def _seeded(stack: ExitStack, count: int, progress: Progress) -> Spawned:
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="retrospec-growth-"))) / "data"
    folder.mkdir()
    url = f"sqlite:///{folder / 'retrospec.db'}"
    legend = f"seeding {count:,}"
    asyncio.run(seed_sessions(url, DEFAULT_PROJECT_ID, count, lambda done: progress(legend, done, count)))
    settings = {"REPLAY_RENDER": "off", "CONFIRMATION_CHECKER": "none"}
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
