"""The courier: takes letters from the outbox to their channels, again and again until they are taken or given up.

Towards a channel a message goes out at least once: a server that dies after sending and before noting it sends the
same message again, with the same ``Idempotency-Key``.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog

from retrospec.alerts.channels import Handed, hand_over
from retrospec.alerts.messages import event_of
from retrospec.alerts.rulebook import channel_named
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Unavailable
from retrospec.domain.ids import new_id
from retrospec.domain.settings_telling import AlertSettings
from retrospec.storage import outbox
from retrospec.storage.alerting import Channel
from retrospec.storage.database import Database
from retrospec.storage.outbox import Delivery, Letter

log = structlog.get_logger()

LONGEST_WAIT_S = 3_600.0
AT_ONCE = 4
"""Messages on their way at the same time: a slow channel does not hold up the others."""

ImageLink = Callable[[Letter], Awaitable[str]]


def retry_wait_s(attempt: int, *, base_s: float, jitter: float, asked_s: float = 0.0) -> float:
    """The wait after the ``attempt``-th try: doubling, up to a quarter shorter or longer, never less than was asked for."""
    doubled = min(base_s * 2.0 ** (attempt - 1), LONGEST_WAIT_S)
    return max(doubled * (0.75 + 0.5 * jitter), min(asked_s, LONGEST_WAIT_S))


class Courier:
    """Delivers what the outbox holds; ``address`` is where people reach this server."""

    def __init__(
        self,
        settings: AlertSettings,
        database: Database,
        address: Callable[[], str],
        image_link: ImageLink,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._settings = settings
        self._database = database
        self._address = address
        self._image_link = image_link
        self._clock = clock
        self._called = asyncio.Event()

    def wake(self) -> None:
        """There is something new: look now rather than at the next round."""
        self._called.set()

    async def run_forever(self, *, every_s: float) -> None:
        """Deliver until cancelled."""
        while True:
            self._called.clear()
            try:
                await self.deliver_due()
            except Unavailable as error:
                log.warning("alerts_postponed", reason=str(error))
            try:
                async with asyncio.timeout(every_s):
                    await self._called.wait()
            except TimeoutError:
                continue

    async def deliver_due(self) -> int:
        """Everything that is due now; how many messages were tried."""
        return sum(await asyncio.gather(*(self._deliver_some() for _ in range(AT_ONCE))))

    async def _deliver_some(self) -> int:
        count = 0
        while letters := await self._claim():
            await self._deliver(letters)
            count += 1
        return count

    async def _claim(self) -> list[Letter]:
        now = self._clock()
        async with self._database.read() as connection:
            if not await outbox.is_any_due(connection, now=now):
                return []
        async with self._database.write() as connection:
            return await outbox.claim_batch(connection, now=now)

    async def _deliver(self, letters: Sequence[Letter]) -> None:
        first, started = letters[0], time.perf_counter()
        handed = await self._hand_over(letters)
        took_ms = round((time.perf_counter() - started) * 1000)
        is_last = first.attempt >= self._settings.max_attempts
        outcome = "dead" if handed.outcome == "retry" and is_last else handed.outcome
        now = self._clock()
        wait_s = retry_wait_s(
            first.attempt,
            base_s=self._settings.retry_base_seconds,
            jitter=random.random(),
            asked_s=handed.retry_after_s,
        )
        delivery = Delivery(
            id=new_id("dlv"),
            project_id=first.project_id,
            batch=first.batch,
            channel_id=first.channel_id,
            at=now,
            took_ms=took_ms,
            outcome=outcome,
            answer=handed.answer[:300],
        )
        log.info("alert_tried", message=first.batch, attempt=first.attempt, outcome=outcome, took_ms=took_ms)
        state = {"delivered": "sent", "retry": "waiting", "dead": "dead"}[outcome]
        async with self._database.write() as connection:
            await outbox.settle(
                connection, delivery, state=state, not_before=now + timedelta(seconds=wait_s), now=now
            )

    async def _hand_over(self, letters: Sequence[Letter]) -> Handed:
        channel = await self._channel_of(letters[0])
        if channel is None:
            return Handed("dead", "The channel was removed.")
        address = self._address()
        events = [event_of(each, address=address, image_url=await self._image_link(each)) for each in letters]
        return await hand_over(channel, letters[0].batch, events, self._settings)

    async def _channel_of(self, letter: Letter) -> Channel | None:
        async with self._database.read() as connection:
            return await channel_named(connection, letter.project_id, letter.channel_id, self._settings)
