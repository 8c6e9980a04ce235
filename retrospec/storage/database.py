"""Two doors to the database, ``read()`` and ``write()``, and their short forms for one function.

Statements run in threads of our own over SQLAlchemy's plain connections. A thread hop costs more
than most statements, so the short forms run a whole function of them in one hop, and ``write_soon``
joins the writes of many requests into one commit (docs/adr/0011).

On SQLite one dedicated writer connection begins with ``BEGIN IMMEDIATE`` (a plain ``BEGIN`` that
upgrades later fails at once under contention), readers are ``query_only``, and both sides of WAL
never wait for each other.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import Engine, Executable, create_engine, event, text
from sqlalchemy.engine import CursorResult, Dialect, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from retrospec.domain.errors import SettingsError, StorageFull, Unavailable
from retrospec.domain.struct_types import make_ready
from retrospec.storage.scope import refuse_other_projects

READERS = 4
POOL_WAIT_S = 30.0
MAX_JOINED_WRITES = 128
CONNECT_S = 5
STATEMENT_MS = 30_000
"""Longest a statement may take on PostgreSQL, unless the URL's own ``options`` say otherwise."""
DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}

T = TypeVar("T")
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

    def __init__(self, sync: SyncConnection, executor: Executor | None) -> None:
        self._sync = sync
        self._executor = executor
        """Where statements run; None when the caller is in the right thread already."""

    @property
    def dialect(self) -> Dialect:
        """Of the database behind it."""
        return self._sync.dialect

    async def execute(self, statement: Executable, parameters: Parameters = None) -> Rows:
        """Run one statement, or one with many parameter sets."""
        refuse_other_projects(statement, parameters)
        return await self._run(lambda: Rows(self._sync.execute(statement, parameters)))

    async def scalar(self, statement: Executable, parameters: Parameters = None) -> Any:
        """The first column of the first row, or None."""
        return (await self.execute(statement, parameters)).scalar()

    async def exec_driver_sql(self, statement: str) -> Rows:
        """Run text as it is; for what SQL has no construct for."""
        return await self._run(lambda: Rows(self._sync.exec_driver_sql(statement)))

    async def _run(self, work: Callable[[], T]) -> T:
        if self._executor is None:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


Work = Callable[[Connection], Awaitable[Any]]


