"""What a session costs at each part of a large installation, and what more of each part would take in.

The costs are measured: one server over PostgreSQL and S3 under load. A simulation of twice the load over two servers is
then held against a real run with two, in more than one setting, so that what it says of twenty is worth something. It is
made before the two are started, from what the run with one took and had to wait for. What a second server costs everybody beyond
its own work (programs that take turns on the same cores, more connections, less room in caches) no single server shows: it is learnt
from one real pair in the first setting, and the rounds that are judged come after it.
"""

import asyncio
import math
import statistics
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
import psutil

from retrospec.bench.contention import Watch, ran_and_waited_s
from retrospec.bench.figures import Figure, Note
from retrospec.bench.ingest import Load, Outcome, run_load
from retrospec.bench.large import RECORDING_BYTES, stores
from retrospec.bench.spawned import Spawned, spawned_server, spawned_worker
from retrospec.bench.stations import Load as StationLoad
from retrospec.bench.stations import Machine, Phase, Took, as_measured, simulate
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


class Setting(msgspec.Struct, kw_only=True, frozen=True):
    """What a node is, and what is sent to it."""

    name: str
    recording_bytes: int
    is_apart: bool
    """A server that only answers and a worker beside it; otherwise one process does both."""


SETTINGS = (
    Setting(name="servers that do both, 20 kB", recording_bytes=RECORDING_BYTES, is_apart=False),
    Setting(name="servers and workers, 20 kB", recording_bytes=RECORDING_BYTES, is_apart=True),
    Setting(name="servers and workers, 100 kB", recording_bytes=5 * RECORDING_BYTES, is_apart=True),
)


class Costs(msgspec.Struct, kw_only=True, frozen=True):
    """CPU of a session at each part, in ms."""

    web_ms: float
    """Servers and workers."""
    database_ms: float
    store_ms: float
    client_ms: float


class Spent(msgspec.Struct, kw_only=True, frozen=True):
    """What a session takes while it is taken in, or while it is analysed."""

    costs: Costs
    turn_ms: float
    """How long somebody wrote about the project for it."""


class Measured(msgspec.Struct, kw_only=True):
    """A real run."""

    nodes: int
    sessions: int
    intake_s: float
    """From the first request until the last was answered."""
    all_s: float
    """Until the last report."""
    intake: Spent
    analysis: Spent
    slowness: float
    """How many times as long as it needs did a piece of work of ours take, for want of cores."""
    strangers: float
    """Other programs' threads that wanted a core, on average."""
    failures: int

    @property
    def sessions_per_s(self) -> float:
        """From the first request until the last report."""
        return self.sessions / self.all_s

    @property
    def costs(self) -> Costs:
        """Of a session, from end to end."""
        both = self.intake.costs, self.analysis.costs
        return Costs(**{name: sum(getattr(each, name) for each in both) for name in Costs.__struct_fields__})


class Round(msgspec.Struct, kw_only=True):
    """One real server, what was foretold of two with twice the load, and the real two."""

    setting: Setting
    one: Measured
    foretold_s: float
    two: Measured

    @property
    def foretold_per_s(self) -> float:
        """Sessions of the two servers together."""
        return self.two.sessions / self.foretold_s

    @property
    def error(self) -> float:
        """Of what was foretold of the two, as a share of what they did; below nothing where they did more."""
        return self.foretold_per_s / self.two.sessions_per_s - 1


class ScaleRun(msgspec.Struct, kw_only=True):
    """All rounds."""

    rounds: list[Round]
    drag: float
    """How many times as long as the work says did the first real pair take; it is not among the rounds."""

    @property
    def worst(self) -> float:
        """The largest of the rounds' errors, either way."""
        return max(abs(each.error) for each in self.rounds)

    @property
    def costs(self) -> Costs:
        """Medians of the single servers with the smallest recordings."""
        ones = [each.one.costs for each in self.rounds if each.setting.recording_bytes == RECORDING_BYTES] or [each.one.costs for each in self.rounds]
        return Costs(**{name: statistics.median(getattr(each, name) for each in ones) for name in Costs.__struct_fields__})

    def figures(self) -> list[Figure]:
        """What was asked for and what was reached."""
        middle = statistics.median(abs(each.error) for each in self.rounds)
        failures = sum(run.failures for round_ in self.rounds for run in (round_.one, round_.two))
        return [
            Figure(
                name="two servers, foretold from one against real", reached=f"{self.worst:.0%} off at worst", goal=f"<= {WITHIN:.0%}",
                is_met=self.worst <= WITHIN, beside=f"{len(self.rounds)} rounds, {middle:.0%} in the median",
            ),
            Figure(name="a second server beside the first, learnt from a pair before", reached=f"{self.drag:.2f} x the time that the work says"),
            *(_of_setting(name, [each for each in self.rounds if each.setting.name == name]) for name in dict.fromkeys(each.setting.name for each in self.rounds)),
            Figure(name="CPU a session: server and analysis", reached=f"{self.costs.web_ms:.1f} ms"),
            Figure(name="CPU a session: PostgreSQL", reached=f"{self.costs.database_ms:.1f} ms"),
            Figure(name="CPU a session: S3 server", reached=f"{self.costs.store_ms:.1f} ms"),
            Figure(name="sessions refused or without a report", reached=str(failures), goal="0", is_met=not failures),
        ]  # fmt: skip


