"""Python's cycle collector, at rest while recordings are read.

Reading makes a few hundred thousand objects, nearly all without cycles. Searching them again and
again cost a third of the reading (69 against 45 ms a MB) and held the event loop up for 0.1 s at a
time; one search at the end takes 2 ms. Where several threads read, it waits for the last of them: a
search beside another's half-read recording looks through all of that.
"""

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

WORTH_IT_BYTES = 100_000
LONGEST_REST_S = 10.0
"""After so long there is a search though others still read: the rest of the process makes cycles too."""

_lock = threading.Lock()
_readers = 0
_searched_at = 0.0


@contextmanager
def collector_at_rest(size_bytes: int) -> Iterator[None]:
    """No search for cycles in the block, where ``size_bytes`` are worth it, and one after the last of several such blocks."""
    if size_bytes < WORTH_IT_BYTES:
        yield
        return
    _rest()
    try:
        yield
    finally:
        if _wake():
            gc.collect()


def _rest() -> None:
    global _readers, _searched_at
    with _lock:
        if not _readers:
            _searched_at = time.monotonic()
        _readers += 1
        gc.disable()


def _wake() -> bool:
    """Whether a search is due now."""
    global _readers, _searched_at
    with _lock:
        _readers -= 1
        if not _readers:
            gc.enable()
        is_due = not _readers or time.monotonic() - _searched_at > LONGEST_REST_S
        if is_due:
            _searched_at = time.monotonic()
        return is_due
