"""One process over a folder of its own, or several over one PostgreSQL database."""

import threading
from enum import Enum
from pathlib import Path
from typing import Any

from retrospec.domain.errors import SettingsError
from retrospec.domain.settings import Settings
from retrospec.storage.engines import CONNECTION, driver_address


class Role(Enum):
    """What a process does."""

    ALL = "all"
    WEB = "web"
    """Answers, and leaves the stages to workers."""
    WORKER = "worker"


def is_shared(settings: Settings) -> bool:
    """Whether other processes may use this database at the same time."""
    return settings.database_url.startswith("postgresql")


def queue_place(settings: Settings) -> Path | str:
    """Where the doorbell hangs: in the shared database, or in a file of the data folder."""
    return settings.database_url if is_shared(settings) else settings.data_dir / "queue.db"


class QueueConnections:
    """Opens the queue's connections to PostgreSQL, one a thread, and closes them all at the end."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opened: list[Any] = []
        self._is_over = False
        self._turn = threading.Lock()

    def __call__(self) -> Any:
        """A new one; those that broke meanwhile are let go. A closed one once all are to end."""
        import psycopg

        address, told = driver_address(self._url)
        options: dict[str, Any] = {name: value for name, value in CONNECTION.items() if f"{name}=" not in address}
        opened = psycopg.connect(address, **options, **told)
        with self._turn:
            self._opened = [*(each for each in self._opened if not each.closed), opened]
            if self._is_over:  # a worker that was still in hand at the stop: nobody would close it
                opened.close()
        return opened

    def close(self) -> None:
        """Close every one, whichever thread opened it, and those still to be opened."""
        with self._turn:
            self._is_over = True
            for each in self._opened:
                each.close()


def needs_shared(settings: Settings, command: str) -> None:
    """Raises SettingsError where several processes cannot share the work."""
    if not is_shared(settings):
        raise SettingsError(
            f"`retrospec {command}` shares its work with other processes, which SQLite cannot.",
            hint="Set database.url to a PostgreSQL database, or run `retrospec serve` alone.",
        )
