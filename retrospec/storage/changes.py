"""One number a project that grows when something of it changed: what open pages ask, instead of everything they show.

Many changes become one step, at most every ``PAUSE_S`` a process: writers cost nothing, and a row that every writer of a
project would wait for is touched once a second. A step lost with its process is made up for by the next one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update

from retrospec.domain.errors import RetroSpecError
from retrospec.domain.session import Stage
from retrospec.storage.tables import chunks, project_changes, sessions
from retrospec.storage.upsert import upsert

PAUSE_S = 1.0


class Changes:
    """Of one process: which projects changed since it last said so."""

    def __init__(self, write_soon: Callable[[Any], Awaitable[Any]]) -> None:
        self._write_soon = write_soon
        self._changed: set[str] = set()
        self._telling: asyncio.Task[None] | None = None

    def note(self, project_id: str) -> None:
        """Something of this project is different now. To be called on the event loop."""
        self._changed.add(project_id)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        while self._changed:
            changed, self._changed = sorted(self._changed), set()
            try:
                await self._write_soon(lambda connection, names=changed: _step(connection, names))
            except RetroSpecError:
                return  # the database cannot be written now: what follows will say that something changed
            await asyncio.sleep(PAUSE_S)

    async def stop(self) -> None:
        """Say nothing more."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.wait([self._telling])


async def _step(connection: Any, names: Sequence[str]) -> None:
    await connection.execute(
        upsert(connection, project_changes, replaced=(), added=("number",)), [{"project_id": name, "number": 1} for name in names]
    )


_NUMBERS = select(project_changes).where(project_changes.c.project_id.in_(bindparam("projects", expanding=True)))


async def numbers(connection: Any, project_ids: Sequence[str]) -> dict[str, int]:
    """Where these projects stand; one that never changed is at 0."""
    found = await connection.execute(_NUMBERS, {"projects": list(project_ids)})
    return dict.fromkeys(project_ids, 0) | {row.project_id: row.number for row in found}


async def note_watched(connection: Any, named: Mapping[str, Sequence[str]], until: datetime) -> None:
    """Somebody looks on while these sessions, by project, are being recorded."""
    for project_id, session_ids in named.items():
        of_these = (sessions.c.project_id == project_id) & sessions.c.id.in_(list(session_ids)) & (sessions.c.stage == Stage.RECORDING)
        await connection.execute(update(sessions).where(of_these).values(watched_until=until))


async def recordings(connection: Any, project_id: str, session_ids: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Chunks and stage of sessions that somebody watches."""
    counted = await connection.execute(
        select(chunks.c.session_id, func.count().label("count"))
        .where(chunks.c.project_id == project_id, chunks.c.session_id.in_(list(session_ids)))
        .group_by(chunks.c.session_id)
    )
    counts = {row.session_id: row.count for row in counted}
    staged = await connection.execute(
        select(sessions.c.id, sessions.c.stage).where(sessions.c.project_id == project_id, sessions.c.id.in_(list(session_ids)))
    )
    return {row.id: (counts.get(row.id, 0), row.stage) for row in staged}
