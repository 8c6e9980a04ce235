"""A queueing simulation of a load: so many senders a server, and workers that analyse what was taken in, as it comes.

A session passes its steps in order. A step is work, which needs a core and may need a station that serves one at a time (a
process's interpreter, a project's turn in PostgreSQL, the sender), or it is waiting, which needs nothing. Cores are shared
evenly by whatever is to run at a moment, strangers' programs among it.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

SLICE_MS = 2.0
"""An interpreter goes to the next in line after so long."""
CLOSE_MS = 1e-9


class Phase(msgspec.Struct, kw_only=True, frozen=True):
    """What a session takes at each part, in ms of CPU, while it is taken in or while it is analysed."""

    web_ms: float
    """Of the server or worker, outside a turn."""
    turn_web_ms: float
    """Of the server or worker while it writes: nobody else writes about the project meanwhile."""
    turn_database_ms: float
    """Of the database while it writes."""
    free_ms: float
    """Of the store, and of the database while it reads: nobody waits for these."""
    client_ms: float = 0.0
    wait_ms: float = 0.0
    """Of nobody: ways to and from the servers, pauses."""


class Load(msgspec.Struct, kw_only=True, frozen=True):
    """What becomes of each session, and how many there are."""

    intake: Phase
    analysis: Phase
    sessions: int
    """Of each server."""
    senders: int
    """Of each server, one session at a time each."""
    threads: int
    """That analyse, of each server or of the worker beside it."""
    is_apart: bool = False
    """Whether a worker beside each server analyses, with an interpreter of its own."""


class Machine(msgspec.Struct, kw_only=True, frozen=True):
    """What everything runs on."""

    cores: int
    strangers: float
    """Other programs that want a core, on average."""


class Took(NamedTuple):
    """Milliseconds until every session was taken in, and until each had its report."""

    intake_ms: float
    all_ms: float


class _Step(NamedTuple):
    stations: tuple[str, ...]
    ms: float
    is_work: bool = True


class _Job:
    def __init__(self, node: int, steps: Sequence[_Step], *, is_intake: bool) -> None:
        self.node, self.is_intake = node, is_intake
        self.steps = deque(steps)
        self.left_ms = self.steps[0].ms

    def next_step(self) -> None:
        """The one at hand is over."""
        self.steps.popleft()
        self.left_ms = self.steps[0].ms if self.steps else 0.0

    @property
    def is_in_turn(self) -> bool:
        """Whether it writes about the project."""
        return bool(self.steps) and TURN in self.steps[0].stations


TURN = "turn"


class _Run:
    """One run from the first request to the last report."""

    def __init__(self, load: Load, nodes: int) -> None:
        self.load = load
        self.unsent = [load.sessions] * nodes
        self.taken_in = 0
        self.free_threads = [load.threads] * nodes
        self.left_to_take_in = load.sessions * nodes
        self.jobs: list[_Job] = []
        for node in range(nodes):
            for _ in range(load.senders):
                self._send(node)

    def _send(self, node: int) -> None:
        if self.unsent[node]:
            self.unsent[node] -= 1
            self.jobs.append(_Job(node, _intake_steps(self.load.intake, node), is_intake=True))

    def _ring(self) -> None:
        """Whoever has a thread free takes the next session; the emptiest worker first."""
        while self.taken_in and max(self.free_threads):
            node = self.free_threads.index(max(self.free_threads))
            self.taken_in, self.free_threads[node] = self.taken_in - 1, self.free_threads[node] - 1
            self.jobs.append(_Job(node, _analysis_steps(self.load, node), is_intake=False))

    def move_on(self) -> None:
        """In the order in which they are served next: who ended a step goes to the end of the line."""
        staying: list[_Job] = []
        later: list[_Job] = []
        ended: list[_Job] = []
        for job in self.jobs:
            if job.left_ms > CLOSE_MS:
                staying.append(job)
                continue
            was_in_turn = job.is_in_turn
            job.next_step()
            (ended if not job.steps else staying if was_in_turn and job.is_in_turn else later).append(job)
        self.jobs = staying + later
        for job in ended:
            if job.is_intake:
                self.taken_in, self.left_to_take_in = self.taken_in + 1, self.left_to_take_in - 1
                self._send(job.node)
            else:
                self.free_threads[job.node] += 1
        self._ring()


def simulate(load: Load, machine: Machine, *, nodes: int) -> Took:
    """How long ``nodes`` servers take for their sessions."""
    run, now, intake_ms = _Run(load, nodes), 0.0, 0.0
    while run.jobs:
        working, idle = _chosen(run.jobs)
        speed = min(1.0, machine.cores / (len(working) + machine.strangers)) if working else 1.0
        passed = min([job.left_ms / speed for job in working] + [job.left_ms for job in idle])
        now += passed
        for job in working:
            job.left_ms -= passed * speed
        for job in idle:
            job.left_ms -= passed
        run.move_on()
        if not intake_ms and not run.left_to_take_in:
            intake_ms = now
    return Took(intake_ms, now)


def as_measured(load: Load, machine: Machine, took: Took) -> tuple[Load, Machine]:
    """Both such that one simulated server takes as long as one real one did.

    Sessions wait now and then where it would be too fast, when they are taken in or when they are analysed. Where it would be
    too slow all the same, strangers do not press on it as much as their number says: they are less urgent to the system.
    """
    if simulate(load, machine, nodes=1).all_ms > took.all_ms:
        pressed = machine.strangers

        def among(share: float) -> Machine:
            return msgspec.structs.replace(machine, strangers=pressed * share)

        share = _found(lambda share: simulate(load, among(share), nodes=1).all_ms, took.all_ms, 1.0)
        return load, among(share)
    for _ in range(2):  # each changes a little what the other has to be
        load = _waiting(load, machine, "intake", lambda tried: tried.intake_ms, took.intake_ms)
        load = _waiting(load, machine, "analysis", lambda tried: tried.all_ms, took.all_ms)
    return load, machine


def _waiting(load: Load, machine: Machine, phase: str, of: Callable[[Took], float], took_ms: float) -> Load:
    def with_wait(wait_ms: float) -> Load:
        changed = msgspec.structs.replace(getattr(load, phase), wait_ms=wait_ms)
        return msgspec.structs.replace(load, **{phase: changed})

    at_once = load.senders if phase == "intake" else load.threads
    most_ms = took_ms * at_once / load.sessions
    return with_wait(_found(lambda wait_ms: of(simulate(with_wait(wait_ms), machine, nodes=1)), took_ms, most_ms))


def _found(took: Callable[[float], float], took_ms: float, most: float) -> float:
    """Up to which value of 0 to ``most`` it takes no longer than ``took_ms``."""
    least = 0.0
    for _ in range(12):
        middle = (least + most) / 2
        least, most = (middle, most) if took(middle) < took_ms else (least, middle)
    return least


def _chosen(jobs: Sequence[_Job]) -> tuple[list[_Job], list[_Job]]:
    """Those at work now, who came first to their stations, and those that wait for nobody."""
    working, idle, taken = [], [], set[str]()
    for job in jobs:
        step = job.steps[0]
        if not step.is_work:
            idle.append(job)
        elif taken.isdisjoint(step.stations):
            working.append(job)
        taken.update(step.stations)
    return working, idle


def _intake_steps(phase: Phase, node: int) -> list[_Step]:
    return _worth_a_step([_Step(("client",), phase.client_ms), *_steps(phase, f"server {node}")])


def _analysis_steps(load: Load, node: int) -> list[_Step]:
    return _worth_a_step(_steps(load.analysis, f"worker {node}" if load.is_apart else f"server {node}"))


def _steps(phase: Phase, interpreter: str) -> list[_Step]:
    slices = max(1, math.ceil(phase.web_ms / SLICE_MS))
    pieces = [_Step((interpreter,), phase.web_ms / slices)] * slices
    middle = slices // 2
    return [
        *pieces[:middle], _Step((), phase.wait_ms, is_work=False), _Step((), phase.free_ms), *pieces[middle:],
        _Step((TURN,), phase.turn_database_ms), _Step((TURN, interpreter), phase.turn_web_ms),
    ]  # fmt: skip


def _worth_a_step(steps: list[_Step]) -> list[_Step]:
    """Without those that take no time; a session that takes none at all has one that is over at once."""
    return [step for step in steps if step.ms > 0] or [_Step((), 0.0, is_work=False)]
