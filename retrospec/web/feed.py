"""What open pages are told: that their project changed, and that a session they watch has more of its recording.

One task a process asks the database for the numbers of the projects that somebody looks at, only while somebody does;
so a change is seen whichever process made it.
"""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import msgspec

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import RetroSpecError
from retrospec.domain.session import Stage
from retrospec.storage import changes
from retrospec.storage.database import Connection, Database

EVERY_S = 1.0
NOTED_EVERY_S = 10.0
"""How often it is written down which sessions somebody watches."""
HEARTBEAT_S = 15.0
"""Proxies end connections that are silent for a minute; and so often it is asked whether the person may still look."""
LONGEST_S = 900.0
MOST_AT_ONCE, MOST_OF_ONE = 300, 12

StillMay = Callable[[], Awaitable[bool]]


class Watcher(msgspec.Struct, eq=False):
    """One open page."""

    project_id: str
    session_id: str
    who: str
    news: asyncio.Event
    number: int = -1
    chunks: int = -1
    stage: str = ""
    told: tuple[int, int, str] = (-1, -1, "")

    def see(self, number: int, recorded: tuple[int, str]) -> None:
        """What stands in the database now."""
        self.number, (self.chunks, self.stage) = number, recorded
        if (self.number, self.chunks, self.stage) != self.told:
            self.news.set()

    def lines(self) -> str:
        """The events that tell what is new, each its own; the latest stands for all before."""
        written = ""
        if self.number != self.told[0]:
            written += event("changed", {"number": self.number})
        if self.session_id and (self.chunks, self.stage) != self.told[1:]:
            written += event("session", {"session": self.session_id, "chunks": self.chunks, "stage": self.stage})
        self.told = self.number, self.chunks, self.stage
        self.news.clear()
        return written


def event(name: str, said: dict[str, object]) -> str:
    """One event of the stream."""
    return f"event: {name}\ndata: {msgspec.json.encode(said).decode()}\n\n"


class Feed:
    """All open pages of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watchers: set[Watcher] = set()
        self._asking: asyncio.Task[None] | None = None
        self._note_at = 0.0
        self._noted: set[str] = set()

    def has_room(self, who: str) -> bool:
        """Whether one more page may be told; without, it asks by itself now and then."""
        return len(self._watchers) < MOST_AT_ONCE and sum(each.who == who for each in self._watchers) < MOST_OF_ONE

    async def follow(self, project_id: str, session_id: str, who: str, still_may: StillMay) -> AsyncIterator[str]:
        """The events of one page, until it closes, its person may no longer look, or a quarter of an hour has passed."""
        watcher = Watcher(project_id, session_id, who, asyncio.Event())
        self._watchers.add(watcher)
        ends = asyncio.get_running_loop().time() + LONGEST_S
        try:
            yield "retry: 4000\n\n"
            while asyncio.get_running_loop().time() < ends:
                self._ask()
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        await watcher.news.wait()
                    yield watcher.lines()
                except TimeoutError:
                    if not await still_may():
                        return
                    yield ": here\n\n"
        finally:
            self._watchers.discard(watcher)

    def _ask(self) -> None:
        if self._asking is None or self._asking.done():
            # Not in the context of the request that came first: that one is about one project alone.
            self._asking = asyncio.create_task(self._ask_while_watched(), context=contextvars.Context())

    async def _ask_while_watched(self) -> None:
        while self._watchers:
            with suppress(RetroSpecError):  # said elsewhere; pages are told when the database answers again
                await self._database.read_once(self._look)
                await self._note_watched()
            await asyncio.sleep(EVERY_S)

    async def _note_watched(self) -> None:
        """So that whichever process takes a watched session's next chunk asks its browser for the one after it soon."""
        time, watched = asyncio.get_running_loop().time(), dict[str, list[str]]()
        for each in self._watchers:
            if each.session_id and each.stage == Stage.RECORDING:
                watched.setdefault(each.project_id, []).append(each.session_id)
        names = {name for names in watched.values() for name in names}
        if not names or (time < self._note_at and names <= self._noted):
            return
        self._note_at, self._noted = time + NOTED_EVERY_S, names
        until = utc_now() + timedelta(seconds=2 * NOTED_EVERY_S)
        await self._database.write_soon(lambda connection: changes.note_watched(connection, watched, until))

    async def _look(self, connection: Connection) -> None:
        watchers = list(self._watchers)
        numbers = await changes.numbers(connection, sorted({each.project_id for each in watchers}))
        recorded: dict[tuple[str, str], tuple[int, str]] = {}
        for project_id in {each.project_id for each in watchers if each.session_id}:
            watched = sorted({each.session_id for each in watchers if each.project_id == project_id and each.session_id})
            found = await changes.recordings(connection, project_id, watched)
            recorded |= {(project_id, name): state for name, state in found.items()}
        loop = self._asking.get_loop() if self._asking else None
        for each in watchers:
            if loop is not None:
                loop.call_soon_threadsafe(each.see, numbers[each.project_id], recorded.get((each.project_id, each.session_id), (-1, "")))
