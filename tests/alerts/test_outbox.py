"""The outbox: once per event, together in a digest, quiet when told to be, given up at last."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from retrospec.alerts.courier import Courier
from retrospec.domain.clock import utc_now
from retrospec.domain.settings_telling import AlertSettings
from retrospec.storage import outbox
from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate
from retrospec.storage.outbox import Letter
from tests.alerts.conftest import KEY, Receiver
from tests.servers.choice import rows_url

NOW = utc_now()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = rows_url(tmp_path)
    migrate(url)
    opened = Database.open(url)
    yield opened
    await opened.close()


def courier(database: Database, receiver: Receiver, **changes: float) -> Courier:
    settings = AlertSettings(
        webhook_url=receiver.url, webhook_key=KEY, allow_private_addresses=True, retry_base_seconds=0.001, max_attempts=3
    )
    for name, value in changes.items():
        setattr(settings, name, value)

    async def no_picture(_: Letter) -> str:
        return ""

    return Courier(settings, database, lambda: "http://r.example", no_picture)


def letter(receiver: Receiver, key: str, *, due_s: float = -1, rule: str = "r") -> Letter:
    from retrospec.alerts.rulebook import channels_from_settings

    ((channel, _),) = channels_from_settings(AlertSettings(webhook_url=receiver.url, webhook_key=KEY))
    facts = {"symptom": key}
    return outbox.letter(
        "p", rule, channel, "new", key, f"new:{key}:", facts, not_before=utc_now() + timedelta(seconds=due_s), now=utc_now()
    )


async def put(database: Database, *letters: Letter) -> list[bool]:
    async with database.write() as connection:
        return [await outbox.post(connection, each) for each in letters]


async def states(database: Database) -> list[str]:
    async with database.read() as connection:
        return [each.state for each in await outbox.latest_letters(connection, "p", limit=50)]


async def test_the_same_event_goes_out_once_by_each_rule(database: Database, receiver: Receiver) -> None:
    assert await put(database, letter(receiver, "a"), letter(receiver, "a"), letter(receiver, "a", rule="other")) == [True, False, True]
    sending = courier(database, receiver)
    await sending.deliver_due()
    await sending.deliver_due()
    assert len(receiver.got) == 2
    assert await states(database) == ["sent", "sent"]


async def test_letters_of_one_digest_are_one_message(database: Database, receiver: Receiver) -> None:
    together = letter(receiver, "a")
    others = [letter(receiver, name) for name in "bcd"]
    for each in others:
        each.not_before = together.not_before
    await put(database, together, *others, letter(receiver, "later", due_s=60))
    await courier(database, receiver).deliver_due()
    assert len(receiver.got) == 1
    assert sorted(event["issueKey"] for event in receiver.events()) == ["a", "b", "c", "d"]
    assert sorted(await states(database)) == ["sent", "sent", "sent", "sent", "waiting"]


async def test_it_is_tried_again_under_the_same_name_and_given_up_at_last(database: Database, receiver: Receiver) -> None:
    receiver.answer = lambda: 503
    await put(database, letter(receiver, "a"))
    sending = courier(database, receiver)
    while "waiting" in await states(database):
        await sending.deliver_due()
    assert await states(database) == ["dead"]
    assert len(receiver.got) == 3
    assert len({headers["idempotency-key"] for headers, _ in receiver.got}) == 1
    async with database.read() as connection:
        (dead,) = await outbox.latest_letters(connection, "p", limit=5)
        tries = (await outbox.attempts(connection, dead.project_id, [dead.batch]))[dead.batch]
    assert [each.outcome for each in tries] == ["retry", "retry", "dead"]
    receiver.answer = lambda: 204
    async with database.write() as connection:
        assert await outbox.revive(connection, "p", dead.batch, now=utc_now())
        assert not await outbox.revive(connection, "elsewhere", dead.batch, now=utc_now())
    await sending.deliver_due()
    assert await states(database) == ["sent"]


async def test_what_was_delivered_is_sent_again_by_wish_and_is_the_same(database: Database, receiver: Receiver) -> None:
    await put(database, letter(receiver, "a"))
    sending = courier(database, receiver)
    await sending.deliver_due()
    assert await states(database) == ["sent"]
    async with database.write() as connection:
        (sent,) = await outbox.latest_letters(connection, "p", limit=5)
        assert not await outbox.revive(connection, "p", "", now=utc_now())
        assert await outbox.revive(connection, "p", sent.batch, now=utc_now())
        assert not await outbox.revive(connection, "p", sent.batch, now=utc_now())
    await sending.deliver_due()
    (first, body), (again, same) = receiver.got
    assert body == same
    assert first["idempotency-key"] == again["idempotency-key"] == sent.batch


async def test_a_message_in_somebodys_hands_is_left_to_them_until_they_are_gone(database: Database, receiver: Receiver) -> None:
    await put(database, letter(receiver, "a"))
    async with database.write() as connection:
        assert await outbox.claim_batch(connection, now=utc_now())
        assert await outbox.claim_batch(connection, now=utc_now()) == []
        assert await outbox.claim_batch(connection, now=utc_now() + outbox.LEASE * 2)
        await outbox.release_all(connection)
    await courier(database, receiver).deliver_due()
    assert await states(database) == ["sent"]


async def test_what_waits_for_a_removed_channel_is_given_up(database: Database, receiver: Receiver) -> None:
    lost = letter(receiver, "a")
    lost.channel_id = "chn_gone"
    await put(database, lost)
    await courier(database, receiver).deliver_due()
    assert await states(database) == ["dead"]


async def test_one_slow_channel_does_not_hold_up_the_rest(database: Database, receiver: Receiver) -> None:
    await put(database, *[letter(receiver, f"k{n}", due_s=-n) for n in range(1, 9)])
    assert await courier(database, receiver).deliver_due() == 8
    assert set(await states(database)) == {"sent"}
