"""Accepting comes before judging: workers wait a moment while something is coming in."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_S = 1.0
"""Longest a worker waits before each session, so that under steady traffic judging goes on all the same."""


class Traffic:
    """How many requests are being accepted now."""

    def __init__(self) -> None:
        self._coming_in = 0
        self._calm = asyncio.Event()
        self._calm.set()

    @contextmanager
    def coming_in(self) -> Iterator[None]:
        """Something is being accepted for the length of the block."""
        self._coming_in += 1
        self._calm.clear()
        try:
            yield
        finally:
            self._coming_in -= 1
            if self._coming_in == 0:
                self._calm.set()

    async def calm(self) -> None:
        """Return once nothing is coming in, or after ``PATIENCE_S``."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._calm.wait()
        except TimeoutError:
            return
