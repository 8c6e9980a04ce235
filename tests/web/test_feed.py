"""Open pages are told of what changes, whichever process changed it, and only while the person may look."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert

from retrospec.storage import changes
from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate
from retrospec.storage.tables import chunks, sessions
from retrospec.web import feed as feeds
from retrospec.web.feed import MOST_OF_ONE, Feed
from tests.servers.choice import rows_url

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = rows_url(tmp_path)
    migrate(url)
    opened = Database.open(url)
    yield opened
    await opened.close()


async def always() -> bool:
    return True


async def next_event(events: AsyncIterator[str]) -> str:
    async with asyncio.timeout(20):
        return await anext(events)


async def test_a_change_made_by_another_process_is_told(database: Database) -> None:
    told = Feed(database).follow("shop", "", "ada", always)
    assert await next_event(told) == "retry: 4000\n\n"
    assert await next_event(told) == 'event: changed\ndata: {"number":0}\n\n'
    async with database.write() as connection:  # as another process would, behind this one's back
        await changes._step(connection, ["shop", "other"])
    assert await next_event(told) == 'event: changed\ndata: {"number":1}\n\n'
    await told.aclose()  # type: ignore[attr-defined]


async def test_a_session_being_recorded_is_told_chunk_by_chunk(database: Database) -> None:
    async with database.write() as connection:
        row = {"project_id": "shop", "id": "s", "site": "x", "route": "/", "started_at": NOW, "duration_ms": 1, "events_object_key": "k"}
        await connection.execute(insert(sessions), row | {"created_at": NOW, "updated_at": NOW, "stage": "recording", "not_before": NOW})
    told = Feed(database).follow("shop", "s", "ada", always)
    await next_event(told)
    assert 'event: session\ndata: {"session":"s","chunks":0,"stage":"recording"}' in await next_event(told)
    async with database.write() as connection:
        piece = {"project_id": "shop", "session_id": "s", "tab_id": "t", "seq": 0, "object_key": "k", "sha256": "", "size_bytes": 1}
        await connection.execute(insert(chunks), piece | {"inflated_bytes": 1, "event_count": 1, "first_ms": 1, "last_ms": 2, "created_at": NOW})
    assert await next_event(told) == 'event: session\ndata: {"session":"s","chunks":1,"stage":"recording"}\n\n'
    await told.aclose()  # type: ignore[attr-defined]


async def test_the_stream_ends_when_the_person_may_no_longer_look(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "HEARTBEAT_S", 0.05)
    may = True

    async def still_may() -> bool:
        return may

    told = Feed(database).follow("shop", "", "ada", still_may)
    while await next_event(told) != ": here\n\n":
        pass
    may = False
    with pytest.raises(StopAsyncIteration):
        while True:
            await next_event(told)


async def test_one_person_has_only_so_many_streams_and_a_closed_one_makes_room(database: Database) -> None:
    feed = Feed(database)
    opened = [feed.follow("shop", "", "ada", always) for _ in range(MOST_OF_ONE)]
    for told in opened:
        await next_event(told)
    assert not feed.has_room("ada")
    assert feed.has_room("bo")
    await opened[0].aclose()  # type: ignore[attr-defined]
    assert feed.has_room("ada")
    for told in opened[1:]:
        await told.aclose()  # type: ignore[attr-defined]


async def test_many_changes_are_one_step(database: Database) -> None:
    for _ in range(50):
        database.changes.note("shop")
    async with asyncio.timeout(20):
        while await database.read_once(lambda connection: changes.numbers(connection, ["shop"])) != {"shop": 1}:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