def _of_setting(name: str, rounds: Sequence[Round]) -> Figure:
    each = ", ".join(f"{one.foretold_per_s:.1f} foretold, {one.two.sessions_per_s:.1f} real" for one in rounds)
    strangers = ", ".join(f"{one.one.strangers:.1f} then {one.two.strangers:.1f}" for one in rounds)
    slowness = ", ".join(f"{one.one.slowness:.1f} then {one.two.slowness:.1f}" for one in rounds)
    beside = f"sessions/s, by round: {each}; other programs wanted {strangers} cores, and our work took {slowness} times what it needs"
    return Figure(name=name, reached=", ".join(f"{one.error:+.0%}" for one in rounds), beside=beside)


def measure_scale(database: str, blobs: str, *, sessions: int, rounds: int, run: Run, progress: Note) -> ScaleRun:
    """A pair to learn from, then rounds of each setting, the settings in turns: one server, then two with as much for each, over the same stores."""
    done: list[Round] = []
    _measure(database, blobs, SETTINGS[0], 1, SENDERS, run)  # the first that write to a new database find nothing in memory

    def one_round(setting: Setting, drag: float) -> Round:
        one = _measure(database, blobs, setting, 1, sessions, run)
        foretold_s = foretell(one, setting, nodes=2) * drag
        return Round(setting=setting, one=one, foretold_s=foretold_s, two=_measure(database, blobs, setting, 2, sessions, run))

    first = one_round(SETTINGS[0], 1.0)
    drag = 1 + first.error
    for setting in SETTINGS * rounds:
        progress("rounds", len(done), len(SETTINGS) * rounds)
        done.append(one_round(setting, drag))
    return ScaleRun(rounds=done, drag=drag)


def foretell(one: Measured, setting: Setting, *, nodes: int) -> float:
    """Seconds until so many servers have reports of as many sessions each as the one had, among as many strangers as beside that one."""
    load = StationLoad(
        intake=_phase(one.intake, one.slowness), analysis=_phase(one.analysis, one.slowness), sessions=one.sessions,
        senders=SENDERS, threads=Settings().worker.threads, is_apart=setting.is_apart,
    )  # fmt: skip
    machine = Machine(cores=psutil.cpu_count() or 1, strangers=one.strangers)
    load, machine = as_measured(load, machine, Took(one.intake_s * 1_000, one.all_s * 1_000))
    return simulate(load, machine, nodes=nodes).all_ms / 1_000


def _phase(spent: Spent, slowness: float) -> Phase:
    """A turn lasts longer the more programs want a core: what it takes by itself is first the database's work, then the server's."""
    costs = spent.costs
    turn_ms = min(spent.turn_ms / slowness, costs.database_ms + costs.web_ms)
    in_database_ms = min(turn_ms, costs.database_ms)
    return Phase(
        web_ms=costs.web_ms - (turn_ms - in_database_ms), turn_web_ms=turn_ms - in_database_ms, turn_database_ms=in_database_ms,
        free_ms=costs.store_ms + costs.database_ms - in_database_ms, client_ms=costs.client_ms,
    )  # fmt: skip


