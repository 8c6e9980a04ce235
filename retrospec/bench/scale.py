"""What a session costs at each part of a large installation, and what more of each part would take in.

The costs are measured: one server over PostgreSQL and S3 under load. A simulation of twice the load over two servers is
then held against a real run with two, so that what it says of twenty is worth something. Of the run with two it is told
nothing but how many other programs wanted the machine's cores meanwhile, which no simulation can know; everything else is
what the one server's run took, and what it had to wait for.
"""

import asyncio
import itertools
import math
import statistics
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
import psutil

from retrospec.bench.contention import Watch, ran_and_waited_s
from retrospec.bench.figures import Figure
from retrospec.bench.ingest import Load, Outcome, run_load
from retrospec.bench.large import RECORDING_BYTES, stores
from retrospec.bench.spawned import Spawned, spawned_server
from retrospec.bench.stations import Machine, Phase, as_measured, simulate
from retrospec.bench.usage import listening_pid
from retrospec.domain.settings import Settings

WITHIN = 0.20
"""How far the simulation of two servers may be from the real two."""
SENDERS = 8
"""Of each server."""
PROJECT = "proj_default"
SECONDS_A_MONTH = 30 * 86_400
PEAK = 3.0
"""The busiest hour against the mean one, as of sites whose visitors live in a few time zones."""
BUSY_AT_MOST = 0.6
"""Share of a part's time that is planned for: above, waiting grows faster than the load."""

Run = Callable[[Coroutine[Any, Any, list[Outcome]]], list[Outcome]]


class Costs(msgspec.Struct, kw_only=True, frozen=True):
    """CPU of a session at each part, in ms."""

    web_ms: float
    database_ms: float
    store_ms: float
    client_ms: float


class Stretch(msgspec.Struct, kw_only=True, frozen=True):
    """A part of a run: until all is taken in, or from then until all is analysed."""

    took_s: float
    costs: Costs
    slowness: float
    """How many times as long as it needs did a piece of work of ours take, for want of cores."""
    strangers: float
    """Other programs' threads that wanted a core, on average."""
    turn_ms: float
    """How long somebody wrote about the project, for each session."""


class Measured(msgspec.Struct, kw_only=True):
    """A real run."""

    nodes: int
    sessions: int
    intake: Stretch
    analysis: Stretch
    failures: int

    @property
    def sessions_per_s(self) -> float:
        """From the first request until the last report."""
        return self.sessions / (self.intake.took_s + self.analysis.took_s)

    @property
    def costs(self) -> Costs:
        """Of a session, from end to end."""
        both = self.intake.costs, self.analysis.costs
        return Costs(**{name: sum(getattr(each, name) for each in both) for name in Costs.__struct_fields__})


class Round(msgspec.Struct, kw_only=True):
    """One real server, two real servers with twice the load, and what was foretold of the two."""

    one: Measured
    two: Measured
    foretold_s: tuple[float, float]
    """To take in, and to analyse."""

    @property
    def foretold_per_s(self) -> float:
        """Sessions of the two servers together."""
        return self.two.sessions / sum(self.foretold_s)

    @property
    def error(self) -> float:
        """Of what was foretold of the two, as a share of what they did; below nothing where they did more."""
        return self.foretold_per_s / self.two.sessions_per_s - 1


class ScaleRun(msgspec.Struct, kw_only=True):
    """All rounds."""

    rounds: list[Round]

    @property
    def error(self) -> float:
        """The middle one of the rounds' errors, as they came."""
        return abs(statistics.median(each.error for each in self.rounds))

    @property
    def costs(self) -> Costs:
        """Medians of the single servers."""
        return Costs(**{name: statistics.median(getattr(each.one.costs, name) for each in self.rounds) for name in Costs.__struct_fields__})

    def figures(self) -> list[Figure]:
        """What was asked for and what was reached."""
        each = ", ".join(f"{round_.foretold_per_s:.1f} foretold, {round_.two.sessions_per_s:.1f} real ({round_.error:+.0%})" for round_ in self.rounds)
        failures = sum(run.failures for round_ in self.rounds for run in (round_.one, round_.two))
        ones = ", ".join(f"{round_.one.sessions_per_s:.1f}" for round_ in self.rounds)
        return [
            Figure(
                name="two servers, foretold from one against real", reached=f"{self.error:.0%} off", goal=f"<= {WITHIN:.0%}",
                is_met=self.error <= WITHIN, beside=f"sessions/s, by round: {each}",
            ),
            Figure(name="one server, real", reached=f"{statistics.median(each.one.sessions_per_s for each in self.rounds):.1f} sessions/s", beside=ones),
            Figure(name="CPU a session: server and analysis", reached=f"{self.costs.web_ms:.1f} ms"),
            Figure(name="CPU a session: PostgreSQL", reached=f"{self.costs.database_ms:.1f} ms"),
            Figure(name="CPU a session: S3 server", reached=f"{self.costs.store_ms:.1f} ms"),
            Figure(name="sessions refused or without a report", reached=str(failures), goal="0", is_met=not failures),
        ]  # fmt: skip


def measure_scale(database: str, blobs: str, *, sessions: int, rounds: int, run: Run) -> ScaleRun:
    """Each round: one server, then two with as much for each, over the same stores."""
    done = []
    for _ in range(rounds):
        one, two = (_measure(database, blobs, nodes, sessions, run) for nodes in (1, 2))
        beside = two.intake.strangers, two.analysis.strangers
        done.append(Round(one=one, two=two, foretold_s=foretell(one, nodes=2, beside=beside)))
    return ScaleRun(rounds=done)


