"""Two doors to the database, ``read()`` and ``write()``, and their short forms for one function.

Statements run in threads of our own over SQLAlchemy's plain connections. A thread hop costs more
than most statements, so the short forms run a whole function of them in one hop, and ``write_soon``
joins the writes of many requests into one commit (docs/adr/0011).

On PostgreSQL the reading door is read-only with one view, and writers take turns by project (``one_writer``).
On SQLite one dedicated writer connection begins with ``BEGIN IMMEDIATE`` (a plain ``BEGIN`` that
upgrades later fails at once under contention), readers are ``query_only``, and both sides of WAL
never wait for each other.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from contextvars import Context, copy_context
from functools import partial
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import Engine, Executable, text
from sqlalchemy.engine import CursorResult, Dialect
from sqlalchemy.exc import SQLAlchemyError

from retrospec.domain.errors import Outage, Unavailable
from retrospec.domain.struct_types import make_ready
from retrospec.storage.changes import Changes
from retrospec.storage.engines import engines_for, outages_named
from retrospec.storage.log_folding import LogFolding
from retrospec.storage.one_writer import again_after_races, take_turn, written_project
from retrospec.storage.scope import is_about_one_project
from retrospec.storage.time_limit import ended_after

READERS = 4
MAX_JOINED_WRITES = 128
ANSWER_S = 20.0
"""Longest wait for a database server; past it whoever asked is told to come again."""

T = TypeVar("T")
A = TypeVar("A")
Parameters = dict[str, Any] | Sequence[dict[str, Any]] | None


class Rows:
    """What a statement answered, already fetched."""

    def __init__(self, result: CursorResult[Any]) -> None:
        self._rows: Sequence[Any] = result.all() if result.returns_rows else ()
        self.rowcount = result.rowcount

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> Sequence[Any]:
        """Every row."""
        return self._rows

    def first(self) -> Any:
        """The first row, or None."""
        return self._rows[0] if self._rows else None

    def one(self) -> Any:
        """The only row. Raises ValueError when there are none or several."""
        (row,) = self._rows
        return row

    def scalar(self) -> Any:
        """The first column of the first row, or None."""
        return self._rows[0][0] if self._rows else None


class Connection:
    """An open transaction behind a door; ``await connection.execute(…)`` like SQLAlchemy's own."""

    def __init__(self, sync: SyncConnection, executor: Executor | None, limit_s: float) -> None:
        self._sync = sync
        self._limit_s = limit_s
        """Longest time of one statement; 0 is for ever."""
        self._executor = executor
        """Where statements run; None when the caller is in the right thread already."""

    @property
    def dialect(self) -> Dialect:
        """Of the database behind it."""
        return self._sync.dialect

    async def execute(self, statement: Executable, parameters: Parameters = None) -> Rows:
        """Run one statement, or one with many parameter sets."""
        return await self._run(lambda: self._rows(statement, parameters))

    async def scalar(self, statement: Executable, parameters: Parameters = None) -> Any:
        """The first column of the first row, or None."""
        return (await self.execute(statement, parameters)).scalar()

    async def exec_driver_sql(self, statement: str) -> Rows:
        """Run text as it is; for what SQL has no construct for."""
        return await self._run(lambda: Rows(self._sync.exec_driver_sql(statement)))

    def _rows(self, statement: Executable, parameters: Parameters) -> Rows:
        with ended_after(self._sync, self._limit_s):
            return Rows(self._sync.execute(statement, parameters))

    async def _run(self, work: Callable[[], T]) -> T:
        if self._executor is None:
            return work()
        # in this context: the engine asks which project it is about
        return await asyncio.get_running_loop().run_in_executor(self._executor, copy_context().run, work)


Work = Callable[..., Awaitable[Any]]
First = Callable[[SyncConnection], None]
"""What a transaction does before anything else."""


def _nothing(_connection: SyncConnection) -> None:
    """Reading needs no turn."""


class Asked(NamedTuple):
    """A function to run in a thread, as whoever asked for it: about that project, within its time."""

    work: Work
    context: Context
    limit_s: float
    given: Any = None
    """What ``write_with`` hands on; others have bound what they need."""


def _unheard(answer: asyncio.Future[Any]) -> None:
    """Nobody waits for it any longer: its error is not to be complained of."""
    if not answer.cancelled():
        answer.exception()


