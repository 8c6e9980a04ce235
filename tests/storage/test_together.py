"""What many ask for at once is written together, and comes out as if each had been alone."""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from retrospec.domain.clock import utc_now
from retrospec.domain.marker import Marker, MarkerKind
from retrospec.domain.session import Stage
from retrospec.storage import recordings
from retrospec.storage.arrivals import Arrival, land, land_all
from retrospec.storage.database import Connection, Database
from retrospec.storage.migrate import migrate
from retrospec.storage.one_writer import write_about
from retrospec.storage.recordings import StoredChunk
from retrospec.storage.tables import issue_sessions, kind_clusters, kind_hours, markers, sessions
from tests.servers.choice import rows_url

NOW = utc_now()
WRITTEN = (sessions, markers, issue_sessions, kind_hours, kind_clusters)
Asked = list[tuple[str, int]]


async def echo(_: Connection, given: Sequence[tuple[Asked, str, int]]) -> list[str]:
    """Answers each, and notes how many came together."""
    given[0][0].append((given[0][1], len(given)))
    return [f"{project} {number}" for _, project, number in given]


async def ask(database: Database, asked: Asked, project: str, number: int) -> str:
    write_about(project)
    return await database.write_with(echo, (asked, project, number))


async def test_each_is_answered_with_its_own_and_projects_stay_apart(database: Database) -> None:
    asked: Asked = []
    given = [(f"p{number % 2}", number) for number in range(40)]
    said = await asyncio.gather(*(ask(database, asked, *each) for each in given))
    assert said == [f"{project} {number}" for project, number in given]
    assert {project: sum(count for name, count in asked if name == project) for project in ("p0", "p1")} == {"p0": 20, "p1": 20}
    assert len(asked) < len(given)


async def test_one_that_cannot_be_written_harms_none_it_came_with(database: Database) -> None:
    async def divide(_: Connection, given: Sequence[int]) -> list[float]:
        return [1 / each for each in given]

    outcomes = await asyncio.gather(*(database.write_with(divide, number) for number in (1, 0, 2)), return_exceptions=True)
    assert outcomes[0] == 1
    assert isinstance(outcomes[1], ZeroDivisionError)
    assert outcomes[2] == 0.5


def some_arrival(chance: random.Random) -> Arrival:
    """Of one of few sessions, so that several are of the same; with markers that were there before, and some past the limit."""
    session = f"s{chance.randrange(8)}"
    return Arrival(
        project_id="p", session_id=session, site="Shop", route="/", started_at=NOW, duration_ms=chance.randrange(9_000), events_object_key=f"{session}.json",
        visitor_id=chance.choice(["", "v1"]), release=chance.choice(["", "1.0"]), tags={chance.choice("abc"): "x"}, overhead_ms=chance.randrange(9),
        dropped={"quota": 1} if chance.random() < 0.3 else {}, lost_markers={"l1": "why"} if chance.random() < 0.2 else {},
        added_events=chance.randrange(2), stage=chance.choice([Stage.ANALYSIS, Stage.RECORDING]), wait=timedelta(seconds=chance.randrange(3)),
        markers=list({each.id: each for each in (some_marker(chance, session) for _ in range(chance.randrange(5)))}.values()), client_ms={"m1": 7},
    )  # fmt: skip


def some_marker(chance: random.Random, session: str) -> Marker:
    at = NOW - timedelta(minutes=chance.randrange(200))
    kind, key = chance.choice(list(MarkerKind)), f"k{chance.randrange(3)}"
    return Marker(
        id=f"m{chance.randrange(12)}", project_id="p", session_id=session, kind=kind, label="x", cluster_key=key, replay_offset_ms=1, observed_at=at
    )


async def stored(database: Database) -> list[list[dict[str, Any]]]:
    async with database.read() as connection:
        return [
            [dict(row._mapping) for row in await connection.execute(select(table).order_by(*table.primary_key))] for table in WRITTEN
        ]


@pytest.mark.parametrize("seed", range(4))
async def test_many_arrivals_at_once_leave_what_they_leave_one_by_one(tmp_path: Path, seed: int) -> None:
    both = []
    for name in ("alone", "together"):
        url = rows_url(tmp_path / name)
        (tmp_path / name).mkdir()
        migrate(url)
        both.append(Database.open(url))
    alone, together = both
    of_each, of_all = ([some_arrival(random.Random(f"{seed} {number}")) for number in range(30)] for _ in both)
    async with alone.write() as connection:
        said = [await land(connection, arrival, now=NOW, max_markers=7) for arrival in of_each]
    async with together.write() as connection:
        said_together = [
            landed for start in range(0, 30, 10) for landed in await land_all(connection, of_all[start : start + 10], now=NOW, max_markers=7)
        ]
    assert said_together == said
    assert await stored(together) == await stored(alone)
    for database in both:
        await database.close()


def upload(session: str, key: str, *, seq: int = 0) -> StoredChunk:
    return StoredChunk(
        project_id="p", session_id=session, tab_id="", seq=seq, segment=0, object_key=key, sha256=key, size_bytes=1, inflated_bytes=1,
        event_count=1, first_ms=1, last_ms=2, snapshot_ms=0, created_at=NOW,
    )  # fmt: skip


async def test_two_uploads_of_one_session_that_came_together_leave_the_later(database: Database) -> None:
    async with database.write() as connection:
        replaced = await recordings.replace_uploads(connection, [upload("s1", "a"), upload("s2", "b"), upload("s1", "c")])
    assert replaced == ["", "", "a"]
    async with database.read() as connection:
        assert [row.object_key for row in await recordings.of_session(connection, "p", "s1")] == ["c"]


async def test_a_piece_that_came_twice_at_once_is_new_once(database: Database) -> None:
    async with database.write() as connection:
        pieces = [upload("s1", "a", seq=1), upload("s1", "a", seq=1), upload("s1", "b", seq=2)]
        assert await recordings.add_chunks(connection, pieces) == [True, False, True]
        assert await recordings.add_chunks(connection, [upload("s1", "b", seq=2), upload("s1", "c", seq=3)]) == [False, True]
