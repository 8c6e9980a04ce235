"""Servers that only answer and workers that only work, over one PostgreSQL and one S3 store."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from retrospec.domain.settings import Settings
from retrospec.serving import RunningServer
from retrospec.storage.nodes import Role
from tests.conftest import Client, make_key, marker, serving, settings_for, wait_for
from tests.servers.choice import in_full_run_only, large_blobs_url, large_rows_url, rows_of
from tests.servers.programs import postgres

ROOT = Path(__file__).resolve().parents[2]


def large_settings(folder: Path, shared: Path) -> Settings:
    """A process with a folder of its own over the stores of ``shared``."""
    settings = settings_for(folder)
    settings.database.url, settings.blobs.url = large_rows_url(shared), large_blobs_url(shared)
    settings.server.signing_secret = "the same everywhere"
    return settings


def environment(settings: Settings) -> dict[str, str]:
    return os.environ | {
        "RETROSPEC_DATABASE_URL": settings.database.url, "RETROSPEC_BLOBS_URL": settings.blobs.url, "RETROSPEC_CONFIRMATION_CHECKER": "none",
        "RETROSPEC_WORKER_SWEEP_SECONDS": "0.2", "RETROSPEC_WORKER_LEASE_SECONDS": "5", "PYTHONPATH": str(ROOT),
        "RETROSPEC_SERVER_SIGNING_SECRET": settings.server.signing_secret, "RETROSPEC_LIMITS_REQUESTS_PER_SECOND": "0",
        "RETROSPEC_CAPTURE_IDLE_SECONDS": "1", "RETROSPEC_CAPTURE_END_GRACE_SECONDS": "0", "RETROSPEC_SERVER_LOG_LEVEL": "error",
    }  # fmt: skip


@contextmanager
def working(settings: Settings, *options: str, **changed: str) -> Iterator[subprocess.Popen[str]]:
    """``retrospec worker`` as a process of its own; ``changed`` of its environment, without the prefix."""
    with running(settings, "worker", "--concurrency", "1", *options, **changed) as worker:
        assert worker.stdout is not None
        assert "works with 1 threads" in worker.stdout.readline()
        yield worker


@contextmanager
def running(settings: Settings, *words: str, **changed: str) -> Iterator[subprocess.Popen[str]]:
    """A command as a process of its own, killed at the end."""
    command = [sys.executable, "-m", "retrospec", *words, "--data", str(settings.data_dir)]
    given = environment(settings) | {f"RETROSPEC_{name}": value for name, value in changed.items()}
    program = subprocess.Popen(command, env=given, cwd=settings.data_dir.parent, stdout=subprocess.PIPE, text=True)
    try:
        yield program
    finally:
        program.kill()
        program.communicate()


@contextmanager
def answering(settings: Settings, **changed: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``retrospec serve --no-worker`` as a process of its own, and its address."""
    with running(settings, "serve", "--no-worker", "--port", "0", **changed) as program:
        assert program.stdout is not None
        said = re.search(r"http://\S+", program.stdout.readline())
        assert said
        yield program, said[0]


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


@in_full_run_only
@pytest.mark.parametrize("killed", ["web", "worker"])
def test_two_servers_and_two_workers_lose_and_double_nothing_when_any_one_is_killed(tmp_path: Path, killed: str) -> None:
    node = {name: large_settings(tmp_path / name, tmp_path) for name in ("web-1", "web-2", "worker-1", "worker-2")}
    key = make_key(node["web-1"])
    names = [f"s{number:02}" for number in range(24)]
    with (
        answering(node["web-1"]) as (first_web, first_url), answering(node["web-2"]) as (_, other_url),
        working(node["worker-1"]) as first_worker, working(node["worker-2"]),
        httpx.Client(headers={"X-Retrospec-Key": key}, timeout=30) as http,
    ):  # fmt: skip
        for place, name in enumerate(names):
            if place == len(names) // 2:
                (first_web if killed == "web" else first_worker).send_signal(signal.SIGKILL)
            send_somewhere(http, [first_url, other_url] if place % 2 else [other_url, first_url], name)
        for name in names:
            judged = wait_for(lambda name=name: judged_at(http, other_url, name), 60)
            assert judged["reportCard"]["status"] == "ready"
        (issue,) = http.get(f"{other_url}/v1/issues").json()["issues"]
        assert issue["sessionCount"] == len(names)
        assert rows_of(node["web-1"], "SELECT count(*), count(DISTINCT id) FROM sessions") == [(len(names), len(names))]
        assert rows_of(node["web-1"], "SELECT count(*) FROM markers") == [(len(names),)]


def send_somewhere(http: httpx.Client, urls: list[str], name: str) -> None:
    """Both calls of wire v1, to the next server where one does not answer, as behind any load balancer."""
    events = [{"type": 2}, {"type": 3}]
    for url in urls:
        try:
            uploaded = http.post(f"{url}/v1/artifacts/session-events", json={"sessionId": name, "site": "Shop", "events": events})
            about = {
                "id": name, "site": "Shop", "route": "/pay", "startedAt": datetime.now(UTC).isoformat(), "durationMs": 5_000,
                "eventsObjectKey": uploaded.json()["eventsObjectKey"],
            }  # fmt: skip
            assert http.post(f"{url}/v1/ingest/session", json={"session": about, "markers": [marker()]}).status_code == 202
            return
        except httpx.TransportError:
            continue
    pytest.fail(f"nobody took {name}")


def judged_at(http: httpx.Client, url: str, name: str) -> Any:
    session = http.get(f"{url}/v1/sessions/{name}").json()["session"]
    return session if session.get("reportCard", {}).get("status", "pending") != "pending" else None


@in_full_run_only
def test_a_worker_of_one_stage_leaves_the_other_to_others(tmp_path: Path) -> None:
    """Without a browser: the one for analysis hands on, the one for replays (nothing can look here) finishes on the text."""
    door = large_settings(tmp_path / "a", tmp_path)
    key = make_key(door)
    with only_answering(door) as server:
        client = Client(server, key)
        with working(large_settings(tmp_path / "b", tmp_path), "--stages", "analysis"):
            assert client.send("s1", marker()).status_code == 202
            wait_for(lambda: client.session("s1")["stage"] == "confirmation")
        with working(large_settings(tmp_path / "c", tmp_path), "--stages", "replay"):
            assert client.judged("s1")["reportCard"]["status"] == "ready"
            client.send("s2", marker())
            wait_for(lambda: rows_of(door, "SELECT stage FROM sessions WHERE id = 's2'") == [("analysis",)])


@in_full_run_only
def test_a_worker_told_to_stop_ends_at_once_when_nothing_is_in_hand(tmp_path: Path) -> None:
    with working(large_settings(tmp_path / "a", tmp_path)) as worker:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
