"""Sightings put into a real database, and what its issues show."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from retrospec.domain.clock import utc_now
from retrospec.domain.marker import MarkerKind
from retrospec.domain.settings import PromoteSettings
from retrospec.issues.tally import add_sighting
from retrospec.storage import issues, tables
from retrospec.storage.database import Connection, Database
from retrospec.storage.issues import Change, Sighting, Tally
from retrospec.storage.migrate import migrate
from tests.servers.choice import rows_url

NOON = utc_now()
SETTINGS = PromoteSettings()
P = "p"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Database]:
    url = rows_url(folder)
    migrate(url)
    database = Database.open(url)
    yield database
    await database.close()


def sighting(cluster: str, session: str, person: str = "", **more: Any) -> Sighting:
    number = sum(map(ord, session))
    fields: dict[str, Any] = {
        "title": f"title {cluster}", "symptom": f"symptom of {session}", "severity": "medium", "confidence": 0.7 + number % 20 / 100,
        "basis": "text", "marker_count": 1, "jump_ms": 5, "kind": MarkerKind.JS_EXCEPTION,
        "first_observed_at": NOON + timedelta(seconds=number), "last_observed_at": NOON + timedelta(seconds=number + 1),
    } | more  # fmt: skip
    return Sighting(project_id=P, cluster_key=cluster, session_id=session, person_key=person or f"v:{session}", **fields)


async def counted(database: Database, one: Sighting) -> Change:
    """Count it as the pipeline does."""
    now = utc_now()

    def combine(old: Tally | None, new: Sighting) -> Tally:
        return add_sighting(old, new, SETTINGS, now)

    return await database.write_soon(partial(issues.count_sighting, sighting=one, combine=combine))


async def shown(database: Database) -> list[dict[str, Any]]:
    """Every issue's row, whole."""

    async def read(connection: Connection) -> list[dict[str, Any]]:
        rows = await connection.execute(select(tables.issues).order_by(tables.issues.c.key))
        return [dict(row._mapping) for row in rows]

    return await database.read_once(read)


async def decided(database: Database, action: Any, *given: str, author: str = "Ada") -> Any:
    """Run one of ``deciding``'s functions."""
    async with database.write() as connection:
        return await action(connection, P, *given, author=author, settings=SETTINGS, now=utc_now())
