"""Machines whose clocks differ work over one database: nobody's claim is stolen, nobody's held for ever."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from retrospec.domain import clock
from retrospec.domain.settings import Settings
from retrospec.jobs.sweep import set_waits_right
from retrospec.storage import sessions
from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate
from tests.conftest import Client, make_key, marker, wait_for
from tests.servers.choice import in_full_run_only, large_rows_url, rows_of
from tests.servers.test_many_processes import ROOT, environment, large_settings, only_answering

TEN_MINUTES = timedelta(minutes=10)
FAKETIME = shutil.which("faketime")


@pytest.fixture
def _own_clock_again() -> Iterator[None]:
    kept = clock._kept
    clock.keep_to_own()
    yield
    clock._kept = kept


@pytest.mark.usefixtures("_own_clock_again")
async def test_a_process_over_postgres_goes_by_its_clock_and_not_the_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database.open(large_rows_url(tmp_path))
    monkeypatch.setattr(clock, "_machine_now", lambda: datetime.now(UTC) + TEN_MINUTES)
    assert await database.is_up()
    assert abs(clock.utc_now() - datetime.now(UTC)) < timedelta(minutes=1)
    assert clock.own_clock_ahead_s() == pytest.approx(600, abs=60)
    await database.close()


async def test_a_live_claim_of_a_worker_with_longer_leases_is_not_cut(tmp_path: Path) -> None:
    """Machines may have other settings: what one of them takes for too long another means."""
    url = large_rows_url(tmp_path)
    migrate(url)
    database, patient = Database.open(url), Settings()
    patient.worker.lease_seconds = 600
    held = insert_session(url, "s", lease_s=patient.worker.lease_seconds)
    assert await set_waits_right(database, Settings()) == 0
    later = clock.utc_now() + timedelta(seconds=300)
    claimed = await database.write_soon(lambda connection: sessions.claim(connection, "proj_default", "s", owner="thief", now=later, lease_s=60))
    assert claimed is None
    assert lease_of(url, "s") == held
    await database.close()


def insert_session(url: str, session_id: str, *, lease_s: float) -> int:
    """A session due for analysis and held by somebody else, by the database's clock; until when (ms)."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(
            "INSERT INTO sessions (project_id, id, site, route, started_at, duration_ms, events_object_key, created_at, updated_at, stage, not_before,"
            " lease_owner, lease_until, attempt) SELECT 'proj_default', %s, 'x', '/', now, 1, 'none', now, now, 'analysis', now - 1000, 'other', now + %s, 1"
            " FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) AS clock RETURNING lease_until",
            (session_id, round(lease_s * 1000)),
        ).fetchone()
    assert row is not None
    return int(row[0])


def lease_of(url: str, session_id: str) -> int | None:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT lease_until FROM sessions WHERE id = %s", (session_id,)).fetchone()
    return row[0] if row else None


@contextmanager
def working_at_another_time(settings: Settings, minutes: int) -> Iterator["subprocess.Popen[str]"]:
    """``retrospec worker`` on a machine whose clock is that far off; what measures durations is right."""
    given = subprocess.run([str(FAKETIME), "-f", "+0", "env"], capture_output=True, text=True, timeout=30, check=True).stdout
    preload = next(line for line in given.splitlines() if line.startswith("LD_PRELOAD="))
    off = {"FAKETIME": f"{minutes:+d}m", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
    command = ["env", preload, sys.executable, "-m", "retrospec", "worker", "--concurrency", "1", "--data", str(settings.data_dir)]
    program = subprocess.Popen(
        command, env=environment(settings) | off | {"RETROSPEC_SERVER_LOG_LEVEL": "warning", "PYTHONPATH": str(ROOT)}, cwd=settings.data_dir.parent,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        assert program.stdout is not None
        while "works with 1 threads" not in (line := program.stdout.readline()):
            assert line, "the worker ended"
        yield program
    finally:
        program.kill()
        program.communicate()


@in_full_run_only
@pytest.mark.skipif(FAKETIME is None, reason="faketime is not installed")
@pytest.mark.parametrize("minutes", [10, -10])
def test_a_worker_ten_minutes_off_leaves_live_claims_takes_over_dead_ones_and_judges(tmp_path: Path, minutes: int) -> None:
    door = large_settings(tmp_path / "a", tmp_path)
    key, url = make_key(door), door.database_url
    until = insert_session(url, "alive", lease_s=120)
    insert_session(url, "dead", lease_s=3)
    with only_answering(door) as server, working_at_another_time(large_settings(tmp_path / "b", tmp_path), minutes) as worker:
        client = Client(server, key)
        assert client.send("s1", marker()).status_code == 202
        assert client.judged("s1")["reportCard"]["status"] == "ready"
        wait_for(lambda: rows_of(door, "SELECT attempt FROM sessions WHERE id = 'dead'") != [(1,)])
        assert lease_of(url, "alive") == until
        assert rows_of(door, "SELECT lease_owner, attempt FROM sessions WHERE id = 'alive'") == [("other", 1)]
        ((written,),) = rows_of(door, "SELECT updated_at FROM sessions WHERE id = 's1'")
        assert abs(written / 1000 - time.time()) < 60
        worker.terminate()
        assert worker.stdout is not None
        assert "own_clock_is_off" in worker.stdout.read()
        client.http.close()