def foretell(one: Measured, *, nodes: int, beside: tuple[float, float]) -> tuple[float, float]:
    """Seconds that so many servers take for as much each as the one had: to take it in, and to analyse it.

    ``beside``: how many other programs want a core in the one and the other part.
    """
    at_once = SENDERS, Settings().worker.threads
    intake, analysis = (
        _foretold_s(stretch, one.sessions, nodes, *given) for stretch, given in zip((one.intake, one.analysis), zip(at_once, beside, strict=True), strict=True)
    )
    return intake, analysis


def _foretold_s(stretch: Stretch, sessions: int, nodes: int, at_once: int, beside: float) -> float:
    """By a simulated server that takes as long as the real one did, among strangers that press on it as they did on that one."""
    machine = Machine(cores=psutil.cpu_count() or 1, strangers=stretch.strangers, at_once=at_once)
    phase, alike = as_measured(_phase(stretch), machine, sessions=sessions, took_ms=stretch.took_s * 1_000)
    weight = alike.strangers / stretch.strangers if stretch.strangers else 1.0
    return simulate(phase, msgspec.structs.replace(machine, strangers=beside * weight), nodes=nodes, share=sessions) / 1_000


def _phase(stretch: Stretch) -> Phase:
    """A turn lasts longer the more programs want a core: what it takes by itself is first the database's work, then the server's."""
    costs = stretch.costs
    turn_ms = min(stretch.turn_ms / stretch.slowness, costs.database_ms + costs.web_ms)
    in_database_ms = min(turn_ms, costs.database_ms)
    return Phase(
        web_ms=costs.web_ms - (turn_ms - in_database_ms), turn_web_ms=turn_ms - in_database_ms, turn_database_ms=in_database_ms,
        free_ms=costs.store_ms + costs.database_ms - in_database_ms, client_ms=costs.client_ms,
    )  # fmt: skip


def _measure(database: str, blobs: str, nodes: int, sessions: int, run: Run) -> Measured:
    with ExitStack() as stack:
        servers = [stack.enter_context(spawned_server(stores(database, blobs))) for _ in range(nodes)]
        parts = _Parts([psutil.Process(each.pid) for each in servers], urlsplit(database).path.strip("/"), _store(blobs))
        watch = stack.enter_context(Watch(database, PROJECT))
        marks: list[_Mark] = []
        left = nodes * sessions

        def note(phase: str, done: int, _total: int) -> None:
            nonlocal left
            left -= phase == "ingest" and done > 0
            if phase == "ingest" and (not marks or left == 0):
                marks.append(_Mark(parts, watch))

        outcomes = run(_load(servers, sessions, note))
        marks.append(_Mark(parts, watch))
    done = sum(each.sessions - each.failures for each in outcomes)
    failures = sum(each.failures + each.still_pending for each in outcomes)
    intake, analysis = (after.since(before, done) for before, after in itertools.pairwise(marks))
    return Measured(nodes=nodes, sessions=done, intake=intake, analysis=analysis, failures=failures)


async def _load(servers: list[Spawned], sessions: int, note: Callable[[str, int, int], None]) -> list[Outcome]:
    loads = [Load(each.url, each.key, sessions, SENDERS, RECORDING_BYTES, number + 1, each.pid) for number, each in enumerate(servers)]
    ready = asyncio.Barrier(len(loads))
    return list(await asyncio.gather(*(run_load(load, note, ready) for load in loads)))


class _Parts(NamedTuple):
    """What a session costs something."""

    servers: list[psutil.Process]
    database: str
    store: psutil.Process | None

    def processes(self) -> dict[str, list[psutil.Process]]:
        """By part; of PostgreSQL this database's own connections, and the S3 server if it runs here."""
        return {
            "web": self.servers, "database": _backends(self.database), "store": [self.store] if self.store else [], "client": [psutil.Process()]
        }


class _Mark:
    """A moment of a run."""

    def __init__(self, parts: _Parts, watch: Watch) -> None:
        self.at_s, self.looks, self.held, self.wanting = time.perf_counter(), watch.looks, watch.held, watch.wanting
        processes = parts.processes()
        self.spent_s = {name: sum(map(_cpu_s, each)) for name, each in processes.items()}
        self.ran_s, self.waited_s = ran_and_waited_s(one.pid for each in processes.values() for one in each)

    def since(self, before: "_Mark", sessions: int) -> Stretch:
        """What was between the two."""
        took_s = self.at_s - before.at_s
        costs = {f"{name}_ms": (spent - before.spent_s[name]) * 1_000 / sessions for name, spent in self.spent_s.items()}
        ran_s, waited_s = self.ran_s - before.ran_s, self.waited_s - before.waited_s
        looks = max(1, self.looks - before.looks)
        strangers = max(0.0, (self.wanting - before.wanting) / looks - (ran_s + waited_s) / took_s)
        turn_ms = (self.held - before.held) / looks * took_s * 1_000 / sessions
        return Stretch(took_s=took_s, costs=Costs(**costs), slowness=1 + waited_s / max(0.001, ran_s), strangers=strangers, turn_ms=turn_ms)


def _store(blobs: str) -> psutil.Process | None:
    """The S3 server, if it runs on this machine."""
    endpoint = dict(part.partition("=")[::2] for part in urlsplit(blobs).query.split("&")).get("endpoint", "")
    pid = listening_pid(urlsplit(endpoint).port or 0)
    return psutil.Process(pid) if pid else None


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
