"""The figures of every minute: read in order, from a moment on, and let go of."""

from datetime import UTC, datetime, timedelta

from retrospec.domain.clock import to_epoch_ms
from retrospec.storage.database import Database
from retrospec.storage.health import Figures, Sample, keep_sample, samples_since

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)


async def test_samples_are_read_oldest_first_from_a_moment_on_and_old_ones_go(database: Database) -> None:
    minutes = [NOW + timedelta(minutes=number) for number in range(4)]
    async with database.write() as connection:
        for at in (minutes[2], minutes[0], minutes[1]):
            await keep_sample(connection, at, Figures(ingested=at.minute, oldest_s=1.5), before=NOW - timedelta(days=8))
    async with database.read() as connection:
        assert await samples_since(connection, NOW + timedelta(hours=1)) == []
        found = await samples_since(connection, minutes[1])
        assert found == [Sample(to_epoch_ms(at), Figures(ingested=at.minute, oldest_s=1.5)) for at in minutes[1:3]]
    async with database.write() as connection:
        await keep_sample(connection, minutes[3], Figures(), before=minutes[2])
    async with database.read() as connection:
        assert [sample.at_ms for sample in await samples_since(connection, NOW)] == [to_epoch_ms(at) for at in minutes[2:]]
