"""A server of one's own to measure: a fresh process on a free port over a temporary data folder."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil

START_DEADLINE_S = 180.0
"""With others on its cores a start of two seconds of CPU was seen to take over a minute."""
STOP_DEADLINE_S = 15.0
_COMMAND = [sys.executable, "-m", "retrospec"]


class Spawned(msgspec.Struct):
    """A running server; ``key`` may ingest, read and administer."""

    url: str
    key: str
    process: subprocess.Popen[bytes]
    data_dir: Path
    log_path: Path
    healthy_at: float = 0.0
    """``time.monotonic()`` when it first answered."""
    healthy_cpu_s: float = 0.0
    """What it had spent by then."""

    @property
    def pid(self) -> int:
        """Of the server process."""
        return self.process.pid


@contextmanager
def spawned_server(
    settings: dict[str, str], data_dir: Path | None = None, command: Sequence[str] = _COMMAND, words: Sequence[str] = ()
) -> Iterator[Spawned]:
    """Start ``retrospec serve`` without a rate limit, with ``words`` after it; stop it at the end of the block.

    ``settings`` are environment names without the prefix, e.g. ``REPLAY_RENDER="off"``. Without
    ``data_dir`` a temporary folder is used and removed. Raises RuntimeError with the end of the
    server's log when it does not come up.
    """
    with tempfile.TemporaryDirectory(prefix="retrospec-bench-") as scratch:
        folder = data_dir or Path(scratch) / "data"
        server = _start(folder, Path(scratch) / "server.log", settings, command, words)
        try:
            _await_health(server)
            server.key = create_key(folder, settings)
            yield server
        finally:
            stop(server.process)


@contextmanager
def spawned_worker(beside: Spawned, settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A ``retrospec worker`` over the same database as the server ``beside``, until the end of the block."""
    with beside.log_path.with_name("worker.log").open("wb") as log:
        process = subprocess.Popen(
            [*_COMMAND, "worker", "--data", str(beside.data_dir)], env=_environment(settings), stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        stop(process)


def _start(folder: Path, log_path: Path, settings: dict[str, str], command: Sequence[str], words: Sequence[str]) -> Spawned:
    port = free_port()
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [*command, "serve", "--data", str(folder), "--host", "127.0.0.1", "--port", str(port), *words],
            env=_environment(settings), stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    return Spawned(f"http://127.0.0.1:{port}", "", process, folder, log_path)


def _environment(settings: dict[str, str]) -> dict[str, str]:
    named = {f"RETROSPEC_{name}": value for name, value in settings.items()}
    return {**os.environ, "RETROSPEC_LIMITS_REQUESTS_PER_SECOND": "0", **named}


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _await_health(server: Spawned) -> None:
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline and server.process.poll() is None:
        if is_healthy(server.url):
            server.healthy_at = time.monotonic()
            spent = psutil.Process(server.pid).cpu_times()
            server.healthy_cpu_s = spent.user + spent.system
            return
        time.sleep(0.02)
    end = server.log_path.read_text(errors="replace")[-2_000:]
    raise RuntimeError(f"the server did not come up within {START_DEADLINE_S:.0f} s; its log ends:\n{end}")


def is_healthy(url: str) -> bool:
    """Whether ``/healthz`` answers 200 within a second."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def create_key(folder: Path, settings: dict[str, str]) -> str:
    """A new key of the default project that may ingest, read and administer."""
    made = subprocess.run(
        [*_COMMAND, "key", "create", "--data", str(folder), "--project", "proj_default", "--scopes", "ingest,read,admin"],
        env=_environment(settings), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if made.returncode:
        raise RuntimeError(f"no key could be made: {made.stderr.strip() or made.stdout.strip()}")
    return made.stdout.strip().splitlines()[-1]


def keep(server: Spawned, days: int) -> None:
    """The default project keeps its sessions so long from now on: each clean-up asks anew."""
    told = [*_COMMAND, "retention", "proj_default", "--days", str(days), "--data", str(server.data_dir)]
    subprocess.run(told, env=_environment({}), check=True, capture_output=True, timeout=60)


def stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and SIGKILL when it has not ended in time."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
