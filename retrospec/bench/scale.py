"""What a session costs at each part of a large installation, and what more of each part would take in.

The costs are measured: one server over PostgreSQL and S3 under load. A simulation of the same load over two servers is
then held against a real run with two, so that what it says of twenty is worth something.
"""

import asyncio
import math
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import msgspec
import psutil

from retrospec.bench.figures import Figure
from retrospec.bench.ingest import Load, Outcome, run_load
from retrospec.bench.large import RECORDING_BYTES, stores
from retrospec.bench.spawned import Spawned, spawned_server
from retrospec.bench.stations import Costs, simulate
from retrospec.bench.usage import listening_pid

WITHIN = 0.20
"""How far the simulation of two servers may be from the real two."""
CONCURRENCY = 16
SECONDS_A_MONTH = 30 * 86_400
PEAK = 3.0
"""The busiest hour against the mean one, as of sites whose visitors live in a few time zones."""
BUSY_AT_MOST = 0.6
"""Share of a part's time that is planned for: above, waiting grows faster than the load."""

Run = Callable[[Coroutine[Any, Any, list[Outcome]]], list[Outcome]]


class Measured(msgspec.Struct, kw_only=True):
    """A real run."""

    nodes: int
    sessions_per_s: float
    """From the first request until the last report."""
    costs: Costs
    failures: int


class ScaleRun(msgspec.Struct, kw_only=True):
    """One real server, two real servers, and what was foretold of the two."""

    one: Measured
    two: Measured
    foretold_one: float
    foretold_two: float

    @property
    def error(self) -> float:
        """Of what was foretold of the two, as a share of what they did."""
        return abs(self.foretold_two - self.two.sessions_per_s) / self.two.sessions_per_s

    def figures(self) -> list[Figure]:
        """What was asked for and what was reached."""
        costs = self.one.costs
        return [
            Figure(
                name="two servers, foretold from one against real", reached=f"{self.error:.0%} off", goal=f"<= {WITHIN:.0%}",
                is_met=self.error <= WITHIN, beside=f"{self.foretold_two:.1f} foretold, {self.two.sessions_per_s:.1f} real sessions/s",
            ),
            Figure(name="one server, real", reached=f"{self.one.sessions_per_s:.1f} sessions/s", beside=f"{self.foretold_one:.1f} simulated"),
            Figure(name="CPU a session: server and analysis", reached=f"{costs.web_ms:.1f} ms"),
            Figure(name="CPU a session: PostgreSQL", reached=f"{costs.database_ms:.1f} ms"),
            Figure(name="CPU a session: S3 server", reached=f"{costs.store_ms:.1f} ms"),
            Figure(
                name="sessions refused or without a report", reached=str(self.one.failures + self.two.failures), goal="0",
                is_met=not self.one.failures + self.two.failures,
            ),
        ]  # fmt: skip


def measure_scale(database: str, blobs: str, *, sessions: int, run: Run) -> ScaleRun:
    """Run one server, then two, over the same stores; simulate both with the costs of the first."""
    one, two = (_measure(database, blobs, nodes, sessions, run) for nodes in (1, 2))
    foretold = [simulate(one.costs, nodes=nodes, sessions=sessions, concurrency=CONCURRENCY) for nodes in (1, 2)]
    return ScaleRun(one=one, two=two, foretold_one=foretold[0], foretold_two=foretold[1])


def _measure(database: str, blobs: str, nodes: int, sessions: int, run: Run) -> Measured:
    with ExitStack() as stack:
        servers = [stack.enter_context(spawned_server(stores(database, blobs))) for _ in range(nodes)]
        before = _spent(servers, database, blobs)
        outcomes = run(_load(servers, sessions // nodes))
        after = _spent(servers, database, blobs)
    took_s = max(each.wall_s + (each.drain_s or 0.0) for each in outcomes)
    done = sum(each.sessions - each.failures for each in outcomes)
    cpu_ms = {name: (after[name] - before[name]) * 1_000 / done for name in after}
    client_ms = outcomes[0].client_cpu_s * 1_000 / done  # one process sends for all: its CPU is in each outcome, whole
    used_cores = (sum(cpu_ms.values()) + client_ms) * done / 1_000 / took_s
    costs = Costs(**{f"{name}_ms": each for name, each in cpu_ms.items()}, client_ms=client_ms, cores=used_cores)
    failures = sum(each.failures + each.still_pending for each in outcomes)
    return Measured(nodes=nodes, sessions_per_s=done / took_s, costs=costs, failures=failures)


async def _load(servers: list[Spawned], sessions: int) -> list[Outcome]:
    share = CONCURRENCY // len(servers)
    loads = [Load(each.url, each.key, sessions, share, RECORDING_BYTES, number + 1, each.pid) for number, each in enumerate(servers)]
    return list(await asyncio.gather(*map(run_load, loads)))


def _spent(servers: list[Spawned], database: str, blobs: str) -> dict[str, float]:
    """CPU seconds so far of the servers, of this database's own connections, and of the S3 server if it runs here."""
    store = listening_pid(urlsplit(dict(part.partition("=")[::2] for part in urlsplit(blobs).query.split("&")).get("endpoint", "")).port or 0)
    return {
        "web": sum(_cpu_s(psutil.Process(each.pid)) for each in servers),
        "database": sum(_cpu_s(each) for each in _backends(urlsplit(database).path.strip("/"))),
        "store": _cpu_s(psutil.Process(store)) if store else 0.0,
    }


def _backends(name: str) -> list[psutil.Process]:
    """PostgreSQL calls each of its processes after the database it serves."""
    found = []
    for each in psutil.process_iter(["cmdline"]):
        if any(word.startswith("postgres:") and f" {name} " in word for word in each.info["cmdline"] or ()):
            found.append(each)
    return found


def _cpu_s(process: psutil.Process) -> float:
    try:
        spent = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return spent.user + spent.system


class Needed(msgspec.Struct, kw_only=True):
    """What so many sessions a month need, by the measured costs."""

    sessions_a_month: float
    peak_per_s: float
    web_cores: int
    databases: int
    """Each takes one project's writes in turn, so this many projects' worth at least."""
    render_cores: int
    store_requests_per_s: float


def needed(costs: Costs, sessions_a_month: float, *, rendered_share: float, render_cpu_s: float) -> Needed:
    """Parts for the busiest hour, each at most ``BUSY_AT_MOST`` busy."""
    peak = sessions_a_month / SECONDS_A_MONTH * PEAK

    def parts(ms: float) -> int:
        return math.ceil(peak * ms / 1_000 / BUSY_AT_MOST)

    return Needed(
        sessions_a_month=sessions_a_month, peak_per_s=peak, web_cores=parts(costs.web_ms), databases=parts(costs.database_ms),
        render_cores=parts(rendered_share * render_cpu_s * 1_000), store_requests_per_s=peak * STORE_REQUESTS,
    )  # fmt: skip


STORE_REQUESTS = 3
"""A session's: its recording put, read by the analysis, and the analysis put; each replay adds its own pictures and film."""
