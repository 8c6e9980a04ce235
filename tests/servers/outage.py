"""``python -m tests.servers.outage``: PostgreSQL stopped for 30 s, the S3 server stopped for 30 s, each of four processes killed.

Two servers and two workers run over both, visitors come all the while, and what their browsers could not hand over they
send again as the SDK does. At the end it is counted what came and what is there: 1 when anything is lost or doubled.
"""

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psycopg

from retrospec.bench.crash_count import DOUBLED
from retrospec.bench.figures import Figure, counted
from retrospec.bench.spawned import free_port, is_healthy
from retrospec.domain.settings import Settings
from tests.conftest import make_key
from tests.servers.programs import postgres, s3
from tests.servers.test_many_processes import environment, large_settings
from tests.servers.visitors import CHUNKS, EVENTS, Told, Visitors

START_S, JUDGED_S = 90.0, 300.0
STEPS = 9
"""How often ``outages`` tells what it does: twice an outage, once a process that is killed, once at the end."""
QUERIES = {
    "sessions": "SELECT count(*) FROM sessions",
    "chunks": "SELECT count(*) FROM chunks",
    "markers": "SELECT count(*) FROM markers WHERE source = 'sdk'",
    "unfinished": "SELECT count(*) FROM sessions WHERE stage NOT IN ('done', 'dead')",
    "dead": "SELECT count(*) FROM sessions WHERE stage = 'dead'",
    "hourly markers": "SELECT (SELECT sum(marker_count) FROM kind_hours) - (SELECT count(*) FROM markers WHERE source <> 'sdk')",
}


class Count(msgspec.Struct, kw_only=True):
    """The account of a run."""

    visits: int
    chunks_taken: int
    refused_politely: int
    unreachable: int
    wrong_answers: dict[str, int]
    most_spooled: int
    drained_s: dict[str, float]
    """How long after each end of trouble the last browser had nothing left to send."""
    lost: list[str]
    doubled: list[str]
    unfinished: int
    dead: int
    issue_sessions: int
    sentences: dict[str, int]

    @property
    def is_clean(self) -> bool:
        """Nothing lost, doubled, left over or answered rudely."""
        return not (self.lost or self.doubled or self.wrong_answers or self.unfinished or self.dead) and self.issue_sessions == self.visits

    def figures(self) -> list[Figure]:
        """For ``retrospec bench all``: what was asked for and what was reached."""
        drained = ", ".join(f"{seconds:.0f} s after {name} was back" for name, seconds in self.drained_s.items())
        miscounted = abs(self.visits - self.issue_sessions)
        return [
            Figure(name="lost", goal="0", reached=str(len(self.lost)), is_met=not self.lost, beside="; ".join(self.lost[:3]) or f"of {self.visits} visits"),
            Figure(name="doubled", goal="0", reached=str(len(self.doubled)), is_met=not self.doubled, beside="; ".join(self.doubled[:3])),
            counted("sessions that the issue counts too many or too few", "0", miscounted),
            counted("sessions without a report, or given up", "0", self.unfinished + self.dead),
            counted("answers that were neither 202 nor 503 with Retry-After", "0", sum(self.wrong_answers.values())),
            Figure(name="answers 503 with Retry-After", reached=str(self.refused_politely), goal=">= 1", is_met=self.refused_politely > 0),
            Figure(name="browsers' spools drained", reached=drained, beside=f"at most {self.most_spooled} chunks waited"),
        ]  # fmt: skip


