"""Whose turn it is, and what was given up."""

from datetime import datetime, timedelta

from retrospec.domain.clock import utc_now
from retrospec.domain.marker import Marker, MarkerKind
from retrospec.storage import queue, sessions
from retrospec.storage.arrivals import Arrival, land
from retrospec.storage.database import Database

NOW = utc_now()


def _marker(project_id: str, session_id: str) -> Marker:
    return Marker(
        id="m", project_id=project_id, session_id=session_id, kind=MarkerKind.API_ERROR, label="500", cluster_key="k",
        replay_offset_ms=1, observed_at=NOW,
    )  # fmt: skip


async def arrive(
    database: Database, project_id: str, session_id: str, *, at: datetime = NOW, has_marker: bool = False
) -> None:
    arrival = Arrival(
        project_id=project_id, session_id=session_id, site="s", route="/", started_at=at, duration_ms=1,
        events_object_key=f"session-events/{session_id}.json", markers=[_marker(project_id, session_id)] if has_marker else [],
    )  # fmt: skip
    async with database.write() as connection:
        await land(connection, arrival, now=at, max_markers=10)


async def order(database: Database, now: datetime) -> list[str]:
    async with database.read() as connection:
        return [session_id for _, session_id in await queue.next_turns(connection, now=now)]


async def test_a_busy_project_does_not_keep_a_quiet_one_waiting(database: Database) -> None:
    for number in range(4):
        await arrive(database, "busy", f"b{number}", at=NOW - timedelta(seconds=60 - number))
    await arrive(database, "quiet", "q0")
    assert await order(database, NOW) == ["b0", "q0", "b1", "b2", "b3"]


async def test_what_has_markers_comes_before_what_has_none_but_not_for_ever(database: Database) -> None:
    await arrive(database, "p", "empty", at=NOW - timedelta(minutes=1))
    await arrive(database, "p", "failed", has_marker=True)
    assert await order(database, NOW) == ["failed", "empty"]
    assert await order(database, NOW + queue.LONG_ENOUGH) == ["empty", "failed"]


async def test_only_so_many_turns_of_a_project_are_read_at_once(database: Database) -> None:
    for number in range(queue.TURNS_PER_PROJECT + 5):
        await arrive(database, "p", f"s{number:02d}")
    assert len(await order(database, NOW)) == queue.TURNS_PER_PROJECT
    async with database.read() as connection:
        assert await queue.backlog(connection, now=NOW) == queue.TURNS_PER_PROJECT + 5


async def test_a_dead_letter_says_where_and_why_and_comes_back_with_all_its_attempts(database: Database) -> None:
    await arrive(database, "p", "s1")
    async with database.write() as connection:
        claim = await sessions.claim(connection, "p", "s1", owner="me", now=NOW, lease_s=60)
        assert claim is not None
        await sessions.bury(connection, claim, now=NOW, error="It broke.")
    async with database.read() as connection:
        (letter,) = await queue.dead_letters(connection)
        assert (letter.stage, letter.error, letter.payload) == ("analysis", "It broke.", "session-events/s1.json")
        assert await queue.count_dead(connection) == 1
    async with database.write() as connection:
        assert await queue.revive(connection, [("p", "s1")], now=NOW) == 1
        assert await queue.revive(connection, [("p", "s1")], now=NOW) == 0
        again = await sessions.claim(connection, "p", "s1", owner="me", now=NOW, lease_s=60)
    assert again is not None and again.session.attempt == 1


async def test_the_depth_of_each_stage_is_told_apart(database: Database) -> None:
    await arrive(database, "p", "waits", at=NOW - timedelta(minutes=3))
    await arrive(database, "p", "held")
    async with database.write() as connection:
        await sessions.claim(connection, "p", "held", owner="me", now=NOW, lease_s=60)
    async with database.read() as connection:
        (depth,) = await queue.depths(connection, now=NOW)
    assert (depth.stage, depth.waiting, depth.held, depth.retrying) == ("analysis", 1, 1, 0)
    assert depth.oldest_due_at == NOW - timedelta(minutes=3)
