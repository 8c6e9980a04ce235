"""Two doors to the database: ``read()`` and ``write()``.

On SQLite one dedicated writer connection begins with ``BEGIN IMMEDIATE`` (a plain ``BEGIN`` that
upgrades later fails at once under contention), readers are ``query_only``, and both sides of WAL
never wait for each other. ``write_soon`` joins small writes of many requests into one commit.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from retrospec.domain.errors import Unavailable

READER_COUNT = 4
WRITE_DEADLINE_S = 30.0
MAX_JOINED_WRITES = 256

Write = Callable[[AsyncConnection], Awaitable[Any]]


def async_url(url: str) -> str:
    """``url`` with the async driver named: ``sqlite://`` → aiosqlite, ``postgresql://`` → psycopg."""
    parsed = make_url(url)
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}
    name = parsed.get_backend_name()
    if name not in drivers:
        raise Unavailable(f"database.url names {name!r}; use sqlite or postgresql")
    return parsed.set(drivername=drivers[name]).render_as_string(hide_password=False)


class Database:
    """Opened with ``Database.open``; every query goes through one of its doors."""

    def __init__(self, reader: AsyncEngine, writer: AsyncEngine, *, is_sqlite: bool) -> None:
        self._reader = reader
        self._writer = writer
        self.is_sqlite = is_sqlite
        self._turn = asyncio.Lock()
        self._waiting: list[tuple[Write, asyncio.Future[Any]]] = []
        self._joiner: asyncio.Task[None] | None = None

    @classmethod
    def open(cls, url: str) -> "Database":
        """Engines for ``url``; connects on first use."""
        full = async_url(url)
        if full.startswith("sqlite"):
            reader = create_async_engine(full, pool_size=READER_COUNT, max_overflow=0, pool_timeout=30)
            writer = create_async_engine(full, pool_size=1, max_overflow=0, pool_timeout=WRITE_DEADLINE_S)
            _prepare_sqlite(reader, query_only=True)
            _prepare_sqlite(writer, query_only=False)
            return cls(reader, writer, is_sqlite=True)
        engine = create_async_engine(full, pool_size=8, max_overflow=4, pool_pre_ping=True)
        return cls(engine, engine, is_sqlite=False)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection that can only read, with one consistent view until it closes."""
        with _outages_named():
            async with self._reader.connect() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end of the block, rolled back on any error.

        Nothing slow belongs inside: on SQLite every other writer waits.
        """
        with _outages_named():
            async with self._turn_to_write(), self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def _turn_to_write(self) -> AsyncIterator[None]:
        if not self.is_sqlite:
            yield
            return
        async with self._turn:
            yield

    async def write_soon(self, write: Write) -> Any:
        """Run ``write(connection)`` together with others' in one commit; its result once durable.

        ``write`` may be run twice (when another's failure undid the joint transaction), so it must
        have no effect outside the database. Its own error reaches only its own caller.
        """
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((write, done))
        if self._joiner is None or self._joiner.done():
            self._joiner = asyncio.create_task(self._commit_waiting())
        return await done

    async def _commit_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_JOINED_WRITES], self._waiting[MAX_JOINED_WRITES:]
            try:
                async with self.write() as connection:
                    results = [await write(connection) for write, _ in batch]
            except Exception:  # one write's failure undid all: give each its own transaction
                await self._commit_one_by_one(batch)
                continue
            for (_, done), result in zip(batch, results, strict=True):
                if not done.done():
                    done.set_result(result)

    async def _commit_one_by_one(self, batch: list[tuple[Write, asyncio.Future[Any]]]) -> None:
        for write, done in batch:
            try:
                async with self.write() as connection:
                    result = await write(connection)
            except Exception as error:  # handed to the caller who asked for this write
                if not done.done():
                    done.set_exception(error)
            else:
                if not done.done():
                    done.set_result(result)

    async def is_up(self) -> bool:
        """Whether a trivial read succeeds."""
        try:
            async with self.read() as connection:
                await connection.execute(text("SELECT 1"))
        except Unavailable:
            return False
        return True

    async def close(self) -> None:
        """Finish joined writes, then close every connection."""
        if self._joiner is not None:
            await self._joiner
        await self._reader.dispose()
        await self._writer.dispose()


class _outages_named:
    """Turns a driver's connection errors into ``Unavailable``."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OperationalError | InterfaceError):
            raise Unavailable(f"The database cannot answer now: {error.orig}") from error


def _prepare_sqlite(engine: AsyncEngine, *, query_only: bool) -> None:
    sync_engine = engine.sync_engine

    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say, below
        cursor = connection.cursor()
        for pragma in _pragmas(query_only=query_only):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN" if query_only else "BEGIN IMMEDIATE")

    event.listen(sync_engine, "connect", on_connect)
    event.listen(sync_engine, "begin", on_begin)


def _pragmas(*, query_only: bool) -> list[str]:
    shared = ["busy_timeout = 10000", "cache_size = -8000", "temp_store = MEMORY"]
    if query_only:
        return [*shared, "query_only = ON"]
    # synchronous NORMAL with WAL: a commit survives the death of the process, and the
    # database survives a power cut, which may cost its last commits.
    return [*shared, "journal_mode = WAL", "synchronous = NORMAL", "journal_size_limit = 67108864"]
