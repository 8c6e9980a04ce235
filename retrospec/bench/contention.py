"""What running programs had to wait for: cores that others had, and their turn to write in PostgreSQL."""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from retrospec.storage.nodes import QueueConnections

LOOK_EVERY_S = 0.02
_HELD = (
    "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock' AND database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND (classid::bigint << 32 | objid::bigint) = hashtextextended(%s, 1)"
)
_JUDGED = "SELECT count(*) FROM sessions WHERE project_id = %s AND stage IN ('done', 'dead')"


def ran_and_waited_s(pids: Iterable[int]) -> tuple[float, float]:
    """Seconds that the threads of these processes ran so far, and that they could have run had a core been free; Linux's ``schedstat``."""
    ran_ns = waited_ns = 0
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                ran, waited, _ = thread.read_text().split()
            except OSError:  # it ended meanwhile
                continue
            ran_ns, waited_ns = ran_ns + int(ran), waited_ns + int(waited)
    return ran_ns / 1e9, waited_ns / 1e9


def wanting_cores() -> int:
    """Threads of the whole machine that run or would run now, beside the one that asks; 0 where the system does not say."""
    try:
        told = Path("/proc/loadavg").read_text()
    except FileNotFoundError:
        return 0
    return int(told.split()[3].partition("/")[0]) - 1


class Watch:
    """Looks again and again: ``looks``, in how many of them somebody wrote about the project, and what wanted a core in all of them."""

    def __init__(self, database: str, project_id: str) -> None:
        self._connections = QueueConnections(database)
        self._project_id = project_id
        self.looks = self.held = self.wanting = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="bench-watch", daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._connections.close()

    def judged(self) -> int:
        """Sessions of the project that have their report, or none to come."""
        connection = self._opened()
        (count,) = connection.execute(_JUDGED, (self._project_id,)).fetchone()
        connection.close()
        return int(count)

    def _opened(self) -> Any:
        connection = self._connections()
        connection.autocommit = True
        return connection

    def _look(self) -> None:
        connection = self._opened()
        while not self._over.wait(LOOK_EVERY_S):
            self.wanting += wanting_cores()
            self.held += connection.execute(_HELD, (self._project_id,)).fetchone()[0]
            self.looks += 1
