"""Folds SQLite's log into the database beside the writers, so that no commit has to wait for the disk.

Left alone, SQLite does this within whichever commit makes the log a thousand pages long: that request pays for syncing log
and database, some hundred milliseconds on a busy disk. A ``PASSIVE`` checkpoint takes no lock that readers or writers need.
"""

import asyncio
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

FOLD_AFTER_S = 0.5
"""From a commit; those meanwhile are folded with it."""
LOG_PAGES_AT_MOST = 2_000
"""8 MB: from here on a commit folds after all. Only then does a log that is written to all the time begin anew."""
EMPTY_TRIES, EMPTY_WAIT_S = 10, 0.5
LOG_KEPT_BYTES = 1_000_000
"""A log that begins anew is cut to this. SQLite alone leaves it as long as it ever was: a rush or a clean-up took 10 MB for good."""


class LogFolding:
    """``note_commit()`` after each commit; ``stop()`` before the database is closed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="db-log")
        self._task: asyncio.Task[None] | None = None
        self._has_news = False

    def note_commit(self) -> None:
        """Something was committed: it is folded soon."""
        self._has_news = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._fold_news())

    async def stop(self) -> None:
        """Finish what is being folded; the last connection that closes folds the rest."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await asyncio.to_thread(self._thread.shutdown)

    async def empty(self) -> bool:
        """``emptied`` in the thread that folds."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, emptied, self._path)

    async def _fold_news(self) -> None:
        while self._has_news:
            await asyncio.sleep(FOLD_AFTER_S)
            self._has_news = False
            await asyncio.get_running_loop().run_in_executor(self._thread, fold, self._path)


def fold(path: str) -> None:
    """One passive checkpoint. A database that is busy, damaged or not writable is left as it is: who reads it says so."""
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(path, timeout=0)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def emptied(path: str) -> bool:
    """Fold all of the log and cut it to nothing; whether that was possible. Until then pages of before a deletion lie in it.

    Writers wait while readers end, so each try is short. A program that always reads, as Litestream does, lets none succeed.
    """
    for _ in range(EMPTY_TRIES):
        with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(path, timeout=EMPTY_WAIT_S)) as connection:
            (is_busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not is_busy:
                return True
        time.sleep(EMPTY_WAIT_S)
    return False
