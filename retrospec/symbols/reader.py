"""Asks the process that opens source maps; starts it when it is needed and lets it go when it is not."""

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from retrospec.domain.errors import BadRequest, Unavailable
from retrospec.symbols.talk import Ask, Origin, Spot, Told, receive, send

IDLE_S = 60.0
"""Unused for so long, the process ends: a server at rest pays nothing for maps."""
CHECK_S = 30.0
"""Longest for a map that is being uploaded."""
_BROKEN = "the source map could not be read within {:g} s and 1 GB of memory"


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
        if not self._turn.acquire(timeout=within_s):
            raise Unavailable("Source maps are being read for others just now.")
        try:
            told = self._exchange(Ask(key, list(spots)), within_s)
            if told.is_unknown:
                told = self._exchange(Ask(key, list(spots), fetch()), within_s)
        finally:
            self._rest()
            self._turn.release()
        if told.refusal:
            raise BadRequest(f"The source map cannot be read: {told.refusal}.")
        return told.origins

    def check(self, packed: bytes) -> None:
        """Raises BadRequest for a map that can't be read within bounds."""
        self.origins("", [Spot(1, 1)], lambda: packed, within_s=CHECK_S)

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
            raise BadRequest(_BROKEN.format(within_s).capitalize() + ".")
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
            process.kill()
            with process:  # closes its streams and waits
                pass
