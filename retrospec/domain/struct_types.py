"""Struct types made ready before threads share them.

msgspec (0.22) works out what a struct type looks like at its first decoding, and puts the unfinished result where
another thread's first decoding finds it: two at once end the process by a segmentation fault.
"""

from collections.abc import Iterator
from contextlib import suppress

import msgspec


def make_ready() -> None:
    """Work out every struct type imported so far, in this thread: some 10 ms at first, 1 ms when called again.

    For the start, before there are threads, and after importing late what threads will decode.
    """
    for each in _structs(msgspec.Struct):
        # Names that only a type checker resolves, fields that no decoder knows: such a type can't be decoded by anyone.
        with suppress(NameError, TypeError):
            msgspec.json.Decoder(each)


def _structs(base: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for each in base.__subclasses__():
        yield each
        yield from _structs(each)