class Database:
    """Opened with ``Database.open``; every query goes through one of its doors."""

    def __init__(self, reader: Engine, writer: Engine, request_seconds: float) -> None:
        self._request_seconds = request_seconds
        self.is_sqlite = writer.dialect.name == "sqlite"
        self._reader, self._writer = reader, writer
        writers = 1 if self.is_sqlite else READERS
        self._read_threads = ThreadPoolExecutor(READERS, thread_name_prefix="db-read")
        self._write_threads = ThreadPoolExecutor(writers, thread_name_prefix="db-write")
        self._alone_thread = ThreadPoolExecutor(1, thread_name_prefix="db-alone")
        self._write_turns = asyncio.Semaphore(writers)
        self._read_turns = asyncio.Semaphore(READERS)
        self._waiting: list[tuple[Asked, asyncio.Future[Any]]] = []
        self._joiner: asyncio.Task[None] | None = None
        self.changes = Changes(self.write_soon)
        path = writer.url.database
        self._log = LogFolding(path) if self.is_sqlite and path else None

    @classmethod
    def open(cls, url: str, *, request_seconds: float = 0.0) -> "Database":
        """Engines for ``url``; connects on first use. Its threads decode rows: types are made ready before.

        ``request_seconds``: longest time of a statement of a request that is about one project; 0 is for ever.
        """
        make_ready()
        return cls(*engines_for(url, readers=READERS), request_seconds)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A connection that can only read, with one consistent view until the block ends."""
        async with self._read_turns, self._opened(self._reader, self._read_threads) as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Connection]:
        """A transaction: committed at the end of the block, rolled back on any error.

        Nothing slow belongs inside: on SQLite every other writer waits.
        """
        turn = partial(take_turn, projects=[written_project()])
        async with self._write_turns, self._opened(self._writer, self._write_threads, turn) as connection:
            yield connection
        self._note_commit()

    def _note_commit(self) -> None:
        if self._log is not None:
            self._log.note_commit()

    @asynccontextmanager
    async def _opened(self, engine: Engine, threads: Executor, first: First = _nothing) -> AsyncIterator[Connection]:
        loop = asyncio.get_running_loop()
        with outages_named():
            begun = loop.run_in_executor(threads, _begun, engine, first)
            try:
                sync = await asyncio.shield(begun)
            except asyncio.CancelledError:  # the thread goes on: what it opens would never be given back
                await asyncio.shield(_given_back(begun, threads))
                raise
            try:
                yield Connection(sync, threads, self._limit_s())
            except BaseException:
                await asyncio.shield(loop.run_in_executor(threads, _undone, sync))
                raise
            await asyncio.shield(loop.run_in_executor(threads, _committed, sync))

    async def read_once(self, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        """``work(connection)`` in one thread hop and one consistent view. It may await only its connection."""
        # In turn with ``read()``: else threads wait here for connections whose holders wait for a thread.
        async with self._read_turns:
            running = asyncio.get_running_loop().run_in_executor(self._read_threads, _run_once, self._reader, self._asked(work))
            return await self._answer_of(running)

    async def write_soon(self, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        """``work(connection)`` together with others' in one commit; its result once that is durable.

        It may await only its connection, and may be run twice (when another's failure undid the
        joint transaction), so it has no effect outside the database. Its own error reaches only its
        own caller.
        """
        return await self._written(self._asked(work))  # type: ignore[no-any-return]

    async def write_with(self, work: Callable[[Connection, Sequence[A]], Coroutine[Any, Any, Sequence[T]]], given: A) -> T:
        """``write_soon`` for what many ask at once: ``work(connection, all that was given)`` has an answer for each, in that order.

        Those about one project go together, so that what takes a statement each can take one for all.
        """
        return await self._written(self._asked(work)._replace(given=given))  # type: ignore[no-any-return]

    async def _written(self, asked: "Asked") -> Any:
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, done))
        if self._joiner is None or self._joiner.done():
            self._joiner = asyncio.create_task(self._commit_waiting())
        return await self._answer_of(done)

    async def _answer_of(self, answer: asyncio.Future[T]) -> T:
        """What a server that may stand still says within ``ANSWER_S``. What was to be written may be written later still."""
        if self.is_sqlite:
            return await answer
        try:
            async with asyncio.timeout(ANSWER_S):
                return await asyncio.shield(answer)
        except TimeoutError as error:
            answer.add_done_callback(_unheard)
            raise Outage(f"The database did not answer within {ANSWER_S:g} s.") from error

    def _limit_s(self) -> float:
        return self._request_seconds if is_about_one_project() else 0.0

    def _asked(self, work: Work) -> "Asked":
        return Asked(work, copy_context(), self._limit_s())

    async def _commit_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            async with self._write_turns:
                batch, self._waiting = self._waiting[:MAX_JOINED_WRITES], self._waiting[MAX_JOINED_WRITES:]
                works = [work for work, _ in batch]
                try:
                    outcomes = await loop.run_in_executor(self._write_threads, _run_joined, self._writer, works)
                except Exception as error:  # each of them waits for an answer, whatever happened
                    outcomes = [error] * len(batch)
            self._note_commit()
            for (_, done), outcome in zip(batch, outcomes, strict=True):
                if done.done():
                    continue
                if isinstance(outcome, BaseException):
                    done.set_exception(outcome)
                else:
                    done.set_result(outcome)

    async def empty_log(self) -> bool:
        """Leave nothing of what was deleted in SQLite's log; whether that was possible. PostgreSQL's own log is its own matter."""
        return self._log is None or await self._log.empty()

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[bool]:
        """Whether this process alone may do the periodic work ``name`` for the length of the block.

        On SQLite always. On PostgreSQL by an advisory lock that ends with its transaction, so a
        process that dies lets go, and a pooler between may hand connections around.
        """
        if self.is_sqlite:
            yield True
            return
        async with self._opened(self._writer, self._alone_thread) as connection:
            await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            yield bool(await connection.scalar(text("SELECT pg_try_advisory_xact_lock(hashtext(:name))"), {"name": f"retrospec.{name}"}))

    async def is_up(self) -> bool:
        """Whether a trivial read succeeds."""

        async def ask(connection: Connection) -> None:
            await connection.execute(text("SELECT 1"))

        try:
            await self.read_once(ask)
        except Unavailable:
            return False
        return True

    async def close(self) -> None:
        """Finish joined writes, then close every connection and thread."""
        await self.changes.stop()
        if self._joiner is not None:
            await self._joiner
        if self._log is not None:
            await self._log.stop()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._read_threads.shutdown()
        self._write_threads.shutdown()
        self._alone_thread.shutdown()
        self._reader.dispose()
        self._writer.dispose()


def _begun(engine: Engine, first: First) -> SyncConnection:
    connection = engine.connect()
    try:
        connection.begin()
        first(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _committed(connection: SyncConnection) -> None:
    try:
        connection.commit()
    finally:
        connection.close()


async def _given_back(begun: asyncio.Future[SyncConnection], threads: Executor) -> None:
    with suppress(SQLAlchemyError):
        await asyncio.get_running_loop().run_in_executor(threads, _undone, await begun)


def _undone(connection: SyncConnection) -> None:
    connection.close()


def _run_once(engine: Engine, asked: Asked) -> Any:
    """One function that reads, in one transaction of its own."""
    with outages_named(), engine.begin() as connection:
        return _driven(asked, connection)


def _run_alone(engine: Engine, asked: Asked) -> Any:
    """One function that writes, in one transaction of its own, in its turn."""

    def run() -> Any:
        with engine.begin() as connection:
            take_turn(connection, [written_project(asked.context)])
            return _together([asked], connection)[0]

    with outages_named():
        return again_after_races(run)


def _run_joined(engine: Engine, works: Sequence[Asked]) -> list[Any]:
    """All functions in one transaction; each alone when one of them fails. Results or exceptions."""
    try:
        with engine.begin() as connection:
            take_turn(connection, (written_project(work.context) for work in works))
            return _together(works, connection)
    except Exception:  # one failure undid all: each gets its own transaction, and its own error
        return [_outcome(engine, work) for work in works]


def _outcome(engine: Engine, work: Asked) -> Any:
    try:
        return _run_alone(engine, work)
    except Exception as error:  # handed to the caller who asked for this write
        return error


def _together(works: Sequence[Asked], connection: SyncConnection) -> list[Any]:
    """One result each; the same work about the same project is done once for all who gave it something."""
    groups: dict[Any, list[int]] = {}
    for place, each in enumerate(works):
        groups.setdefault(place if each.given is None else (each.work, written_project(each.context), each.limit_s), []).append(place)
    results: list[Any] = [None] * len(works)
    for places in groups.values():
        first, given = works[places[0]], [works[place].given for place in places]
        answers = [_driven(first, connection)] if first.given is None else _driven(first, connection, given)
        for place, answer in zip(places, answers, strict=True):
            results[place] = answer
    return results


def _driven(asked: Asked, connection: SyncConnection, *given: Any) -> Any:
    """Run the work to its end in this thread: its connection never suspends it."""
    running: Any = asked.work(Connection(connection, None, asked.limit_s), *given)
    try:
        asked.context.run(running.send, None)
    except StopIteration as ended:
        return ended.value
    running.close()
    raise RuntimeError("A read_once or write_soon function awaited something other than its connection.")
