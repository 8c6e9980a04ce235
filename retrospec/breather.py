"""Python's cycle collector, at rest while a recording is read.

Reading makes a few hundred thousand objects, nearly all without cycles. Searching them again and
again cost a third of the reading (69 against 45 ms a MB) and held the event loop up for 0.1 s at a
time; one search at the end takes 2 ms.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

WORTH_IT_BYTES = 100_000


@contextmanager
def collector_at_rest(size_bytes: int) -> Iterator[None]:
    """No search for cycles in the block, one after it, where ``size_bytes`` are worth it. One block at a time."""
    if size_bytes < WORTH_IT_BYTES:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()
