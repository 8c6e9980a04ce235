"""Readers that hold a connection and readers that take one in a thread don't wait for each other for ever."""

import asyncio

from sqlalchemy import text

from retrospec.storage.database import READERS, Connection, Database


async def test_held_connections_and_short_reads_share_threads_without_a_standstill(database: Database) -> None:
    held = asyncio.Event()

    async def hold() -> int:
        async with database.read() as connection:
            held.set()
            await asyncio.sleep(0)
            return int(await connection.scalar(text("SELECT 1")))

    async def short() -> int:
        async def one(connection: Connection) -> int:
            return int(await connection.scalar(text("SELECT 1")))

        await held.wait()
        return await database.read_once(one)

    async with asyncio.timeout(20):
        found = await asyncio.gather(*(work() for _ in range(8 * READERS) for work in (hold, short)))
    assert sum(found) == 16 * READERS
