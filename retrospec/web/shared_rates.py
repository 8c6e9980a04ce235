"""One allowance for all servers of an installation.

Each server lets callers in by its own buckets, at no cost to the request. Twice a second it tells the database what it
let in of callers that send much, and learns what all servers together have left; where that is below nothing, the
caller waits until it is paid back. So the steady rate is that of one server; only a burst may be as many times larger
as there are servers, once.
"""

import asyncio
import time
from typing import Any

import structlog

from retrospec.domain.errors import RetroSpecError
from retrospec.storage import shared_rates
from retrospec.storage.database import Database
from retrospec.storage.one_writer import write_about
from retrospec.storage.shared_rates import Spent

log = structlog.get_logger()

EXCHANGE_S = 0.5
WORTH_TELLING = 1 / 16
"""Of a burst: who sent less since the last telling is not told of yet."""
FORGET_EVERY = 1_200
MAX_NAMES = 20_000


class SharedRates:
    """What was let in here and not told yet, and what all servers had left at the last telling."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._spent: dict[str, Spent] = {}
        self._left: dict[str, tuple[float, float]] = {}

    def spend(self, name: str, rate: float, burst: float) -> None:
        """One more was let in."""
        if len(self._spent) < MAX_NAMES or name in self._spent:
            before = self._spent.get(name)
            self._spent[name] = Spent(1 + (before.times if before else 0), rate, burst)

    def wait_s(self, name: str, rate: float) -> float:
        """How long ``name`` has to wait, by what all servers had left; 0 where there was something."""
        tokens, at = self._left.get(name, (1.0, 0.0))
        return 0.0 if tokens >= 1.0 else max(0.0, (1.0 - tokens) / rate - (time.monotonic() - at))

    async def exchange(self) -> dict[str, float]:
        """Tell and learn; what is left of those told about. Raises Unavailable, and what was to be told then stays."""
        telling = {name: spent for name, spent in self._spent.items() if spent.times >= max(1.0, spent.burst * WORTH_TELLING)}
        if not telling:
            return {}
        asked = time.monotonic()  # what came back into the buckets while a busy database answered counts as well
        left = await self._database.write_soon(lambda connection: shared_rates.take(connection, telling))
        for name, told in telling.items():
            since = self._spent[name].times - told.times
            self._spent.pop(name)
            if since:
                self._spent[name] = told._replace(times=since)
            self._left[name] = left[name], asked
        while len(self._left) > MAX_NAMES:
            self._left.pop(next(iter(self._left)))
        return left

    async def forget_full(self) -> None:
        """Tidy up in the database."""
        await self._database.write_soon(shared_rates.forget_full)


async def share_rates_forever(state: Any) -> None:
    """Exchange until cancelled; where one process serves alone, there is nobody to share with."""
    if state.database.is_sqlite:
        return
    write_about(shared_rates.TURN)
    shared = state.rate_limiter.shared = SharedRates(state.database)
    rounds = 0
    while True:
        await asyncio.sleep(EXCHANGE_S)
        rounds += 1
        try:
            state.rate_limiter.adopt(await shared.exchange())
            if rounds % FORGET_EVERY == 0:
                await shared.forget_full()
        except RetroSpecError as error:
            log.warning("rates_not_shared", reason=str(error))
