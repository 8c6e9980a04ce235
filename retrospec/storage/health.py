"""Figures of every minute of the last days."""

from datetime import datetime

import msgspec
from sqlalchemy import BigInteger, Text, cast, delete, func, select, type_coerce

from retrospec.storage.database import Connection
from retrospec.storage.tables import health_samples
from retrospec.storage.upsert import insert_new


class Figures(msgspec.Struct):
    """What the plots are drawn from: counters since the start of the process, and levels of that minute."""

    ingested: float = 0
    reports: float = 0
    waiting: float = 0
    oldest_s: float = 0
    used_bytes: float = 0
    free_bytes: float = 0
    resident_bytes: float = 0
    loop_lag_s: float = 0
    dead: float = 0


class Sample(msgspec.Struct, array_like=True):
    """The figures of one minute."""

    at_ms: int
    figures: Figures


async def keep_sample(connection: Connection, at: datetime, figures: Figures, *, before: datetime) -> None:
    """Add a sample; those older than ``before`` go."""
    await connection.execute(insert_new(connection, health_samples), {"at": at, "figures": msgspec.to_builtins(figures)})
    await connection.execute(delete(health_samples).where(health_samples.c.at < before))


async def samples_since(connection: Connection, since: datetime) -> list[Sample]:
    """Samples from ``since`` on, the oldest first. A day has 1,440: they come as one text, read in one go."""
    found = await connection.scalar(_SAMPLES.where(health_samples.c.at >= since))
    return sorted(_READ.decode(f"[{found or ''}]"), key=lambda sample: sample.at_ms)


_READ = msgspec.json.Decoder(list[Sample])
_PAIR = "[" + cast(type_coerce(health_samples.c.at, BigInteger), Text) + "," + type_coerce(health_samples.c.figures, Text) + "]"
_SAMPLES = select(func.aggregate_strings(_PAIR, ","))
