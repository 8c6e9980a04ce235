"""The container image: it serves, keeps its data over a restart, and needs neither root nor a root file system to write to.

``RETROSPEC_IMAGE`` names an image to try (continuous integration builds it first). Docker or Podman run it as told; where
there is only Buildah the root file system cannot be made read-only, and that part is left out.
"""

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from retrospec.bench.spawned import free_port
from tests.conftest import wait_for

IMAGE = os.environ.get("RETROSPEC_IMAGE", "")
USER = "10001"
KEPT = f"retrospec-{uuid.uuid4().hex[:8]}"
"""Buildah's container: it has one volume of its own for all its runs, whatever is mounted."""


STOP = r"""
import os, signal, pathlib
for each in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
    if each.parent.stat().st_uid == os.getuid() and each.read_bytes().endswith(b"/retrospec\0serve\0"):
        os.kill(int(each.parent.name), signal.SIGTERM)
"""
"""Sent from inside: a signal to Buildah does not reach what it runs. Only processes of the image's user are looked at."""


def run(*command: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


def engine() -> str:
    """The first engine that works here; empty for none."""
    for name, question in (("podman", ["info"]), ("docker", ["info"]), ("buildah", ["images"])):
        if shutil.which(name) and run(name, *question).returncode == 0:
            return name
    return ""


@pytest.fixture(scope="module")
def tool() -> Iterator[str]:
    if not IMAGE:
        pytest.skip("RETROSPEC_IMAGE names no image: build one as in the Containerfile's first line")
    if not (name := engine()):
        pytest.skip("neither Podman, Docker nor Buildah works here")
    if name == "buildah":
        assert run(name, "from", "--pull-never", "--name", KEPT, IMAGE).returncode == 0
    yield name
    if name == "buildah":
        run(name, "rm", KEPT)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, int(USER), int(USER))
    for parent in (tmp_path, *list(tmp_path.parents)[:3]):  # the image's user has to come through
        if parent.owner() == "root" and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o011)
    return folder


class Running:
    """A container that serves."""

    def __init__(self, tool: str, name: str, url: str, inside: Sequence[str]) -> None:
        self.tool, self.name, self.url, self.inside = tool, name, url, inside

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        return run(*self.inside, *command)


@contextmanager
def container(tool: str, data: Path) -> Iterator[Running]:
    port, name = free_port(), f"retrospec-{uuid.uuid4().hex[:8]}"
    with (_by_buildah if tool == "buildah" else _by_engine)(tool, name, port, data) as running:
        wait_for(lambda: _is_healthy(running.url), deadline_s=120)
        yield running


@contextmanager
def _by_engine(tool: str, name: str, port: int, data: Path) -> Iterator[Running]:
    hardened = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    started = run(tool, "run", "-d", "--name", name, *hardened, "-p", f"127.0.0.1:{port}:8377", "-v", f"{data}:/data", IMAGE)
    assert started.returncode == 0, started.stderr
    try:
        yield Running(tool, name, f"http://127.0.0.1:{port}", [tool, "exec", name])
        stopped = run(tool, "stop", "-t", "15", name)
        assert stopped.returncode == 0
    finally:
        run(tool, "rm", "-f", name)


@contextmanager
def _by_buildah(tool: str, name: str, port: int, data: Path) -> Iterator[Running]:
    inside = [tool, "run", "--isolation", "chroot", "--user", USER, "-e", f"RETROSPEC_SERVER_PORT={port}", KEPT, "--"]
    serving = subprocess.Popen([*inside, "retrospec", "serve"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    running = Running(tool, name, f"http://127.0.0.1:{port}", inside)
    try:
        yield running
    finally:
        running.execute("python3", "-c", STOP)
        serving.wait(30)


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def test_it_serves_and_a_restart_keeps_what_was_stored(tool: str, data: Path) -> None:
    with container(tool, data) as running:
        made = running.execute("retrospec", "key", "create", "--project", "proj_default", "--scopes", "ingest,read")
        assert made.returncode == 0, made.stderr
        key = {"X-Retrospec-Key": made.stdout.strip().splitlines()[-1]}
        sent = {"sessionId": "s1", "site": "Shop", "events": [{"type": 2}, {"type": 3}]}
        uploaded = httpx.post(f"{running.url}/v1/artifacts/session-events", json=sent, headers=key, timeout=30)
        about = {"id": "s1", "site": "Shop", "route": "/", "startedAt": "2026-01-01T00:00:00Z", "durationMs": 5_000}
        session = {"session": about | {"eventsObjectKey": uploaded.json()["eventsObjectKey"]}, "markers": []}
        assert httpx.post(f"{running.url}/v1/ingest/session", json=session, headers=key, timeout=30).status_code == 202
        assert httpx.get(f"{running.url}/sdk.js", timeout=30).status_code == 200
        assert running.execute("id", "-u").stdout.strip() == USER
        if tool != "buildah":
            assert running.execute("touch", "/opt/retrospec/x").returncode != 0
    with container(tool, data) as running:
        kept = httpx.get(f"{running.url}/v1/sessions/s1", headers=key, timeout=30)
        assert kept.status_code == 200 and kept.json()["session"]["id"] == "s1"


@pytest.mark.timeout(600)
def test_the_demo_runs_inside_it(tool: str, data: Path) -> None:
    with container(tool, data) as running:
        shown = run(*running.inside, "retrospec", "demo", "--once", timeout_s=500)
        assert shown.returncode == 0, shown.stdout + shown.stderr
        assert "4 issues came out of 12 visits" in shown.stdout
