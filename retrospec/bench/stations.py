"""A queueing simulation of a load: so many senders a server, and its workers once the load is in.

A session passes its steps in order. A step is work, which needs a core and may need a station that serves one at a time (a
server's interpreter, a project's turn in PostgreSQL, the sender), or it is waiting, which needs nothing. Cores are shared
evenly by whatever is to run at a moment, strangers' programs among it.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

SLICE_MS = 2.0
"""An interpreter goes to the next in line after so long."""


class Phase(msgspec.Struct, kw_only=True, frozen=True):
    """What a session takes at each part, in ms of CPU, while it is taken in or while it is analysed."""

    web_ms: float
    """Of the server, outside a turn."""
    turn_web_ms: float
    """Of the server while it writes: nobody else writes about the project meanwhile."""
    turn_database_ms: float
    """Of the database while it writes."""
    free_ms: float
    """Of the store, and of the database while it reads: nobody waits for these."""
    client_ms: float
    wait_ms: float = 0.0
    """Of nobody: ways to and from the servers, pauses."""

    @property
    def cpu_ms(self) -> float:
        """Of all parts."""
        return self.web_ms + self.turn_web_ms + self.turn_database_ms + self.free_ms + self.client_ms


class Machine(msgspec.Struct, kw_only=True, frozen=True):
    """What everything runs on."""

    cores: int
    strangers: float
    """Other programs that want a core, on average."""
    at_once: int
    """Sessions on their way at a time, of each server: its senders', or its workers'."""


class _Step(NamedTuple):
    stations: tuple[str, ...]
    ms: float
    is_work: bool = True


class _Job:
    def __init__(self, node: int, steps: Sequence[_Step]) -> None:
        self.node = node
        self.steps = deque(steps)
        self.left_ms = self.steps[0].ms

    def next_step(self) -> None:
        """The one at hand is over."""
        self.steps.popleft()
        self.left_ms = self.steps[0].ms if self.steps else 0.0


def as_measured(phase: Phase, machine: Machine, *, sessions: int, took_ms: float) -> tuple[Phase, Machine]:
    """Both such that one simulated server takes as long as one real one did.

    It waits now and then where it would be too fast. Where it would be too slow, strangers do not press on it as much as their
    number says: they are less urgent to the system, or rest in between.
    """

    def took(wait_ms: float, share: float) -> float:
        tried = msgspec.structs.replace(phase, wait_ms=wait_ms)
        return simulate(tried, msgspec.structs.replace(machine, strangers=machine.strangers * share), nodes=1, share=sessions)

    if took(0.0, 1.0) > took_ms:
        share = _found(lambda share: took(0.0, share), took_ms, 1.0)
        return phase, msgspec.structs.replace(machine, strangers=machine.strangers * share)
    wait_ms = _found(lambda wait_ms: took(wait_ms, 1.0), took_ms, took_ms * machine.at_once / sessions)
    return msgspec.structs.replace(phase, wait_ms=wait_ms), machine


def _found(took: Callable[[float], float], took_ms: float, most: float) -> float:
    """Up to which value of 0 to ``most`` it takes no longer than ``took_ms``."""
    least = 0.0
    for _ in range(16):
        middle = (least + most) / 2
        least, most = (middle, most) if took(middle) < took_ms else (least, middle)
    return least


def simulate(phase: Phase, machine: Machine, *, nodes: int, share: int) -> float:
    """Milliseconds until every one of ``nodes`` servers is through with its ``share`` of sessions."""
    at_once = machine.at_once
    left = [share - min(share, at_once) for _ in range(nodes)]
    jobs = [_Job(node, _steps(phase, node)) for node in range(nodes) for _ in range(min(share, at_once))]
    now = 0.0
    while jobs:
        working, idle = _chosen(jobs)
        speed = min(1.0, machine.cores / (len(working) + machine.strangers)) if working else 1.0
        passed = min([job.left_ms / speed for job in working] + [job.left_ms for job in idle])
        now += passed
        for job in working:
            job.left_ms -= passed * speed
        for job in idle:
            job.left_ms -= passed
        jobs = _moved_on(jobs, phase, left)
    return now


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


def _moved_on(jobs: list[_Job], phase: Phase, left: list[int]) -> list[_Job]:
    """In the order in which they are served next: who ended a step goes to the end of the line."""
    staying: list[_Job] = []
    later: list[_Job] = []
    for job in jobs:
        if job.left_ms > 1e-9:
            staying.append(job)
            continue
        is_in_turn = job.steps[0].stations[:1] == (TURN,)
        job.next_step()
        if not job.steps and left[job.node]:
            left[job.node] -= 1
            job = _Job(job.node, _steps(phase, job.node))
        if job.steps:
            (staying if is_in_turn and job.steps[0].stations[:1] == (TURN,) else later).append(job)
    return staying + later


TURN = "turn"


def _steps(phase: Phase, node: int) -> list[_Step]:
    server = f"server {node}"
    slices = max(1, math.ceil(phase.web_ms / SLICE_MS))
    pieces = [_Step((server,), phase.web_ms / slices)] * slices
    middle = slices // 2
    found = [
        _Step(("client",), phase.client_ms), *pieces[:middle], _Step((), phase.wait_ms, is_work=False), _Step((), phase.free_ms), *pieces[middle:],
        _Step((TURN,), phase.turn_database_ms), _Step((TURN, server), phase.turn_web_ms),
    ]  # fmt: skip
    return [step for step in found if step.ms > 0]
