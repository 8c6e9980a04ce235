"""The server's screen parts, from first to last and back."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from retrospec.domain.finding import Finding
from retrospec.domain.recording import Recording
from retrospec.domain.session import Session
from retrospec.domain.window import Window
from retrospec.lookout import Lookout, Publish, Seen
from retrospec.model_line import ModelLine
from retrospec.screening.projector import Projector
from retrospec.screening.room import RenderRoom
from retrospec.screening.strips import StripKeeper


class Screening:
    """What looks at sessions for the pipeline and tells the strips of it."""

    def __init__(self, lookout: Lookout, keeper: StripKeeper) -> None:
        self._lookout = lookout
        self._keeper = keeper

    async def look(
        self, session: Session, recording: Recording, findings: Sequence[Finding], windows: Sequence[Window]
    ) -> Seen:
        """As ``Lookout.look``."""
        try:
            return await self._lookout.look(session, recording, findings, windows)
        finally:
            self._keeper.note_look()


@asynccontextmanager
async def screening(state: Any, line: ModelLine, publish: Publish) -> AsyncIterator[Screening]:
    """Lookout, projector and strip keeper over one render room; ``state.projector`` is there meanwhile."""
    room = RenderRoom(state.settings, state.database)
    keeper = StripKeeper(state.database, state.blobs)
    projector = Projector(state.database, state.blobs, state.vault, room)
    async with AsyncExitStack() as stack:
        await room.open()
        stack.push_async_callback(room.close)
        for work in (projector.work_forever(), keeper.work_forever()):
            stack.push_async_callback(_cancelled, asyncio.create_task(work))
        state.projector = projector
        stack.callback(state.pop, "projector", None)
        yield Screening(Lookout(state.settings, state.blobs, line, room, publish), keeper)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
