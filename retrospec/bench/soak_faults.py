"""What goes wrong during a soak: the browser is killed, the disk is full, the model is slow, the clock jumps. Each passes."""

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil

DISK_BYTES = 600_000_000
STEP_S = 2 * 3_600
SLOW_S = 8.0
"""Longer than the server waits for the model."""
_BLOCK = b"x" * 1_000_000

Wait = Callable[[float], None]


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """``folder`` as a file system of its own while the block runs, where this user may make one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    is_own = shutil.which("mount") is not None and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield is_own
    finally:
        if is_own:
            subprocess.run(["umount", "-l", str(folder)], check=True)


class SlowModel:
    """A text model's endpoint that answers as the contract asks, at once or too late."""

    def __init__(self) -> None:
        self._is_slow = threading.Event()
        model = self

        class Asked(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if model._is_slow.is_set():
                    time.sleep(SLOW_S)
                hint = (asked.get("markerHints") or ["a failure"])[0]
                said = {"symptom": hint, "technicalRootCause": "", "suggestedFix": "", "summary": hint, "confidence": 0.8}
                with suppress(OSError):  # whoever asked has given up
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(json.dumps(said).encode())

            def log_message(self, *_: object) -> None:
                return None

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def slow(self, wait: Wait) -> str:
        """Too late for twenty seconds."""
        self._is_slow.set()
        wait(20)
        self._is_slow.clear()
        return "the model answered late for 20 s"

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


def kill_browser(server_pid: int) -> str:
    """SIGKILL to every browser process of the server."""
    killed = 0
    for child in psutil.Process(server_pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "chrom" in child.name():
                child.kill()
                killed += 1
    return f"{killed} browser processes were killed" if killed else ""


def fill_disk(folder: Path, wait: Wait) -> str:
    """Not a byte is free for fifteen seconds."""
    filler = folder / "somebody-elses"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(_BLOCK[: max(4_096, min(len(_BLOCK), shutil.disk_usage(folder).free))])
    wait(15)
    filler.unlink()
    return "the disk was full for 15 s"


def step_clock(file: Path, wait: Wait) -> str:
    """Two hours ahead for fifteen seconds, then back."""
    _write(file, STEP_S)
    wait(15)
    _write(file, 0)
    return "the clock stepped two hours ahead, and back after 15 s"


def _write(file: Path, seconds: int) -> None:
    fresh = file.with_suffix(".fresh")
    fresh.write_text(str(seconds), encoding="ascii")
    os.replace(fresh, file)  # noqa: PTH105 (read by another process meanwhile)
