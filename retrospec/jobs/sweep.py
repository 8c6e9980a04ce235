"""The sweep: rings again for whatever is due, stale or was never rung."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Unavailable
from retrospec.storage import sessions
from retrospec.storage.database import Database

log = structlog.get_logger()

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


async def sweep_forever(database: Database, ring: Ring, *, every_s: float) -> None:
    """Sweep until cancelled; the first round rings everything due, since the queue was emptied."""
    everything = True
    while True:
        try:
            count = await sweep_once(database, ring, everything=everything)
            everything = everything and count >= sessions.RING_LIMIT
        except Unavailable as error:
            log.warning("sweep_postponed", reason=str(error))
        await asyncio.sleep(every_s)
