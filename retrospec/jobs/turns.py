"""Whose turn it is: a ring says that there is work, the stage column says which comes first.

Rings lie in the queue in the order they came. Served in that order, one busy project would keep all
others waiting, and a thousand uneventful visits the one that failed.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from retrospec.domain.clock import utc_now
from retrospec.storage import queue
from retrospec.storage.database import Connection, Database
from retrospec.storage.queue import SessionName
from retrospec.tracing import span

FRESH_S = 2.0
"""An order older than this is read again, so that a failure that just came in need not wait behind it."""

Advance = Callable[[str, str], Awaitable[bool]]
"""Does what is due for a session; whether anything was."""


class Turns:
    """Answers each ring by advancing the session whose turn it is.

    ``is_paused`` says whether nothing may be worked on now; what is due then stays due.
    """

    def __init__(self, database: Database, advance: Advance, is_paused: Callable[[], bool]) -> None:
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

    def rest(self) -> None:
        """Finish what is in hand and choose nothing more: the server stops."""
        self._is_resting = True

    async def _work_on(self, chosen: SessionName) -> bool:
        self._in_hand.add(chosen)
        try:
            with span("job", project=chosen[0], session=chosen[1]):
                return await self._advance(*chosen)
        finally:
            self._in_hand.discard(chosen)

    async def _choose(self, tried: set[SessionName]) -> SessionName | None:
        async with self._reading:
            if not self._order or time.monotonic() - self._read_at > FRESH_S:
                self._order = deque(await self._database.read_once(_read_order))
                self._read_at = time.monotonic()
            while self._order:
                chosen = self._order.popleft()
                if chosen not in self._in_hand and chosen not in tried:
                    self._in_hand.add(chosen)
                    return chosen
        return None


async def _read_order(connection: Connection) -> list[SessionName]:
    return await queue.next_turns(connection, now=utc_now())
