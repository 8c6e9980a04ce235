"""The injection door: a server that stops, or is refused, at a named point. Never part of an ordinary start.

``python -m retrospec.bench.breaking serve …`` is ``retrospec serve`` with every commit, blob write, blob
delete and ring wrapped; the server's own code has no branch for it. Read once from the environment:

``BREAK_AT``   the point, such as ``commit Pipeline._finish.save: before``; empty breaks nothing
``BREAK_HIT``  at which passing of it, from 1
``BREAK_HOW``  ``exit`` (the process ends there and then) or ``refuse`` (the operation fails once)
``BREAK_LOG``  a file that gets each point's name when it is first passed
"""

import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import copy_context
from pathlib import Path
from types import FrameType
from typing import Any

from retrospec import app
from retrospec.domain.artifact import Artifact, new_artifact
from retrospec.domain.errors import Unavailable
from retrospec.domain.finding import Finding
from retrospec.domain.recording import Recording
from retrospec.domain.session import Session
from retrospec.domain.visual import FindingVerdict, VerdictWord, VisualResult
from retrospec.domain.window import Window
from retrospec.jobs.queue import Doorbell
from retrospec.lookout import Seen
from retrospec.storage import database as storage
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Connection, Database
from retrospec.storage.reports import artifact_folder

EXIT_CODE = 86


class Breaker:
    """Counts the passings of points, and breaks at the one it was told."""

    def __init__(self, at: str, hit: int, how: str, log: str) -> None:
        self._at, self._left, self._how = at, hit, how
        self._log = Path(log) if log else None
        self._seen: set[str] = set()
        self._turn = threading.Lock()

    def passing(self, point: str) -> None:
        """Called at a point. Raises Unavailable, or never returns, where this is the one."""
        with self._turn:
            if self._log and point not in self._seen:
                self._seen.add(point)
                with self._log.open("a", encoding="utf-8") as log:
                    log.write(f"{point}\n")
            if point != self._at:
                return
            self._left -= 1
            is_now = self._left == 0
        if is_now and self._how == "exit":
            os._exit(EXIT_CODE)
        if is_now:
            raise Unavailable(f"Refused on purpose at {point}.")


def install(breaker: Breaker) -> None:
    """Wrap what must survive being cut short."""
    _wrap_joined_commits(breaker)
    _wrap_own_commits(breaker)
    _wrap(Blobs, "put_here", "blob", breaker)
    _wrap_async(Blobs, "delete", "blob delete", breaker)
    _wrap(Doorbell, "ring", "ring", breaker)
    setattr(app, "why_not", lambda _settings: "")  # noqa: B010 (app does not export it)
    app._looking = _standing_in  # type: ignore[assignment]


def _caller_name(frame: FrameType) -> str:
    name = frame.f_code.co_qualname.replace(".<locals>", "")
    return "from a thread" if name == "_WorkItem.run" else name


def _work_name(work: Any) -> str:
    return str(getattr(work, "__qualname__", type(work).__name__)).replace(".<locals>", "")


def _wrap_joined_commits(breaker: Breaker) -> None:
    original = storage._run_joined

    def run_joined(engine: Any, works: Sequence[storage.Asked]) -> list[Any]:
        names = sorted({_work_name(asked.work) for asked in works})

        async def last(_connection: Connection) -> None:
            for name in names:
                breaker.passing(f"commit {name}: before")

        outcomes = original(engine, [*works, storage.Asked(last, copy_context(), 0.0)])
        for name in names:
            breaker.passing(f"commit {name}: after")
        return outcomes[:-1]

    storage._run_joined = run_joined


def _wrap_own_commits(breaker: Breaker) -> None:
    write, committed, undone = Database.write, storage._committed, storage._undone
    names: dict[int, str] = {}

    @asynccontextmanager
    async def named(self: Database, name: str) -> AsyncIterator[Connection]:
        async with write(self) as connection:
            names[id(connection._sync)] = name
            yield connection

    def commit(connection: Any) -> None:
        name = names.pop(id(connection), "")
        if not name:
            return committed(connection)
        try:
            breaker.passing(f"commit {name}: before")
        except Unavailable:
            undone(connection)
            raise
        committed(connection)
        return breaker.passing(f"commit {name}: after")

    Database.write = lambda self: named(self, _caller_name(sys._getframe(1)))  # type: ignore[method-assign]
    storage._committed = commit


def _wrap(owner: type, name: str, kind: str, breaker: Breaker) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    def wrapped(self: Any, *given: Any) -> Any:
        point = f"{kind} {_caller_name(sys._getframe(1))}"
        breaker.passing(f"{point}: before")
        answer = original(self, *given)
        breaker.passing(f"{point}: after")
        return answer

    setattr(owner, name, wrapped)


def _wrap_async(owner: type, name: str, kind: str, breaker: Breaker) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    async def wrapped(self: Any, *given: Any) -> Any:
        point = f"{kind} {_caller_name(sys._getframe(1))}"
        breaker.passing(f"{point}: before")
        answer = await original(self, *given)
        breaker.passing(f"{point}: after")
        return answer

    setattr(owner, name, wrapped)


@asynccontextmanager
async def _standing_in(running: Any, *_more: Any) -> AsyncIterator[Any]:
    """Stage 2 without a browser: it keeps one picture a session and confirms everything."""

    async def look(
        session: Session, _recording: Recording, findings: Sequence[Finding], windows: Sequence[Window]
    ) -> Seen:
        key = f"{artifact_folder(session)}/frame-1.webp"
        await running.state.blobs.put(key, b"picture")
        said = [FindingVerdict(finding_id=f.id, verdict=VerdictWord.CONFIRMED, confidence=0.9, sentence="It showed.") for f in findings]
        frame: Artifact = new_artifact(session, "frame", key, windows=list(windows), trigger="confirmation", size_bytes=7)
        return Seen(VisualResult(status="ready", checker="stand-in", windows=list(windows), verdicts=said), [frame])

    yield look


def _from_environment() -> Breaker:
    env = os.environ
    return Breaker(env.get("BREAK_AT", ""), int(env.get("BREAK_HIT", "1")), env.get("BREAK_HOW", "exit"), env.get("BREAK_LOG", ""))


if __name__ == "__main__":
    install(_from_environment())
    from retrospec.cli.main import main

    main(prog_name="retrospec")