def _measure(database: str, blobs: str, setting: Setting, nodes: int, sessions: int, run: Run) -> Measured:
    with ExitStack() as stack:
        given = stores(database, blobs)
        words = ["--no-worker"] if setting.is_apart else []
        servers = [stack.enter_context(spawned_server(given, words=words)) for _ in range(nodes)]
        workers = [stack.enter_context(spawned_worker(each, given)) for each in servers if setting.is_apart]
        ours = [psutil.Process(pid) for pid in [*(each.pid for each in servers), *(each.pid for each in workers)]]
        parts = _Parts(ours, urlsplit(database).path.strip("/"), _store(blobs))
        watch = stack.enter_context(Watch(database, PROJECT))
        marks: list[_Mark] = []
        left = nodes * sessions

        def note(phase: str, done: int, _total: int) -> None:
            nonlocal left
            left -= phase == "ingest" and done > 0
            if phase == "ingest" and (not marks or left == 0):
                marks.append(_Mark(parts, watch))

        outcomes = run(_load(servers, sessions, setting.recording_bytes, note))
        marks.append(_Mark(parts, watch))
    failures = sum(each.failures + each.still_pending for each in outcomes)
    return _measured(marks, nodes, sum(each.sessions - each.failures for each in outcomes), failures)


async def _load(servers: list[Spawned], sessions: int, recording_bytes: int, note: Callable[[str, int, int], None]) -> list[Outcome]:
    loads = [Load(each.url, each.key, sessions, SENDERS, recording_bytes, number + 1, each.pid) for number, each in enumerate(servers)]
    ready = asyncio.Barrier(len(loads))
    return list(await asyncio.gather(*(run_load(load, note, ready) for load in loads)))


class _Parts(NamedTuple):
    """What a session costs something."""

    ours: list[psutil.Process]
    """Servers and workers."""
    database: str
    store: psutil.Process | None

    def processes(self) -> dict[str, list[psutil.Process]]:
        """By part; of PostgreSQL this database's own connections, and the S3 server if it runs here."""
        return {
            "web": self.ours, "database": _backends(self.database), "store": [self.store] if self.store else [], "client": [psutil.Process()]
        }


class _Mark:
    """A moment of a run."""

    def __init__(self, parts: _Parts, watch: Watch) -> None:
        self.at_s, self.looks, self.held, self.wanting = time.perf_counter(), watch.looks, watch.held, watch.wanting
        processes = parts.processes()
        self.spent_s = {name: sum(map(_cpu_s, each)) for name, each in processes.items()}
        self.ran_s, self.waited_s = ran_and_waited_s(one.pid for each in processes.values() for one in each)
        self.judged = watch.judged()


class _Stretch:
    """Between two moments of a run."""

    def __init__(self, before: _Mark, after: _Mark) -> None:
        self.took_s, self.judged = after.at_s - before.at_s, after.judged - before.judged
        self.looks = max(1, after.looks - before.looks)
        self.held_ms = (after.held - before.held) / self.looks * self.took_s * 1_000
        self.wanting = (after.wanting - before.wanting) / self.looks
        self.spent_ms = {f"{name}_ms": (spent - before.spent_s[name]) * 1_000 for name, spent in after.spent_s.items()}
        self.ran_s, self.waited_s = after.ran_s - before.ran_s, after.waited_s - before.waited_s


def _measured(marks: Sequence[_Mark], nodes: int, sessions: int, failures: int) -> Measured:
    """While sessions are taken in, some are analysed already. What that costs one is seen once nothing else happens, and the rest is intake's."""
    first, end = marks[0], marks[-1]
    intake, later, whole = _Stretch(first, marks[1]), _Stretch(marks[1], end), _Stretch(first, end)
    alone, beside = max(1, later.judged), intake.judged
    analysis = {name: spent / alone for name, spent in later.spent_ms.items() if name != "client_ms"} | {"client_ms": 0.0}
    analysis_turn_ms = later.held_ms / alone
    taking_in = {name: max(0.0, spent - beside * analysis[name]) / sessions for name, spent in intake.spent_ms.items()}
    return Measured(
        nodes=nodes, sessions=sessions, intake_s=intake.took_s, all_s=whole.took_s,
        intake=Spent(costs=Costs(**taking_in), turn_ms=max(0.0, intake.held_ms - beside * analysis_turn_ms) / sessions),
        analysis=Spent(costs=Costs(**analysis), turn_ms=analysis_turn_ms), slowness=1 + whole.waited_s / max(0.001, whole.ran_s),
        strangers=max(0.0, whole.wanting - (whole.ran_s + whole.waited_s) / whole.took_s), failures=failures,
    )  # fmt: skip


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
