import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retrospec.storage.folder import held_folder

from .conftest import ROOT, Run


@contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A running ``retrospec serve`` and what it printed when it was ready."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("RETROSPEC_")}
    server = subprocess.Popen(
        [sys.executable, "-m", "retrospec", "serve", "--port", "0", "--data", "data"],
        cwd=folder, env={**inherited, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    try:
        printed = []
        for line in server.stdout:
            printed.append(line.strip())
            if line.startswith("Stop with"):
                break
        yield server, printed
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def test_a_first_start_needs_nothing_and_says_how_to_go_on(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, printed):
        address = printed[0].split()[-1]
        with urllib.request.urlopen(f"{address}/healthz", timeout=20) as answer:
            assert answer.read() == b'{"status":"ok"}'
        with urllib.request.urlopen(next(line for line in printed if "/set-up/" in line), timeout=20) as page:
            assert page.status == 200
        assert any(line.startswith(f'<script src="{address}/sdk.js" data-key="rs_') for line in printed)
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0


def test_a_taken_port_is_one_sentence(retrospec_process: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = retrospec_process("serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert done.stderr.startswith("retrospec: Cannot listen on 127.0.0.1:")


def test_a_folder_in_use_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with held_folder(tmp_path):
        ended = subprocess.run(
            [sys.executable, "-m", "retrospec", "serve", "--data", str(tmp_path), "--port", "0"],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ended.returncode == 1
    assert "is serving" in ended.stderr
    assert "--data" in ended.stderr
    assert "Traceback" not in ended.stderr
