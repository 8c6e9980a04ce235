"""The data folder belongs to one server at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retrospec.domain.errors import Conflict

LOCK_NAME = "server.lock"


@contextmanager
def held_folder(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for the length of the block; the system lets go by itself when the process dies.

    Raises Conflict while another server holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(descriptor, folder)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def is_held(folder: Path) -> bool:
    """Whether a server of this machine holds ``folder`` now, as far as this user may know.

    Looks by taking the lock for an instant; a server that starts in that very instant is refused.
    """
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def refuse_files_of_others(database: Path) -> None:
    """Raises Conflict where this user may not write to the database's files: SQLite alone says that it cannot open them."""
    for path in (database, *(database.with_name(f"{database.name}{end}") for end in ("-wal", "-shm"))):
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            raise Conflict(
                f"{path} belongs to user {path.stat().st_uid}, and user {os.geteuid()}, who runs this, may not write to it.",
                hint=f"Run it as that user; or, where another command made the file: chown -R {os.geteuid()} {path.parent}",
            )


def _take(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
        raise Conflict(
            f"Another RetroSpec (process {holder}) is serving {folder}.",
            hint="Stop it first, or give this one a folder of its own with --data.",
        ) from error
