"""Spikes, quiet times and digests over days, by a clock that is given."""

from pathlib import Path

from retrospec.storage import outbox
from tests.alerts.conftest import Receiver
from tests.alerts.met import P, World, world


async def quiet_week(it: World, cluster: str = "a") -> None:
    """Two sessions, a day apart, so that the issue has a past."""
    await it.meet(cluster)
    await it.meet(cluster)
    await it.later(days=3)


async def states(it: World) -> list[tuple[str, str]]:
    async with it.database.read() as connection:
        return sorted((each.event, each.state) for each in await outbox.latest_letters(connection, P, limit=50))


async def test_an_hour_far_over_the_week_before_is_told_once(tmp_path: Path, receiver: Receiver) -> None:
    async with world(tmp_path, receiver) as it:
        await quiet_week(it)
        for _ in range(25):
            await it.meet("a")
        await it.later(minutes=1)
        (told,) = receiver.events("spike")
        assert told["facts"]["sessionsInHour"] >= 10
        assert told["facts"]["sessionsInHour"] > told["facts"]["limit"]
        await it.later(days=3)
        for _ in range(9):
            await it.meet("a")
        await it.later(minutes=1)
        assert len(receiver.events("spike")) == 1, "nine sessions are no spike"


async def test_a_spike_in_the_quiet_time_is_held_back_and_noted_and_one_after_it_is_told(tmp_path: Path, receiver: Receiver) -> None:
    async with world(tmp_path, receiver, quiet_minutes=180) as it:
        await quiet_week(it)
        for number in (30, 120, 500):
            for _ in range(number):
                await it.meet("a")
            await it.later(hours=2)
        assert await states(it) == [("new", "sent"), ("spike", "quiet"), ("spike", "sent"), ("spike", "sent")]
        assert len(receiver.events("spike")) == 2


async def test_a_digest_gathers_what_happens_until_it_goes_out(tmp_path: Path, receiver: Receiver) -> None:
    async with world(tmp_path, receiver, digest_minutes=30, quiet_minutes=0) as it:
        for cluster in ("a", "b"):
            await it.meet(cluster)
            await it.meet(cluster)
            await it.later(minutes=10)
        assert receiver.got == []
        await it.later(minutes=11)
        assert len(receiver.got) == 1
        assert [event["issueKey"] for event in receiver.events("new")] == ["a", "b"]
        await it.meet("c")
        await it.meet("c")
        await it.later(minutes=29)
        assert len(receiver.got) == 1
        await it.later(minutes=2)
        assert [event["issueKey"] for event in receiver.events("new")] == ["a", "b", "c"]


async def test_old_letters_and_attempts_go_and_what_waits_stays(tmp_path: Path, receiver: Receiver) -> None:
    async with world(tmp_path, receiver) as it:
        await it.meet("a")
        await it.meet("a")
        await it.later(minutes=1)
        receiver.answer = lambda: 503
        await it.meet("b")
        await it.meet("b")
        await it.later(minutes=1)
        assert await states(it) == [("new", "sent"), ("new", "waiting")]
        async with it.database.write() as connection:
            assert await outbox.forget_settled(connection, before=it.now) == 1
            (left,) = await outbox.latest_letters(connection, P, limit=9)
        assert (left.issue_key, left.state) == ("b", "waiting")


async def test_a_session_that_makes_an_issue_says_that_the_courier_has_work(tmp_path: Path, receiver: Receiver) -> None:
    async with world(tmp_path, receiver) as it:
        assert [await it.meet("a"), await it.meet("a"), await it.meet("a")] == [False, True, False]


async def test_a_private_address_is_given_up_at_once_with_its_reason(tmp_path: Path, receiver: Receiver) -> None:
    async with world(tmp_path, receiver, allow_private_addresses=False, max_attempts=8) as it:
        await it.meet("a")
        await it.meet("a")
        await it.later(seconds=1)
        async with it.database.read() as connection:
            (letter,) = await outbox.latest_letters(connection, P, limit=9)
            tries = (await outbox.attempts(connection, "p", [letter.batch]))[letter.batch]
        assert (letter.state, [each.outcome for each in tries]) == ("dead", ["dead"])
        assert "private network" in letter.last_error
        assert receiver.got == []
