"""Asks the process that opens source maps; starts it when it is needed and lets it go when it is not."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from retrospec.domain.errors import BadRequest, Unavailable
from retrospec.symbols.talk import Ask, Origin, Spot, Told, receive, send

IDLE_S = 60.0
"""Unused for so long, the process ends: a server at rest pays nothing for maps."""
CHECK_S = 30.0
"""Longest for a map that is being uploaded."""
GOODBYE_S = 0.5
_CHECKED = ""
"""The key of a map that is only being checked: the next check takes its place."""
_FAULT_OF_OURS = 1
"""Python's exit code for an exception; a map that is too much ends the process by a signal."""
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


class MapReader:
    """One process for one server, used by one thread at a time."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._idle: threading.Timer | None = None

    def origins(
        self, key: str, spots: Sequence[Spot], fetch: Callable[[], bytes], *, within_s: float
    ) -> list[Origin | None]:
        """What each spot of the map ``key`` was in the source; ``fetch`` gets its packed content if it isn't open.

        Raises BadRequest for a map that can't be read, Unavailable past ``within_s`` (waiting for a turn counts).
        """
        return self._ask(Ask(key, list(spots)), fetch, within_s)

    def _ask(self, ask: Ask, fetch: Callable[[], bytes] | None, within_s: float) -> list[Origin | None]:
        if not self._turn.acquire(timeout=within_s):
            raise Unavailable("Source maps are being read for others just now.")
        try:
            told = self._exchange(ask, within_s)
            if told.is_unknown and fetch is not None:
                told = self._exchange(Ask(ask.key, ask.spots, fetch()), within_s)
        finally:
            self._rest()
            self._turn.release()
        if told.refusal:
            raise BadRequest(f"The source map cannot be read: {told.refusal}.")
        return told.origins

    def check(self, packed: bytes) -> None:
        """Raises BadRequest for a map that can't be read within bounds."""
        self._ask(Ask(_CHECKED, [Spot(1, 1)], packed), None, CHECK_S)

    def close(self) -> None:
        """End the process, if there is one."""
        with self._turn:
            self._end()

    def _exchange(self, ask: Ask, within_s: float) -> Told:
        process = self._running()
        assert process.stdin is not None and process.stdout is not None
        too_late = threading.Timer(within_s, process.kill)
        too_late.start()
        try:
            send(process.stdin, ask)
            told = receive(process.stdout, Told)
        except BrokenPipeError:
            told = None
        finally:
            too_late.cancel()
        if told is None:
            self._end()
            if process.returncode == _FAULT_OF_OURS:
                raise Unavailable("The process that opens source maps failed; see retrospec doctor.")
            raise BadRequest(f"The source map could not be read within {within_s:g} s and 1 GB of memory.")
        return told

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._idle is not None:
            self._idle.cancel()
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "retrospec.symbols.opener"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
            )
        return self._process

    def _rest(self) -> None:
        if self._process is not None:
            self._idle = threading.Timer(IDLE_S, self.close)
            self._idle.daemon = True
            self._idle.start()

    def _end(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        process, self._process = self._process, None
        if process is not None:
            _end_process(process)


def _end_process(process: "subprocess.Popen[bytes]") -> None:
    """By closing its input; by force if it is busy. Closes its streams and waits."""
    with process:
        if process.stdin is not None:
            with suppress(BrokenPipeError):
                process.stdin.close()
        try:
            process.wait(GOODBYE_S)
        except subprocess.TimeoutExpired:
            process.kill()


def _environment() -> dict[str, str]:
    """This process's, so that the other finds this very package, wherever it was started."""
    paths = [str(_PACKAGE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
