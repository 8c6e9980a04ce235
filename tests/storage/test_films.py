"""Films asked for: claimed once, held by a lease, settled by whoever holds it."""

from datetime import UTC, datetime, timedelta

from retrospec.domain.clock import utc_now
from retrospec.storage import expiry, films
from retrospec.storage.database import Database
from retrospec.storage.films import FAILED, FILMING, READY, TO_THE_END, WANTED, WHOLE, WantedFilm

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SOON = NOW + timedelta(seconds=30)


def wanted(film_id: str = WHOLE, session: str = "s1", asked_at: datetime = NOW) -> WantedFilm:
    return WantedFilm(
        project_id="p", session_id=session, id=film_id, start_ms=0, end_ms=TO_THE_END, status=WANTED,
        asked_at=asked_at, updated_at=asked_at,
    )  # fmt: skip


async def ask(database: Database, film: WantedFilm) -> bool:
    async with database.write() as connection:
        return await films.ask(connection, film)


async def claim(database: Database, owner: str, now: datetime = NOW) -> WantedFilm | None:
    async with database.write() as connection:
        until = now + timedelta(seconds=30)
        return await films.claim_next(connection, owner=owner, now=now, until=until)


async def test_who_asked_first_is_filmed_first_and_by_one_worker(database: Database) -> None:
    await ask(database, wanted(session="late", asked_at=SOON))
    await ask(database, wanted(session="early"))
    first, second, third = [await claim(database, owner) for owner in ("a", "b", "c")]
    assert first and second
    assert ([first.session_id, second.session_id], third) == (["early", "late"], None)


async def test_asking_twice_is_one_order_and_a_failed_one_may_be_asked_again(database: Database) -> None:
    assert await ask(database, wanted())
    assert not await ask(database, wanted())
    film = await claim(database, "a")
    assert film is not None
    async with database.write() as connection:
        assert await films.settle(connection, film, FAILED, "The disk is full.", now=NOW)
    assert await ask(database, wanted())
    async with database.read() as connection:
        (row,) = await films.of_session(connection, "p", "s1")
    assert (row.status, row.reason, row.attempt) == (WANTED, "", 0)


async def test_a_lapsed_claim_goes_to_the_next_and_the_first_settles_nothing(database: Database) -> None:
    await ask(database, wanted())
    dead = await claim(database, "dead")
    assert dead and await claim(database, "b") is None
    heir = await claim(database, "heir", now=NOW + timedelta(seconds=31))
    assert heir is not None and heir.attempt == 2
    async with database.write() as connection:
        assert not await films.note_progress(connection, dead, 0.9, until=SOON)
        assert not await films.settle(connection, dead, READY, "", now=NOW)
        assert await films.note_progress(connection, heir, 0.5, until=SOON)
    async with database.read() as connection:
        (row,) = await films.of_session(connection, "p", "s1")
    assert (row.status, row.progress, row.lease_owner) == (FILMING, 0.5, "heir")


async def test_orders_go_with_their_session(database: Database) -> None:
    await ask(database, wanted())
    film = await claim(database, "a")
    async with database.write() as connection:
        await expiry.forget_sessions(connection, [("p", "s1")], now=utc_now())
        assert film and not await films.settle(connection, film, READY, "", now=NOW)
