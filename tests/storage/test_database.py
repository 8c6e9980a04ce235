"""The two doors, and the joint commit."""

import asyncio
import sqlite3

import pytest
from sqlalchemy import insert, select, text

from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Unavailable
from retrospec.storage.database import Connection, Database
from retrospec.storage.tables import projects
from tests.servers.choice import on_sqlite_only


async def add(connection: Connection, name: str) -> str:
    await connection.execute(insert(projects), {"id": name, "name": name, "created_at": utc_now()})
    return name


async def names(database: Database) -> list[str]:
    async with database.read() as connection:
        return [row.id for row in await connection.execute(select(projects.c.id).order_by(projects.c.id))]


async def test_a_write_is_read_once_its_block_has_ended(database: Database) -> None:
    async with database.write() as connection:
        await add(connection, "a")
        assert await names(database) == []
    assert await names(database) == ["a"]


async def test_an_error_in_the_block_undoes_all_of_it(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.write() as connection:
            await add(connection, "a")
            raise ZeroDivisionError
    assert await names(database) == []


async def test_the_reading_door_cannot_write(database: Database) -> None:
    with pytest.raises(Unavailable, match=r"read-?only"):
        async with database.read() as connection:
            await add(connection, "a")
    assert await names(database) == []


async def test_a_reader_keeps_one_view_while_others_write(database: Database) -> None:
    async with database.read() as connection:
        before = await connection.scalar(text("SELECT count(*) FROM projects"))
        async with database.write() as writing:
            await add(writing, "a")
        assert await connection.scalar(text("SELECT count(*) FROM projects")) == before == 0


async def test_twelve_writers_at_once_all_get_their_turn(database: Database) -> None:
    async def write(number: int) -> None:
        async with database.write() as connection:
            await add(connection, f"p{number:02}")

    await asyncio.gather(*(write(number) for number in range(12)))
    assert len(await names(database)) == 12


async def test_joined_writes_each_get_their_own_result(database: Database) -> None:
    results = await asyncio.gather(*(database.write_soon(lambda c, n=n: add(c, f"p{n:03}")) for n in range(300)))
    assert results == [f"p{n:03}" for n in range(300)]
    assert len(await names(database)) == 300


async def test_one_failing_joined_write_harms_no_other(database: Database) -> None:
    async def fail(_: Connection) -> str:
        raise ZeroDivisionError

    outcomes = await asyncio.gather(
        database.write_soon(lambda c: add(c, "a")),
        database.write_soon(fail),
        database.write_soon(lambda c: add(c, "b")),
        return_exceptions=True,
    )
    assert outcomes[0] == "a"
    assert isinstance(outcomes[1], ZeroDivisionError)
    assert outcomes[2] == "b"
    assert await names(database) == ["a", "b"]


async def test_a_joined_write_may_await_only_its_connection(database: Database) -> None:
    async def stray(connection: Connection) -> None:
        await add(connection, "a")
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="other than its connection"):
        await database.write_soon(stray)
    assert await names(database) == []


async def test_a_missing_database_is_named_as_an_outage() -> None:
    lost = Database.open("sqlite:////nonexistent-folder/retrospec.db")
    assert not await lost.is_up()
    await lost.close()


@on_sqlite_only
async def test_a_writer_cancelled_while_its_transaction_begins_keeps_nobody_out(database: Database) -> None:
    other = sqlite3.connect(str(database._writer.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def write() -> None:
        async with database.write():
            raise AssertionError("it was cancelled before")

    waiting = asyncio.create_task(write())
    while database._writer.pool.checkedout() == 0:  # type: ignore[attr-defined]  # noqa: ASYNC110
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    other.execute("ROLLBACK")
    other.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(10), database.write() as connection:
        assert await connection.scalar(select(1)) == 1