class Database:
    """Opened with ``Database.open``; every query goes through one of its doors."""

    def __init__(self, reader: Engine, writer: Engine) -> None:
        self.is_sqlite = writer.dialect.name == "sqlite"
        self._reader, self._writer = reader, writer
        writers = 1 if self.is_sqlite else READERS
        self._read_threads = ThreadPoolExecutor(READERS, thread_name_prefix="db-read")
        self._write_threads = ThreadPoolExecutor(writers, thread_name_prefix="db-write")
        self._write_turns = asyncio.Semaphore(writers)
        self._read_turns = asyncio.Semaphore(READERS)
        self._waiting: list[tuple[Work, asyncio.Future[Any]]] = []
        self._joiner: asyncio.Task[None] | None = None

    @classmethod
    def open(cls, url: str) -> "Database":
        """Engines for ``url``; connects on first use. Its threads decode rows: types are made ready before."""
        make_ready()
        full = sync_url(url)
        if full.startswith("sqlite"):
            options: dict[str, Any] = {
                "connect_args": {"check_same_thread": False},
                "pool_timeout": POOL_WAIT_S,
            }
            reader = create_engine(full, pool_size=READERS, max_overflow=0, **options)
            writer = create_engine(full, pool_size=1, max_overflow=0, **options)
            _prepare_sqlite(reader, query_only=True)
            _prepare_sqlite(writer, query_only=False)
            return cls(reader, writer)
        engine = create_engine(
            full, pool_size=2 * READERS, max_overflow=0, pool_pre_ping=True, pool_timeout=POOL_WAIT_S, connect_args=_postgres_options(full)
        )
        return cls(engine, engine)

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
        async with self._write_turns, self._opened(self._writer, self._write_threads) as connection:
            yield connection

    @asynccontextmanager
    async def _opened(self, engine: Engine, threads: Executor) -> AsyncIterator[Connection]:
        loop = asyncio.get_running_loop()
        with _outages_named():
            begun = loop.run_in_executor(threads, _begun, engine)
            try:
                sync = await asyncio.shield(begun)
            except asyncio.CancelledError:  # the thread goes on: what it opens would never be given back
                await asyncio.shield(_given_back(begun, threads))
                raise
            try:
                yield Connection(sync, threads)
            except BaseException:
                await asyncio.shield(loop.run_in_executor(threads, _undone, sync))
                raise
            await asyncio.shield(loop.run_in_executor(threads, _committed, sync))

    async def read_once(self, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        """``work(connection)`` in one thread hop and one consistent view. It may await only its connection."""
        # In turn with ``read()``: else threads wait here for connections whose holders wait for a thread.
        async with self._read_turns:
            return await asyncio.get_running_loop().run_in_executor(
                self._read_threads, _run_alone, self._reader, work
            )

    async def write_soon(self, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        """``work(connection)`` together with others' in one commit; its result once that is durable.

        It may await only its connection, and may be run twice (when another's failure undid the
        joint transaction), so it has no effect outside the database. Its own error reaches only its
        own caller.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if self._joiner is None or self._joiner.done():
            self._joiner = asyncio.create_task(self._commit_waiting())
        return await done

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
            for (_, done), outcome in zip(batch, outcomes, strict=True):
                if done.done():
                    continue
                if isinstance(outcome, BaseException):
                    done.set_exception(outcome)
                else:
                    done.set_result(outcome)

    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[bool]:
        """Whether this process alone may do the periodic work ``name`` for the length of the block.

        On SQLite always. On PostgreSQL by an advisory lock that ends with its transaction, so a
        process that dies lets go, and a pooler between may hand connections around.
        """
        if self.is_sqlite:
            yield True
            return
        async with self.read() as connection:
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
        if self._joiner is not None:
            await self._joiner
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._read_threads.shutdown()
        self._write_threads.shutdown()
        self._reader.dispose()
        self._writer.dispose()


def sync_url(url: str) -> str:
    """``url`` with its driver named. Raises SettingsError for a database we do not speak."""
    parsed = make_url(url)
    name = parsed.get_backend_name()
    if name not in DRIVERS:
        raise SettingsError(f"database.url names {name!r}; use sqlite or postgresql")
    return parsed.set(drivername=DRIVERS[name]).render_as_string(hide_password=False)


def _postgres_options(url: str) -> dict[str, Any]:
    given = make_url(url).query
    options: dict[str, Any] = {} if "connect_timeout" in given else {"connect_timeout": CONNECT_S}
    if "options" not in given:
        options["options"] = f"-c statement_timeout={STATEMENT_MS}"
    return options


def _begun(engine: Engine) -> SyncConnection:
    connection = engine.connect()
    try:
        connection.begin()
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


def _run_alone(engine: Engine, work: Work) -> Any:
    """One function in one transaction of its own."""
    with _outages_named(), engine.begin() as connection:
        return _driven(work, connection)


def _run_joined(engine: Engine, works: Sequence[Work]) -> list[Any]:
    """All functions in one transaction; each alone when one of them fails. Results or exceptions."""
    try:
        with engine.begin() as connection:
            return [_driven(work, connection) for work in works]
    except Exception:  # one failure undid all: each gets its own transaction, and its own error
        return [_outcome(engine, work) for work in works]


def _outcome(engine: Engine, work: Work) -> Any:
    try:
        return _run_alone(engine, work)
    except Exception as error:  # handed to the caller who asked for this write
        return error


def _driven(work: Work, connection: SyncConnection) -> Any:
    """Run ``work`` to its end in this thread: its connection never suspends it."""
    running: Any = work(Connection(connection, None))
    try:
        running.send(None)
    except StopIteration as ended:
        return ended.value
    running.close()
    raise RuntimeError("A read_once or write_soon function awaited something other than its connection.")


@contextmanager
def _outages_named() -> Iterator[None]:
    """Turn a driver's connection errors into ``Unavailable``."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        if "disk is full" in str(error.orig) or "No space left" in str(error.orig):
            raise StorageFull("The disk is full: the database was not changed.", retry_after_s=60) from error
        raise Unavailable(f"The database cannot answer now: {_said(error)}") from error
    except NoFreeConnection as error:
        raise Unavailable("The database cannot answer now: every connection to it is in use.") from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") not in _PASSING:
            raise
        raise Unavailable(f"The database cannot answer now: {_said(error)}") from error


_PASSING = {"25006"}
"""Beyond what the driver itself calls operational: a server that is read-only, as in a failover."""


def _said(error: DBAPIError) -> str:
    """What the driver said, as one sentence: PostgreSQL's takes several lines."""
    lines = [line.strip() for line in str(error.orig).splitlines() if line.strip()]
    return f"{(lines or ['no reason was given'])[0].rstrip('.')}."


def _prepare_sqlite(engine: Engine, *, query_only: bool) -> None:
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say, below
        cursor = connection.cursor()
        for pragma in _pragmas(query_only=query_only):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def on_begin(connection: SyncConnection) -> None:
        connection.exec_driver_sql("BEGIN" if query_only else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)


def _pragmas(*, query_only: bool) -> list[str]:
    shared = ["busy_timeout = 10000", "cache_size = -8000", "temp_store = MEMORY"]
    if query_only:
        return [*shared, "query_only = ON"]
    # synchronous NORMAL with WAL: a commit survives the death of the process, and the
    # database survives a power cut, which may cost its last commits.
    return [*shared, "journal_mode = WAL", "synchronous = NORMAL", "journal_size_limit = 67108864"]
