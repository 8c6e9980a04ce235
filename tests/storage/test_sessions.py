"""Claims: one worker at a time, and no result over somebody else's head."""

from datetime import timedelta

from retrospec.domain.clock import utc_now
from retrospec.domain.session import Stage
from retrospec.storage import sessions
from retrospec.storage.arrivals import Arrival, land
from retrospec.storage.database import Database

NOW = utc_now()


async def arrive(database: Database, session_id: str = "s1", **changes: object) -> None:
    arrival = Arrival(
        project_id="p", session_id=session_id, site="s", route="/", started_at=NOW, duration_ms=1, events_object_key="",
        **changes,  # type: ignore[arg-type]
    )  # fmt: skip
    async with database.write() as connection:
        await land(connection, arrival, now=NOW, max_markers=10)


async def claim(database: Database, owner: str, after: timedelta = timedelta(0)) -> sessions.Claim | None:
    async with database.write() as connection:
        return await sessions.claim(connection, "p", "s1", owner=owner, now=NOW + after, lease_s=60)


async def test_only_one_of_two_workers_gets_a_session(database: Database) -> None:
    await arrive(database)
    first, second = await claim(database, "one"), await claim(database, "two")
    assert first is not None
    assert second is None


async def test_a_claim_left_behind_is_taken_over_when_its_lease_ends(database: Database) -> None:
    await arrive(database)
    await claim(database, "died")
    assert await claim(database, "early", timedelta(seconds=59)) is None
    late = await claim(database, "late", timedelta(seconds=61))
    assert late is not None
    assert late.session.attempt == 2


async def test_a_lost_claim_saves_nothing(database: Database) -> None:
    await arrive(database)
    lost = await claim(database, "slow")
    await claim(database, "fast", timedelta(seconds=61))
    assert lost is not None
    async with database.write() as connection:
        assert not await sessions.move_on(connection, lost, stage=Stage.DONE, report_status="ready", now=NOW)


async def test_a_result_is_not_saved_over_what_arrived_meanwhile(database: Database) -> None:
    await arrive(database)
    held = await claim(database, "one")
    await arrive(database, added_events=5)
    assert held is not None
    async with database.write() as connection:
        assert not await sessions.move_on(connection, held, stage=Stage.DONE, report_status="ready", now=NOW)
        await sessions.release(connection, held, now=NOW)
    again = await claim(database, "two")
    assert again is not None
    assert again.session.revision == 2


async def test_a_session_being_recorded_is_due_only_after_its_silence(database: Database) -> None:
    await arrive(database, stage=Stage.RECORDING, wait=timedelta(seconds=30))
    assert await claim(database, "early", timedelta(seconds=29)) is None
    assert await claim(database, "due", timedelta(seconds=31)) is not None


async def test_the_sweep_finds_what_was_never_rung_and_leaves_what_was_rung_just_now(database: Database) -> None:
    await arrive(database)
    async with database.read() as connection:
        assert await sessions.find_due(connection, now=NOW, everything=False) == []
        assert await sessions.find_due(connection, now=NOW, everything=True) == [("p", "s1")]
        later = NOW + timedelta(seconds=30)
        assert await sessions.find_due(connection, now=later, everything=False) == [("p", "s1")]


def test_retries_wait_twice_as_long_each_time_up_to_a_limit() -> None:
    waits = [sessions.retry_delay_s(n, base_s=2, max_s=120, jitter=0.5) for n in range(1, 9)]
    assert waits[:4] == [2, 4, 8, 16]
    assert waits[-1] == 120


async def test_the_sweep_finds_a_finished_recording_at_once_where_nothing_more_is_waited_for(database: Database) -> None:
    await arrive(database, stage=Stage.RECORDING)
    await arrive(database, "rung", stage=Stage.ANALYSIS)
    async with database.read() as connection:
        assert await sessions.find_due(connection, now=NOW, everything=False) == [("p", "s1")]
