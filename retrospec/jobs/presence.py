"""Whether a server runs over a data folder, told by a lock that dies with its process."""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

LOCK_NAME = "serving.lock"


@contextmanager
def serving_over(folder: Path) -> Iterator[None]:
    """Let other processes see that a server runs over ``folder``; several may at once.

    Where the file system knows no locks the server runs all the same, unseen.
    """
    with ExitStack() as stack:
        with suppress(OSError):
            lock = stack.enter_context((folder / LOCK_NAME).open("ab"))
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def is_served(folder: Path) -> bool:
    """Whether a server of this machine runs over ``folder`` now."""
    try:
        with (folder / LOCK_NAME).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
