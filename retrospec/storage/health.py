"""Figures of every minute of the last days."""

from datetime import datetime

import msgspec
from sqlalchemy import Text, delete, select, type_coerce

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
    """Samples from ``since`` on, the oldest first. A day has 1,440: their JSON is read in one go."""
    found = (await connection.execute(_SAMPLES.where(health_samples.c.at >= since))).all()
    figures = msgspec.json.decode(f"[{','.join(row.figures for row in found)}]", type=list[dict[str, float]])
    return [Sample(row.at, each) for row, each in zip(found, figures, strict=True)]


_SAMPLES = select(health_samples.c.at, type_coerce(health_samples.c.figures, Text).label("figures")).order_by(health_samples.c.at)
