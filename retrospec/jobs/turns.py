"""Whose turn it is: a ring says that there is work, the stage column says which comes first.

Rings lie in the queue in the order they came. Served in that order, one busy project would keep all
others waiting, and a thousand uneventful visits the one that failed.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Unavailable
from retrospec.domain.session import Stage
from retrospec.storage import queue
from retrospec.storage.database import Connection, Database
from retrospec.storage.queue import SessionName
from retrospec.storage.sessions import ACTIVE_STAGES
from retrospec.tracing import span

log = structlog.get_logger()

FRESH_S = 2.0
"""An order older than this is read again, so that a failure that just came in need not wait behind it."""

Advance = Callable[[str, str], Awaitable[bool]]
"""Does what is due for a session; whether anything was."""


class Turns:
    """Answers each ring by advancing the session whose turn it is.

    ``is_paused`` says whether nothing may be worked on now; what is due then stays due. ``stages``: those done here.
    """

    def __init__(
        self, database: Database, advance: Advance, is_paused: Callable[[], bool], stages: tuple[Stage, ...] = ACTIVE_STAGES
    ) -> None:
        self._stages = stages
        self._working: set[asyncio.Task[Any]] = set()
        self._database = database
        self._advance = advance
        self._is_paused = is_paused
        self._order: deque[SessionName] = deque()
        self._read_at = -FRESH_S
        self._in_hand: set[SessionName] = set()
        self._reading = asyncio.Lock()
        self._is_resting = False

    async def answer(self, project_id: str, session_id: str) -> None:
        """A ring for this session was heard.

        Others may go before it, and among them some whose own ring never comes: they became due by waiting and
        were found in the order. So one ring is not one session's work; it ends when its own session had its turn,
        or when an order read after the ring holds nothing to do.
        """
        tried: set[SessionName] = set()
        while not self._is_resting and not self._is_paused() and (chosen := await self._choose(tried)):
            is_own = chosen == (project_id, session_id)
            if await self._work_on(chosen) and is_own:
                return
            tried.add(chosen)

    async def drain(self, seconds: float) -> None:
        """The server stops: choose nothing more, finish what is in hand, and after so long give it back to others."""
        self._is_resting = True
        if self._working:
            _, late = await asyncio.wait(self._working, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def look_forever(self, at_once: int, every_s: float) -> None:
        """Without rings: look for what is due, until cancelled. For a worker that does some stages, since a ring names none."""
        while not self._is_resting:
            try:
                await asyncio.gather(*(self.answer("", "") for _ in range(at_once)))
            except Unavailable as error:
                log.warning("look_postponed", reason=str(error))
            await asyncio.sleep(every_s)

    async def _work_on(self, chosen: SessionName) -> bool:
        self._in_hand.add(chosen)
        working = asyncio.create_task(self._advance_traced(*chosen))
        self._working.add(working)
        try:
            return await working
        except asyncio.CancelledError:
            if self._is_resting and working.cancelled():
                return True
            working.cancel()
            raise
        finally:
            self._working.discard(working)
            self._in_hand.discard(chosen)

    async def _advance_traced(self, project_id: str, session_id: str) -> bool:
        with span("job", project=project_id, session=session_id):
            return await self._advance(project_id, session_id)

    async def _choose(self, tried: set[SessionName]) -> SessionName | None:
        async with self._reading:
            if not self._order or time.monotonic() - self._read_at > FRESH_S:
                self._order = deque(await self._database.read_once(self._read_order))
                self._read_at = time.monotonic()
            while self._order:
                chosen = self._order.popleft()
                if chosen not in self._in_hand and chosen not in tried:
                    self._in_hand.add(chosen)
                    return chosen
        return None

    async def _read_order(self, connection: Connection) -> list[SessionName]:
        return await queue.next_turns(connection, now=utc_now(), stages=self._stages)
