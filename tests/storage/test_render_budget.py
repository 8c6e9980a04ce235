"""The budget of renders: spent by compare-and-set, kept over restarts, shared by all who ask."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from retrospec.domain.settings import ReplaySettings
from retrospec.storage import render_budget
from retrospec.storage.database import Database
from retrospec.storage.render_budget import ALL
from tests.servers.choice import rows_url

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def spend(database: Database, project: str, limits: ReplaySettings, now: datetime = NOON) -> str:
    async with database.write() as connection:
        return await render_budget.spend(connection, project, limits, now=now)


async def spent(database: Database, project: str) -> int:
    async with database.read() as connection:
        return await render_budget.spent_today(connection, project, now=NOON)


async def test_a_projects_limit_holds_and_names_its_setting(database: Database) -> None:
    limits = ReplaySettings(daily_limit_per_project=2)
    assert [await spend(database, "a", limits) for _ in range(2)] == ["", ""]
    assert "limit of 2 renders a day is used up (replay.daily_limit_per_project)" in await spend(database, "a", limits)
    assert await spend(database, "b", limits) == ""
    assert [await spent(database, name) for name in ("a", "b", ALL)] == [2, 1, 3], "a refusal counts nowhere"


async def test_the_limit_of_all_holds_over_projects_and_is_new_each_day(database: Database) -> None:
    limits = ReplaySettings(daily_limit=2)
    assert [await spend(database, name, limits) for name in "ab"] == ["", ""]
    assert "(replay.daily_limit)" in await spend(database, "c", limits)
    assert await spend(database, "c", limits, NOON + timedelta(hours=13)) == ""


async def test_the_least_interval_is_each_projects_own_and_outlasts_midnight(database: Database) -> None:
    limits = ReplaySettings(min_interval_seconds=60)
    midnight = NOON + timedelta(hours=12)
    assert await spend(database, "a", limits, midnight - timedelta(seconds=10)) == ""
    assert "under 60 s ago" in await spend(database, "a", limits, midnight + timedelta(seconds=40))
    assert await spend(database, "b", limits, midnight) == ""
    assert await spend(database, "a", limits, midnight + timedelta(seconds=50)) == ""


async def test_many_at_once_never_spend_more_than_there_is(database: Database) -> None:
    limits = ReplaySettings(daily_limit=7)
    answers = await asyncio.gather(*(spend(database, f"p{n % 3}", limits) for n in range(20)))
    assert answers.count("") == 7
    assert await spent(database, ALL) == 7


async def test_what_was_spent_is_still_spent_after_a_restart(database: Database, tmp_path: Path) -> None:
    limits = ReplaySettings(daily_limit=1)
    await spend(database, "a", limits)
    again = Database.open(rows_url(tmp_path))
    assert "used up" in await spend(again, "a", limits)
    await again.close()


async def test_places_are_as_many_as_set_and_a_dead_holders_comes_free(database: Database) -> None:
    async def take(owner: str, now: datetime) -> bool:
        async with database.write() as connection:
            until = now + timedelta(seconds=30)
            return await render_budget.take_slot(connection, most=2, owner=owner, now=now, until=until)

    assert [await take(owner, NOON) for owner in ("a", "b", "c")] == [True, True, False]
    async with database.write() as connection:
        await render_budget.leave_slot(connection, "a")
    assert await take("c", NOON)
    async with database.write() as connection:
        await render_budget.keep_slot(connection, "c", until=NOON + timedelta(minutes=5))
    later = NOON + timedelta(seconds=31)
    assert [await take(owner, later) for owner in ("d", "e")] == [True, False], "b died; c still holds its own"
