"""PostgreSQL's write transactions take turns by project, so that each sees what the ones before it did, as on SQLite.

Most of what is stored is read, judged and written again (a session's counts, an issue's tally, the grouping). Two
processes that did so at once would each undo the other's work, or wait for each other's rows until one is killed. So a
transaction first locks the projects it is about; what is about no single project waits for all, and they for it.
Advisory locks end with their transaction, whatever becomes of the process.
"""

import random
import time
from collections.abc import Callable, Iterable
from contextvars import Context, ContextVar
from typing import TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from retrospec.storage.scope import project_of

T = TypeVar("T")

EVERYTHING = ""
"""Stands for every project."""
RACES = frozenset({"40001", "40P01", "23505"})
"""Serialization failure, deadlock, and a row that another transaction added first: done again, each finds what the other did."""
TRIES = 4
LONGEST_WAIT_S = 0.05

_written: ContextVar[str] = ContextVar("written", default=EVERYTHING)
_SHARED = "pg_advisory_xact_lock_shared(hashtextextended('retrospec.writes', 0))"
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('retrospec.writes', 0))")


def write_about(project_id: str) -> None:
    """From here on this task writes about ``project_id`` alone, and waits only for others that do."""
    _written.set(project_id)


def written_project(context: Context | None = None) -> str:
    """The project that is written about here, or in ``context``."""
    if context is not None:
        return context.run(written_project)
    return _written.get() or project_of()


def take_turn(connection: Connection, projects: Iterable[str]) -> None:
    """Wait until nobody else writes about these projects; nothing on SQLite, which has one writer."""
    if connection.dialect.name != "postgresql":
        return
    named = sorted(set(projects))  # in one order everywhere: nobody waits in a circle
    if EVERYTHING in named or not named:
        connection.execute(_ALONE)
        return
    locks = [_SHARED, *(f"pg_advisory_xact_lock(hashtextextended(:p{place}, 1))" for place in range(len(named)))]
    connection.execute(text(f"SELECT {', '.join(locks)}"), {f"p{place}": name for place, name in enumerate(named)})


def raced(error: BaseException) -> bool:
    """Whether another transaction was in the way, and doing it again helps."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") in RACES


def again_after_races(work: Callable[[], T]) -> T:
    """``work()``, and again where another transaction was in its way."""
    for left in range(TRIES - 1, 0, -1):
        try:
            return work()
        except DBAPIError as error:
            if not raced(error):
                raise
        time.sleep(LONGEST_WAIT_S * random.random() / left)
    return work()
