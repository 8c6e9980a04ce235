"""The crash matrix: a real server under load is stopped at every named point and at random ones; then it is counted
whether anything accepted is missing or was counted twice.

One data folder lives through all kills. Senders repeat what was not answered, as the SDK does.
"""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec

from retrospec.bench.breaking import EXIT_CODE
from retrospec.bench.crash_count import Accepted, Count, count_up, unfinished
from retrospec.bench.spawned import Spawned, create_key, free_port, is_healthy, stop

SETTINGS = {
    "LIMITS_REQUESTS_PER_SECOND": "0",
    "CAPTURE_IDLE_SECONDS": "1",
    "CAPTURE_END_GRACE_SECONDS": "0",
    "WORKER_SWEEP_SECONDS": "0.2",
    "WORKER_RETRY_BASE_SECONDS": "0.05",
    "WORKER_RETRY_MAX_SECONDS": "1",
    "WORKER_MAX_ATTEMPTS": "20",
    "WORKER_LEASE_SECONDS": "10",
    "SERVER_LOG_LEVEL": "error",
}
"""Many attempts: the same session may be the one in hand at kill after kill."""
SENDERS = 4
VISITS_A_LIFE = 10
START_DEADLINE_S = 60.0
LIFE_S = 6.0
"""A named point not passed within this time is noted as not reached; the server is then killed anyway."""
REFUSED_LIFE_S = 2.5
BETWEEN_ROUNDS_S = 1.0
LONG_LIFE_S, LONG_LIVES = 30.0, 3
"""For a point that was not reached: on a busy machine a life may be over before the server comes to it."""
SETTLE_DEADLINE_S = 90.0
LABELS = ("TypeError: cart is undefined", "RangeError: too deep", "SyntaxError: no such token")
STARTED_MS = int(time.time() * 1_000) - 3 * 3_600_000
"""When the first visit began: some hours ago, so that retention leaves all of them."""


class Break(msgspec.Struct, frozen=True):
    """One way for a server's life to end. ``point`` empty: SIGKILL ``after_s`` seconds after it was healthy."""

    point: str = ""
    how: str = "exit"
    hit: int = 1
    after_s: float = 0.0
    lasts_s: float = 0.0
    """0: ``LIFE_S``."""


