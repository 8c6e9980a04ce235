"""The sweep: rings again for whatever is due, stale or was never rung."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Unavailable
from retrospec.domain.settings import Settings
from retrospec.storage import sessions
from retrospec.storage.database import Database

log = structlog.get_logger()

MARGIN_S = 5.0
JITTER = 1.2
"""A retry waits at most so many times ``worker.retry_max_seconds``."""

Ring = Callable[[Sequence[tuple[str, str]]], Awaitable[None]]


async def sweep_once(database: Database, ring: Ring, *, everything: bool = False) -> int:
    """Ring for every due session that was not rung lately; how many."""
    now = utc_now()
    async with database.read() as connection:
        due = await sessions.find_due(connection, now=now, everything=everything)
    if due:
        async with database.write() as connection:
            await sessions.mark_rung(connection, due, now=now)
        await ring(due)
    return len(due)


async def set_waits_right(database: Database, settings: Settings) -> int:
    """Where the clock was set back, sessions and claims of before would wait that much longer; how many did."""
    now, worker = utc_now(), settings.worker
    longest_s = max(settings.capture.idle_seconds, settings.capture.end_grace_seconds, JITTER * worker.retry_max_seconds)
    latest = now + timedelta(seconds=longest_s + MARGIN_S)
    lease_latest = now + timedelta(seconds=worker.lease_seconds + MARGIN_S)
    if not await database.read_once(
        lambda connection: sessions.waiting_past(connection, latest=latest, lease_latest=lease_latest)
    ):
        return 0
    count = await database.write_soon(
        lambda connection: sessions.set_waits_right(connection, now=now, latest=latest, lease_latest=lease_latest)
    )
    log.warning("clock_was_set_back", sessions=count)
    return count


async def sweep_forever(database: Database, ring: Ring, settings: Settings) -> None:
    """Sweep until cancelled; the first round rings everything due, since the queue was emptied."""
    everything = True
    while True:
        try:
            await set_waits_right(database, settings)
            count = await sweep_once(database, ring, everything=everything)
            everything = everything and count >= sessions.RING_LIMIT
        except Unavailable as error:
            log.warning("sweep_postponed", reason=str(error))
        await asyncio.sleep(settings.worker.sweep_seconds)
