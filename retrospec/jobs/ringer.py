"""Collects rings and queues them in one go, off the event loop and off the caller's path."""

import asyncio
from collections.abc import Sequence

import structlog

from retrospec.jobs.queue import Doorbell
from retrospec.telemetry import Metrics

log = structlog.get_logger()

GATHER_S = 0.03
"""Rings of so long go into the queue together: each visit there costs a thread hop and a commit."""


class Ringer:
    """``await ringer(named)`` returns at once; a ring that fails is made again by the sweep."""

    def __init__(self, doorbell: Doorbell, metrics: Metrics) -> None:
        self._doorbell = doorbell
        self._metrics = metrics
        self._waiting: list[tuple[str, str]] = []
        self._ringing: asyncio.Task[None] | None = None

    async def __call__(self, named: Sequence[tuple[str, str]]) -> None:
        """Ring for these ``(project_id, session_id)`` soon."""
        self._waiting.extend(named)
        if self._ringing is None or self._ringing.done():
            self._ringing = asyncio.create_task(self._ring_waiting())

    async def _ring_waiting(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_S)
            named, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(self._doorbell.ring, named)
            except Exception as error:  # a lost ring costs seconds, never a session: the sweep rings again
                self._metrics.analysis_queue_errors.inc(len(named))
                log.warning("ring_failed", count=len(named), error=str(error))