class Matrix(msgspec.Struct, kw_only=True):
    """What the matrix found."""

    points: list[str] = []
    kills: int = 0
    random_kills: int = 0
    refusals: int = 0
    not_reached: list[str] = []
    copies_checked: int = 0
    copies_damaged: int = 0
    count: Count = msgspec.field(default_factory=Count)
    elapsed_s: float = 0.0

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, doubled, left over or damaged."""
        return self.count.is_clean and self.copies_damaged == 0


Progress = Callable[[str, int, int], None]


class Visits:
    """Sends visits and keeps what was accepted; what was not is sent again in the server's next life."""

    def __init__(self) -> None:
        self.accepted = Accepted()
        self._unanswered: list[int] = []
        self._next = 0
        self._turn = threading.Lock()

    def life(self, url: str, key: str, is_over: threading.Event, fresh: int) -> None:
        """Send what is open and ``fresh`` new ones, in several threads, until done or over."""
        with self._turn:
            todo = self._unanswered + list(range(self._next, self._next + fresh))
            self._next += fresh
            self._unanswered = []
        threads = [
            threading.Thread(target=self._send_all, args=(url, key, todo, is_over), daemon=True) for _ in range(SENDERS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._unanswered += todo

    def unanswered(self) -> list[str]:
        """Visits that are still to be sent again."""
        return [f"crash-{number}" for number in self._unanswered]

    def _send_all(self, url: str, key: str, todo: list[int], is_over: threading.Event) -> None:
        with httpx.Client(base_url=url, headers={"X-Retrospec-Key": key}, timeout=10) as http:
            while not is_over.is_set():
                with self._turn:
                    if not todo:
                        return
                    number = todo.pop(0)
                if not self._send(http, number):
                    with self._turn:
                        self._unanswered.append(number)

    def _send(self, http: httpx.Client, number: int) -> bool:
        try:
            return self._send_v1(http, number) if number % 2 else self._send_v2(http, number)
        except httpx.TransportError:
            return False

    def _send_v1(self, http: httpx.Client, number: int) -> bool:
        name = f"crash-{number}"
        body = {"sessionId": name, "site": "Shop", "events": _events(number, 0)}
        uploaded = http.post("/v1/artifacts/session-events", json=body)
        if uploaded.status_code != 201:
            return False
        about = {
            "id": name, "site": "Shop", "route": "/", "startedAt": datetime.fromtimestamp(STARTED_MS / 1_000, UTC).isoformat(), "durationMs": 5_000,
            "eventsObjectKey": uploaded.json()["eventsObjectKey"],
        }  # fmt: skip
        marker = {
            "id": f"{name}-m", "clusterKey": "", "label": LABELS[number % len(LABELS)], "replayOffsetMs": 1_200,
            "kind": "js_exception",
        }  # fmt: skip
        is_kept = http.post("/v1/ingest/session", json={"session": about, "markers": [marker]}).status_code == 202
        if is_kept:
            self.accepted.note(name, [f"{name}-m"], 1)
        return is_kept

    def _send_v2(self, http: httpx.Client, number: int) -> bool:
        name = f"crash-{number}"
        for seq in (0, 1):
            answer = http.post("/v2/chunks", json=_chunk(name, number, seq))
            if answer.status_code != 202:
                return False
            self.accepted.note(name, [f"{name}-m{seq}"], seq + 1)
        return True


def _events(number: int, seq: int) -> list[dict[str, object]]:
    at = STARTED_MS + number * 10_000 + seq * 2_000
    return [{"type": 4, "timestamp": at, "data": {"href": "https://shop.example/", "width": 800, "height": 600}},
            {"type": 5, "timestamp": at + 500, "data": {"tag": "note", "payload": {}}}]  # fmt: skip


def _chunk(name: str, number: int, seq: int) -> dict[str, object]:
    started = STARTED_MS + number * 10_000
    return {
        "v": 2, "sessionId": name, "tabId": "t1", "visitorId": f"visitor-{number}", "seq": seq, "segment": 0, "site": "Shop",
        "route": "/", "url": "https://shop.example/", "startedAt": started, "sentAt": started + 3_000 * (seq + 1),
        "events": _events(number, seq), "final": seq == 1, "dropped": [],
        "markers": [{"id": f"{name}-m{seq}", "at": started + 1_200 + 900 * seq, "kind": "js_exception",
                     "label": LABELS[number % len(LABELS)], "evidence": {}}],
    }  # fmt: skip


class CrashRun:
    """One data folder and the lives of the servers over it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.matrix = Matrix()
        self.visits = Visits()
        self._folder = folder
        self._data = folder / "data"
        self._seen = folder / "points.txt"
        self._rng = random.Random(seed)
        self._key = ""

    def survey(self) -> list[str]:
        """Live once without a break; the points that were passed."""
        server = self._start({"BREAK_LOG": str(self._seen)})
        self._key = create_key(self._data, SETTINGS)
        over = threading.Event()
        for _ in range(2):
            self.visits.life(server.url, self._key, over, VISITS_A_LIFE)
            self._ask_for_cleanup(server.url)
        self._await_settled(server)
        stop(server.process)
        self.matrix.points = sorted(set(self._seen.read_text(encoding="utf-8").splitlines()))
        return self.matrix.points

    def live(self, ending: Break) -> None:
        """One life that ends as told."""
        told = {"BREAK_AT": ending.point, "BREAK_HIT": str(ending.hit), "BREAK_HOW": ending.how} if ending.point else {}
        server = self._start(told)
        over = threading.Event()
        sending = threading.Thread(target=self._load, args=(server, over), daemon=True)
        sending.start()
        self._end(server, ending)
        over.set()
        sending.join()
        self._check_copy()

    def try_again(self, point: str) -> None:
        """Live on until ``point`` is reached, a few times and long."""
        for _ in range(LONG_LIVES):
            if point not in self.matrix.not_reached:
                return
            self.matrix.not_reached = [each for each in self.matrix.not_reached if each != point]
            self.live(Break(point, lasts_s=LONG_LIFE_S))

    def _load(self, server: Spawned, over: threading.Event) -> None:
        """Visits and a clean-up, again and again until the life is over: a point passed once in the survey comes again."""
        while server.process.poll() is None and not over.is_set():
            self.visits.life(server.url, self._key, over, VISITS_A_LIFE)
            self._ask_for_cleanup(server.url)
            over.wait(BETWEEN_ROUNDS_S)

    def _ask_for_cleanup(self, url: str) -> None:
        try:
            httpx.post(f"{url}/v1/maintenance/cleanup", headers={"X-Retrospec-Key": self._key}, timeout=10)
        except httpx.TransportError:
            return  # it died before or meanwhile, as it was meant to

    def _end(self, server: Spawned, ending: Break) -> None:
        lasts_s = ending.lasts_s or ({"exit": LIFE_S, "refuse": REFUSED_LIFE_S}[ending.how] if ending.point else ending.after_s)
        deadline = time.monotonic() + lasts_s
        while time.monotonic() < deadline and server.process.poll() is None:
            time.sleep(0.01)
        died_by_itself = server.process.poll() == EXIT_CODE
        server.process.kill()
        server.process.wait()
        if ending.point and ending.how == "refuse":
            self.matrix.refusals += 1
        elif ending.point and not died_by_itself:
            self.matrix.not_reached.append(ending.point)
        self.matrix.kills += 1
        self.matrix.random_kills += not ending.point

    def _start(self, told: dict[str, str]) -> Spawned:
        port = free_port()
        named = {f"RETROSPEC_{name}": value for name, value in SETTINGS.items()}
        log_path = self._folder / "server.log"
        with log_path.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "retrospec.bench.breaking", "serve", "--data", str(self._data), "--host", "127.0.0.1", "--port", str(port)],
                env={**os.environ, "PYTHONFAULTHANDLER": "1", **named, **told}, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        server = Spawned(f"http://127.0.0.1:{port}", "", process, self._data, log_path)
        deadline = time.monotonic() + START_DEADLINE_S
        while time.monotonic() < deadline and process.poll() is None and not is_healthy(server.url):
            time.sleep(0.02)
        may_not_start = told.get("BREAK_HOW") == "refuse"  # refused at its start, it ends, and the next life begins
        if process.poll() not in (None, EXIT_CODE) and not may_not_start:
            raise RuntimeError(f"the server did not start again: {_how_it_ended(server)}")
        return server

    def _check_copy(self) -> None:
        """The database's files as the dead left them, copied, must open whole."""
        with tempfile.TemporaryDirectory(dir=self._folder) as scratch:
            for name in ("retrospec.db", "retrospec.db-wal"):
                if (self._data / name).exists():
                    shutil.copy(self._data / name, scratch)
            with closing(sqlite3.connect(Path(scratch) / "retrospec.db")) as copy:
                is_whole = copy.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        self.matrix.copies_checked += 1
        self.matrix.copies_damaged += not is_whole

    def settle(self) -> None:
        """A last, whole life: everything not yet accepted is sent, everything is judged; then count."""
        server = self._start({})
        self.visits.life(server.url, self._key, threading.Event(), 0)
        self._await_settled(server)
        stop(server.process)
        self.matrix.count = count_up(self._data, self.visits.accepted)

    def _await_settled(self, server: Spawned) -> None:
        deadline = time.monotonic() + SETTLE_DEADLINE_S
        while left := unfinished(self._data):
            if server.process.poll() is not None:
                raise RuntimeError(f"the server ended by itself: {_how_it_ended(server)}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{len(left)} sessions have no final status after {SETTLE_DEADLINE_S:.0f} s:\n" + "\n".join(left[:5]))
            time.sleep(0.1)


def _how_it_ended(server: Spawned) -> str:
    end = server.log_path.read_text(errors="replace")[-4_000:]
    return f"exit code {server.process.returncode}; its log ends:\n{end}"


def endings(points: list[str], kills: int, rng: random.Random) -> list[Break]:
    """Every point once by exit; every "before" once more by refusal; random SIGKILLs up to ``kills`` in all."""
    plan = [Break(point, "exit", rng.randint(1, 3) if "commit" in point else 1) for point in points]
    plan += [Break(point, "refuse") for point in points if point.endswith(": before")]
    missing = max(0, kills - len(points))
    plan += [Break(after_s=rng.uniform(0.0, 1.5)) for _ in range(missing)]
    rng.shuffle(plan)
    return plan


def run_matrix(kills: int, *, seed: int, progress: Progress, points: Callable[[str], bool] = bool) -> Matrix:
    """Kill a server ``kills`` times at least; ``points`` chooses among the named ones. About 2 s a kill."""
    started, rng = time.monotonic(), random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="retrospec-crash-") as scratch:
        run = CrashRun(Path(scratch), seed)
        plan = endings([point for point in run.survey() if points(point)], kills, rng)
        # Ctrl-C ends the killing, not the account of it.
        with suppress(KeyboardInterrupt):
            for number, ending in enumerate(plan, start=1):
                run.live(ending)
                progress("kills", number, len(plan))
            for point in sorted(set(run.matrix.not_reached)):
                run.try_again(point)
        run.settle()
    run.matrix.elapsed_s = round(time.monotonic() - started, 1)
    return run.matrix
