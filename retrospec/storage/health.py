"""Figures of every minute of the last days."""

from datetime import datetime

import msgspec
from sqlalchemy import delete, select

from retrospec.storage.database import Connection
from retrospec.storage.tables import health_samples
from retrospec.storage.upsert import insert_new


class Sample(msgspec.Struct):
    """The figures of one minute, by name."""

    at: datetime
    figures: dict[str, float]


async def keep_sample(connection: Connection, at: datetime, figures: dict[str, float], *, before: datetime) -> None:
    """Add a sample; those older than ``before`` go."""
    await connection.execute(insert_new(connection, health_samples), {"at": at, "figures": figures})
    await connection.execute(delete(health_samples).where(health_samples.c.at < before))


async def samples_since(connection: Connection, since: datetime) -> list[Sample]:
    """Samples from ``since`` on, the oldest first."""
    found = await connection.execute(
        select(health_samples).where(health_samples.c.at >= since).order_by(health_samples.c.at)
    )
    return [Sample(row.at, row.figures) for row in found]
