"""What came to nothing where: counted once for each session, gone with it, the sums kept."""

from datetime import UTC, datetime

from sqlalchemy import select

from retrospec.storage import expiry, places
from retrospec.storage.database import Database
from retrospec.storage.places import Mark, Sort, Toll
from retrospec.storage.tables import place_days, place_marks

DAY = 20_000
FIELD = Mark(sort=Sort.FIELD, place="/address", thing="Postcode · patternMismatch", t_ms=10, outcome="blocked")


def call(count: int, failed: int) -> Mark:
    return Mark(sort=Sort.FAILED_CALL if failed else Sort.CALL, place="shop.test", thing="POST /pay", t_ms=5, count=count, failed=failed)


async def add(database: Database, session: str, *marks: Mark, person: str = "u:1", day: int = DAY, is_first: bool = True) -> None:
    async with database.write() as connection:
        await places.add_session(connection, "p", session, marks, day=day, person_key=person, is_first=is_first)


async def tolls(database: Database, *sorts: Sort, since: int = DAY, by_place: bool = False) -> list[Toll]:
    return await database.read_once(lambda c: places.tolls(c, "p", sorts, since_day=since, limit=9, by_place=by_place))


async def test_failed_calls_have_a_rate_of_all_and_only_those_they_failed_are_people_hit(database: Database) -> None:
    await add(database, "s1", call(3, 0), person="u:1")
    await add(database, "s2", call(2, 1), person="u:2")
    await add(database, "s3", call(1, 1), person="u:2")
    told = await tolls(database, Sort.CALL)
    assert [(one.thing, one.count, one.failed, one.people) for one in told] == [("POST /pay", 6, 2, 1)]


async def test_what_never_failed_is_not_listed(database: Database) -> None:
    await add(database, "s1", call(3, 0))
    assert await tolls(database, Sort.CALL) == []


async def test_a_session_judged_again_is_counted_once_and_as_it_is_now(database: Database) -> None:
    await add(database, "s1", FIELD, call(2, 1))
    await add(database, "s1", FIELD, call(4, 1), is_first=False)
    assert [(one.count, one.sessions) for one in await tolls(database, Sort.CALL)] == [(4, 1)]
    await add(database, "s1", is_first=False)
    assert await tolls(database, Sort.CALL, Sort.FIELD) == []


async def test_it_goes_with_its_session_and_the_sums_stay_until_their_time(database: Database) -> None:
    await add(database, "s1", FIELD)
    async with database.write() as connection:
        await expiry.forget_sessions(connection, [("p", "s1")], now=datetime.now(UTC))
        assert (await connection.execute(select(place_marks))).all() == []
    assert [(one.failed, one.people) for one in await tolls(database, Sort.FIELD)] == [(1, 0)]
    async with database.write() as connection:
        assert await places.forget_days(connection, before_day=DAY + 1) == 1
        assert (await connection.execute(select(place_days))).all() == []


async def test_clicks_of_a_page_come_with_their_places_the_newest_day_first(database: Database) -> None:
    for day, session in ((DAY, "s1"), (DAY + 1, "s2")):
        await add(database, session, Mark(sort=Sort.RAGE, place="/", thing="a", t_ms=9, x=4, y=5, width=800), day=day)
    found = await database.read_once(lambda c: places.spots(c, "p", "/", since_day=DAY, limit=9))
    assert [(one.session_id, one.x, one.y) for one in found] == [("s2", 4, 5), ("s1", 4, 5)]
    assert [one.people for one in await tolls(database, Sort.RAGE, Sort.DEAD, by_place=True)] == [1]
