"""A queueing simulation of a closed load: so many senders, each with one session on its way at a time.

A session passes its stations in order: the sender, its server (one interpreter each), the store, the writers' turn in
PostgreSQL (one at a time within a project). Whatever runs needs one of the cores, which all share, for a slice at a time.
"""

import heapq
from collections import Counter, deque
from typing import NamedTuple

import msgspec

SLICE_MS = 2.0


class Costs(msgspec.Struct, kw_only=True, frozen=True):
    """CPU a session takes at each part, in ms, and the cores that were to be had."""

    web_ms: float
    database_ms: float
    store_ms: float
    client_ms: float
    cores: float


class _Step(NamedTuple):
    station: str
    ms: float


def simulate(costs: Costs, *, nodes: int, sessions: int, concurrency: int) -> float:
    """Sessions a second of ``nodes`` servers on these cores, until the last one is done."""
    run = _Run(costs, nodes)
    senders = min(concurrency, sessions)
    run.left = sessions - senders
    for sender in range(senders):
        run.ready.append(run.session(sender % nodes))
    return sessions * 1_000 / run.until_done()


class _Run:
    def __init__(self, costs: Costs, nodes: int) -> None:
        self._costs, self._nodes = costs, nodes
        self.ready: deque[list[_Step]] = deque()
        self.left = 0
        self._busy: Counter[str] = Counter()
        self._ends: list[tuple[float, int, list[_Step]]] = []
        self._count = 0

    def session(self, node: int) -> list[_Step]:
        """Its steps, the last first."""
        costs = self._costs
        return [
            _Step("turn", costs.database_ms), _Step("store", costs.store_ms), _Step(f"web {node}", costs.web_ms), _Step("client", costs.client_ms),
        ]  # fmt: skip

    def until_done(self) -> float:
        """Milliseconds."""
        now, node = 0.0, 0
        while self.ready or self._ends:
            self._start(now)
            now, _, steps = heapq.heappop(self._ends)
            self._busy[steps[-1].station] -= 1
            ms = steps[-1].ms - SLICE_MS
            steps[-1:] = [_Step(steps[-1].station, ms)] if ms > 0 else []
            if not steps and self.left:
                self.left, node = self.left - 1, (node + 1) % self._nodes
                steps = self.session(node)
            if steps:
                self.ready.append(steps)
        return now

    def _start(self, now: float) -> None:
        """Give cores to whoever waits longest and whose station is free. A part of a core makes all of them slower."""
        cores = max(1, round(self._costs.cores))
        speed = self._costs.cores / cores
        for _ in range(len(self.ready)):
            if len(self._ends) >= cores:
                return
            steps = self.ready.popleft()
            if self._is_free(steps[-1].station):
                self._busy[steps[-1].station] += 1
                self._count += 1
                heapq.heappush(self._ends, (now + min(steps[-1].ms, SLICE_MS) / speed, self._count, steps))
            else:
                self.ready.append(steps)

    def _is_free(self, station: str) -> bool:
        return self._busy[station] == 0 or station == "store"
