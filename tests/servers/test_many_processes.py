"""Servers that only answer and workers that only work, over one PostgreSQL and one S3 store."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from retrospec.domain.settings import Settings
from retrospec.serving import RunningServer
from retrospec.storage.nodes import Role
from tests.conftest import Client, make_key, marker, serving, settings_for, wait_for
from tests.servers.choice import large_blobs_url, large_rows_url
from tests.servers.programs import postgres

ROOT = Path(__file__).resolve().parents[2]


def large_settings(folder: Path, shared: Path) -> Settings:
    """A process with a folder of its own over the stores of ``shared``."""
    settings = settings_for(folder)
    settings.database.url, settings.blobs.url = large_rows_url(shared), large_blobs_url(shared)
    settings.server.signing_secret = "the same everywhere"
    return settings


@contextmanager
def working(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """``retrospec worker`` as a process of its own."""
    given = {
        "RETROSPEC_DATABASE_URL": settings.database.url, "RETROSPEC_BLOBS_URL": settings.blobs.url, "RETROSPEC_CONFIRMATION_CHECKER": "none",
        "RETROSPEC_WORKER_SWEEP_SECONDS": "0.2", "RETROSPEC_WORKER_LEASE_SECONDS": "5", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    command = [sys.executable, "-m", "retrospec", "worker", "--data", str(settings.data_dir), "--concurrency", "1"]
    worker = subprocess.Popen(command, env={**os.environ, **given}, cwd=settings.data_dir.parent, stdout=subprocess.PIPE, text=True)
    try:
        assert worker.stdout is not None
        assert "works with 1 threads" in worker.stdout.readline()
        yield worker
    finally:
        worker.kill()
        worker.communicate()


def test_what_one_server_takes_in_workers_judge_and_another_server_shows_though_one_worker_is_killed(tmp_path: Path) -> None:
    door, window = large_settings(tmp_path / "a", tmp_path), large_settings(tmp_path / "b", tmp_path)
    key = make_key(door)
    with only_answering(door) as one, only_answering(window) as other, working(large_settings(tmp_path / "c", tmp_path)) as first:
        taken = [Client(one, key).send(f"s{number}", marker()).status_code for number in range(6)]
        first.send_signal(signal.SIGKILL)
        with working(large_settings(tmp_path / "d", tmp_path)):
            judged = [Client(other, key).judged(f"s{number}") for number in range(6)]
        assert taken == [202] * 6
        assert {each["reportCard"]["status"] for each in judged} == {"ready"}


@contextmanager
def only_answering(settings: Settings) -> Iterator[RunningServer]:
    """A server as by ``serve --no-worker``."""
    server = RunningServer(settings, Role.WEB).start()
    try:
        yield server
    finally:
        server.stop()


def test_while_postgres_is_down_senders_are_asked_to_wait_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    settings, rows = large_settings(tmp_path, tmp_path), postgres()
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        assert client.send("before", marker()).status_code == 202
        rows.stop()
        try:
            refused = client.upload("during")
        finally:
            rows.start()
        assert refused.status_code == 503
        assert float(refused.headers["Retry-After"]) > 0
        assert wait_for(lambda: client.upload("during").status_code == 201)
        assert client.send("during", marker()).status_code == 202
        assert {client.judged(name)["reportCard"]["status"] for name in ("before", "during")} == {"ready"}


@pytest.mark.parametrize("command", [["worker"], ["serve", "--no-worker"]])
def test_sqlite_cannot_be_shared_and_says_so(tmp_path: Path, command: list[str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "retrospec", *command, "--data", str(tmp_path)], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 2
    assert "which SQLite cannot" in ran.stderr