class Cluster:
    """Two servers and two workers as processes of their own; one that was killed is started again, as a service manager does."""

    def __init__(self, folder: Path) -> None:
        self._settings: dict[str, Settings] = {name: large_settings(folder / name, folder) for name in ("web-1", "web-2", "worker-1", "worker-2")}
        self._ports = {name: free_port() for name in ("web-1", "web-2")}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.key = make_key(self._settings["web-1"])
        self.rows_url = self._settings["web-1"].database_url

    @property
    def urls(self) -> list[str]:
        """Of both servers."""
        return [f"http://127.0.0.1:{port}" for port in self._ports.values()]

    def start(self, name: str) -> None:
        """One of them; a worker is not waited for."""
        settings = self._settings[name]
        words = ["serve", "--no-worker", "--port", str(self._ports[name])] if name in self._ports else ["worker", "--concurrency", "1"]
        command = [sys.executable, "-m", "retrospec", *words, "--data", str(settings.data_dir)]
        with (settings.data_dir.parent / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(command, env=environment(settings), cwd=settings.data_dir.parent, stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        """With SIGKILL."""
        self._running[name].send_signal(signal.SIGKILL)
        self._running[name].wait()

    @contextmanager
    def running(self) -> Iterator[None]:
        """All four, and both servers answer."""
        with ExitStack() as stack:
            for name in self._settings:
                self.start(name)
                stack.callback(lambda name=name: self.kill(name))
            self.await_health()
            yield

    def await_health(self) -> None:
        """Until both servers answer."""
        until = time.monotonic() + START_S
        while not all(is_healthy(url) for url in self.urls):
            assert time.monotonic() < until, "the servers did not come up"
            time.sleep(0.1)


async def outages(cluster: Cluster, *, seconds: float, a_second: float, note: Any) -> Count:
    """All troubles one after the other while visitors come; then the count."""
    visitors, drained_s = Visitors(cluster.urls, cluster.key, a_second=a_second), {}
    coming = asyncio.create_task(visitors.come())
    await asyncio.sleep(3)
    for name, server in (("PostgreSQL", postgres()), ("the S3 server", s3())):
        note(f"{name} is stopped for {seconds:g} s")
        await asyncio.to_thread(server.stop)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(server.start)
        drained_s[name] = await _drained_s(visitors, {f"visit-{number:05}" for number in range(len(visitors.names))})
        note(f"{name} is back; what browsers held of that time was taken after {drained_s[name]:.0f} s")
    for name in ("web-1", "worker-1", "web-2", "worker-2"):
        note(f"{name} is killed, and started again")
        await asyncio.to_thread(cluster.kill, name)
        await asyncio.sleep(min(3.0, seconds))
        cluster.start(name)
        await asyncio.to_thread(cluster.await_health)
        await asyncio.sleep(2)
    visitors.stop()
    await coming
    note("no more visitors; every browser handed everything over")
    await asyncio.to_thread(await_judged, cluster)
    return await asyncio.to_thread(count_up, cluster, visitors, drained_s)


async def _drained_s(visitors: Visitors, names: set[str]) -> float:
    """Until everything of the visits that had begun was taken."""
    began = time.monotonic()
    while any((name, CHUNKS - 1) not in visitors.taken for name in names):  # noqa: ASYNC110 (a look at a set)
        await asyncio.sleep(0.1)
    return round(time.monotonic() - began, 1)


def await_judged(cluster: Cluster) -> None:
    """Until every session has its final status, or it took too long."""
    until = time.monotonic() + JUDGED_S
    while time.monotonic() < until and asked(cluster.rows_url, QUERIES["unfinished"]):
        time.sleep(0.5)


def asked(url: str, query: str) -> int:
    """The one number that a query answers."""
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()  # type: ignore[call-overload]
    return int(row[0])


def count_up(cluster: Cluster, visitors: Visitors, drained_s: dict[str, float]) -> Count:
    """What was sent against what is there, by the database's word and by reading every recording through a server."""
    told: Told = visitors.told
    there = {name: asked(cluster.rows_url, query) for name, query in QUERIES.items()}
    visits = len(visitors.names)
    meant = {"sessions": visits, "chunks": visits * CHUNKS, "markers": visits, "hourly markers": visits}
    lost = [f"{meant[name] - there[name]} {name}" for name in meant if there[name] < meant[name]]
    doubled = [f"{there[name] - meant[name]} {name}" for name in meant if there[name] > meant[name]]
    doubled += [name for name, query in DOUBLED.items() if asked(cluster.rows_url, query)]
    with httpx.Client(base_url=cluster.urls[1], headers={"X-Retrospec-Key": cluster.key}, timeout=60) as http:
        for name in visitors.names:
            events = http.get(f"/v1/sessions/{name}/events").json().get("events", [])
            if len(events) != CHUNKS * EVENTS:
                (lost if len(events) < CHUNKS * EVENTS else doubled).append(f"{name} has {len(events)} of {CHUNKS * EVENTS} events")
        issues = http.get("/v1/issues").json()["issues"]
    return Count(
        visits=visits, chunks_taken=told.taken, refused_politely=told.refused_politely, unreachable=told.unreachable,
        wrong_answers=dict(told.wrong), most_spooled=told.most_spooled, drained_s=drained_s, lost=lost, doubled=doubled,
        unfinished=there["unfinished"], dead=there["dead"], issue_sessions=max((issue["sessionCount"] for issue in issues), default=0),
        sentences=dict(told.sentences.most_common(8)),
    )  # fmt: skip


def run(folder: Path, *, seconds: float, a_second: float, note: Any = lambda _said: None) -> Count:
    """Everything, over servers of our own."""
    cluster = Cluster(folder)
    with cluster.running():
        return asyncio.run(outages(cluster, seconds=seconds, a_second=a_second, note=note))


def main() -> int:
    """1 when anything was lost, doubled or left over."""
    asking = argparse.ArgumentParser(prog="python -m tests.servers.outage", description=__doc__)
    asking.add_argument("--seconds", type=float, default=30.0, help="how long each server stays away")
    asking.add_argument("--a-second", type=float, default=3.0, help="visits that begin in a second")
    given = asking.parse_args()
    began = time.monotonic()

    def note(said: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:6.1f} s  {said}\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory(prefix="retrospec-outage-") as folder:
        count = run(Path(folder), seconds=given.seconds, a_second=given.a_second, note=note)
    sys.stdout.write(json.dumps(msgspec.to_builtins(count), indent=2) + "\n")
    sys.stdout.write("nothing lost, nothing doubled\n" if count.is_clean else "NOT CLEAN\n")
    return 0 if count.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
