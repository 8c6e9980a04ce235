"""The sweep: rings again for whatever is due, stale or was never rung."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog

from retrospec.domain.clock import own_clock_ahead_s, utc_now
from retrospec.domain.errors import Unavailable
from retrospec.domain.settings import Settings
from retrospec.storage import sessions
from retrospec.storage.database import Database

log = structlog.get_logger()

MARGIN_S = 5.0
OTHERS_MARGIN_S = 3_600.0
"""Where several processes write: another may have a longer ``worker.lease_seconds`` than this one, and its live claims are not cut."""
OFF_S = 5.0
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
    margin_s = MARGIN_S if database.is_sqlite else OTHERS_MARGIN_S
    latest = now + timedelta(seconds=longest_s + margin_s)
    lease_latest = now + timedelta(seconds=worker.lease_seconds + margin_s)
    if not await database.read_once(
        lambda connection: sessions.waiting_past(connection, latest=latest, lease_latest=lease_latest)
    ):
        return 0
    count = await database.write_soon(
        lambda connection: sessions.set_waits_right(connection, now=now, latest=latest, lease_latest=lease_latest)
    )
    log.warning("clock_was_set_back", sessions=count)
    return count


class ClockWatch:
    """Says it once in the log where this machine's clock is off from the database's, and once when it is right again."""

    def __init__(self) -> None:
        self._was_off = False

    def look(self) -> None:
        """Nothing goes by the machine's clock but its log, and what it signs for an S3 store."""
        ahead_s = own_clock_ahead_s()
        is_off = abs(ahead_s) > OFF_S
        if is_off is not self._was_off:
            log.warning("own_clock_is_off" if is_off else "own_clock_is_right", ahead_s=round(ahead_s, 1))
        self._was_off = is_off


async def sweep_forever(database: Database, ring: Ring, settings: Settings) -> None:
    """Sweep until cancelled; the first round rings everything due, since the queue was emptied."""
    everything, clock = True, ClockWatch()
    while True:
        clock.look()
        try:
            await set_waits_right(database, settings)
            count = await sweep_once(database, ring, everything=everything)
            everything = everything and count >= sessions.RING_LIMIT
        except Unavailable as error:
            log.warning("sweep_postponed", reason=str(error))
        await asyncio.sleep(settings.worker.sweep_seconds)
