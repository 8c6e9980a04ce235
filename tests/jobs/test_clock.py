"""The machine's clock is set while the server runs: nothing waits for the old time to come again."""

import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from retrospec.bench.spawned import Spawned, spawned_server
from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings
from retrospec.jobs.sweep import set_waits_right, sweep_once
from retrospec.storage import sessions
from retrospec.storage.arrivals import Arrival, land
from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate
from tests.conftest import wait_for

HOUR = timedelta(hours=1)
FAKETIME = shutil.which("faketime")
SETTINGS = {
    "REPLAY_RENDER": "off", "CONFIRMATION_CHECKER": "none", "CAPTURE_IDLE_SECONDS": "1", "CAPTURE_END_GRACE_SECONDS": "0",
    "WORKER_RETRY_MAX_SECONDS": "2", "WORKER_SWEEP_SECONDS": "0.2", "WORKER_LEASE_SECONDS": "5",
}  # fmt: skip


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path / 'retrospec.db'}"
    migrate(url)
    opened = Database.open(url)
    yield opened
    await opened.close()


async def arrive(database: Database, session_id: str, *, ahead: timedelta) -> None:
    """A session that arrived, and was rung for, when the clock was that far ahead."""
    then = utc_now() + ahead
    arrival = Arrival(
        project_id="p", session_id=session_id, site="s", route="/", started_at=then, duration_ms=1, events_object_key=f"session-events/{session_id}.json"
    )
    await database.write_soon(lambda connection: land(connection, arrival, now=then, max_markers=10))
    await database.write_soon(lambda connection: sessions.mark_rung(connection, [("p", session_id)], now=then))


async def swept(database: Database) -> list[tuple[str, str]]:
    rung: list[tuple[str, str]] = []

    async def ring(named: Sequence[tuple[str, str]]) -> None:
        rung.extend(named)

    await sweep_once(database, ring)
    return rung


async def test_set_back_an_hour_what_waited_is_due_and_rung_now(database: Database) -> None:
    await arrive(database, "s1", ahead=HOUR)
    assert await swept(database) == []
    assert await set_waits_right(database, Settings()) == 1
    assert await swept(database) == [("p", "s1")]
    assert await set_waits_right(database, Settings()) == 0


async def test_a_claim_of_before_ends_when_one_made_now_would(database: Database) -> None:
    await arrive(database, "s1", ahead=timedelta(0))
    later, settings = utc_now() + HOUR, Settings()
    lease_s = settings.worker.lease_seconds
    await database.write_soon(lambda c: sessions.claim(c, "p", "s1", owner="gone", now=later, lease_s=lease_s))
    await set_waits_right(database, settings)
    soon = utc_now() + timedelta(seconds=2 * lease_s)
    assert await database.write_soon(lambda c: sessions.claim(c, "p", "s1", owner="next", now=soon, lease_s=lease_s)) is not None


async def test_waits_that_are_meant_are_left_alone(database: Database) -> None:
    settings = Settings()
    await arrive(database, "s1", ahead=timedelta(seconds=settings.capture.idle_seconds))
    await database.write_soon(lambda c: sessions.claim(c, "p", "s1", owner="me", now=utc_now() + HOUR, lease_s=-3_590))
    assert await set_waits_right(database, settings) == 0


@contextmanager
def server_with_a_clock(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[tuple[Spawned, Path]]:
    """A server whose clock is as far off as the file says; what measures durations is left as it is."""
    clock = folder / "clock"
    clock.write_text("+0")
    given = subprocess.run([str(FAKETIME), "-m", "-f", "+0", "env"], capture_output=True, text=True, timeout=30, check=True).stdout
    preload = next(line for line in given.splitlines() if line.startswith("LD_PRELOAD="))
    patch.setenv("FAKETIME_TIMESTAMP_FILE", str(clock))
    patch.setenv("FAKETIME_NO_CACHE", "1")
    for name in ("FAKETIME_DONT_FAKE_MONOTONIC", "DONT_FAKE_MONOTONIC"):  # the newer and the older name
        patch.setenv(name, "1")
    with spawned_server(SETTINGS, folder / "data", ["env", preload, sys.executable, "-m", "retrospec"]) as server:
        yield server, clock


def chunk(session_id: str, seq: int) -> dict[str, object]:
    return {
        "v": 2, "sessionId": session_id, "tabId": "t1", "visitorId": "v1", "seq": seq, "segment": 0, "site": "Shop", "route": "/",
        "url": "https://shop.example/", "startedAt": 1_790_000_000_000, "sentAt": 1_790_000_003_000, "final": False, "dropped": [],
        "events": [{"type": 4, "timestamp": 1_790_000_000_000, "data": {"href": "https://shop.example/", "width": 800, "height": 600}}],
        "markers": [],
    }  # fmt: skip


@pytest.mark.skipif(FAKETIME is None, reason="faketime is not installed")
@pytest.mark.parametrize("jump", ["-3600", "+3600"])
def test_a_visit_in_progress_is_judged_though_the_clock_jumps_by_an_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: str) -> None:
    with (
        server_with_a_clock(tmp_path, monkeypatch) as (server, clock),
        httpx.Client(base_url=server.url, headers={"X-Retrospec-Key": server.key}, timeout=30) as http,
    ):
        assert http.post("/v2/chunks", json=chunk("s1", 0)).status_code == 202
        clock.write_text(jump)
        assert http.post("/v2/chunks", json=chunk("s2", 0)).status_code == 202

        def judged(name: str) -> bool:
            return bool(http.get(f"/v1/sessions/{name}").json()["session"]["stage"] == "done")

        wait_for(lambda: judged("s1") and judged("s2"))
