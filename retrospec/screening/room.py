"""The render room: one warm browser, a place among those that may render at once, and the day's budget."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Unavailable
from retrospec.domain.ids import new_id
from retrospec.domain.settings import Settings
from retrospec.domain.struct_types import make_ready
from retrospec.storage import render_budget
from retrospec.storage.database import Database

if TYPE_CHECKING:
    from retrospec.replay.browser import Renderer

# Playwright, PyAV, NumPy and Pillow cost 35 MB: they are imported at the first look, so that a server
# that never looks stays small.

HOLD_S = 30.0
"""A place whose holder died is free again after so long."""
ASK_AGAIN_S = 0.5


class RenderRoom:
    """``spend`` first, then render ``async with room.place() as renderer``."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._renderer: Renderer | None = None

    async def open(self) -> None:
        """Free what a dead process held; on SQLite only one process can render."""
        if self._database.is_sqlite:
            async with self._database.write() as connection:
                await render_budget.leave_all_slots(connection)

    async def close(self) -> None:
        """End the browser."""
        if self._renderer is not None:
            await self._renderer.close()

    async def spend(self, project_id: str) -> str:
        """Take one render out of today's budget; why not, in a sentence, when it is used up."""
        async with self._database.write() as connection:
            return await render_budget.spend(connection, project_id, self._settings.replay, now=utc_now())

    @asynccontextmanager
    async def place(self) -> "AsyncIterator[Renderer]":
        """One of ``replay.max_parallel`` places, shared by all workers; waits for one. ``Unavailable`` when none comes free."""
        owner = new_id("rnd")
        await self._take(owner)
        holding = asyncio.create_task(self._hold(owner))
        try:
            yield await self._warm()
        finally:
            holding.cancel()
            async with self._database.write() as connection:
                await render_budget.leave_slot(connection, owner)

    async def _take(self, owner: str) -> None:
        replay = self._settings.replay
        try:
            async with asyncio.timeout(4 * replay.timeout_seconds):
                while not await self._try_to_take(owner):  # noqa: ASYNC110 (another process may hold it)
                    await asyncio.sleep(ASK_AGAIN_S)
        except TimeoutError:
            raise Unavailable(
                f"All {replay.max_parallel} places to render in stayed taken (replay.max_parallel)."
            ) from None

    async def _try_to_take(self, owner: str) -> bool:
        now, most = utc_now(), self._settings.replay.max_parallel
        async with self._database.write() as connection:
            return await render_budget.take_slot(
                connection, most=most, owner=owner, now=now, until=now + timedelta(seconds=HOLD_S)
            )

    async def _hold(self, owner: str) -> None:
        while True:
            await asyncio.sleep(HOLD_S / 3)
            async with self._database.write() as connection:
                await render_budget.keep_slot(connection, owner, until=utc_now() + timedelta(seconds=HOLD_S))

    async def _warm(self) -> "Renderer":
        if self._renderer is None:
            self._renderer = await asyncio.to_thread(_new_renderer, self._settings)
        return self._renderer


def _new_renderer(settings: Settings) -> "Renderer":
    from retrospec.replay.browser import Renderer

    make_ready()
    return Renderer(settings.replay)
