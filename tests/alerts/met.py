"""Sessions that meet failures at given times, counted and answered as the pipeline does it; and a courier with a given clock."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from retrospec import reactions
from retrospec.alerts.courier import Courier
from retrospec.domain.finding import Finding
from retrospec.domain.marker import MarkerKind
from retrospec.domain.session import Session, Stage
from retrospec.domain.settings import Settings
from retrospec.issues import deciding
from retrospec.issues.tally import add_sighting
from retrospec.storage import issues
from retrospec.storage.database import Database
from retrospec.storage.issues import Sighting, Tally
from retrospec.storage.migrate import migrate
from retrospec.storage.outbox import Letter
from tests.alerts.conftest import KEY, Receiver
from tests.servers.choice import rows_url

START = datetime.fromisoformat("2026-03-02T09:00:00+00:00")
P = "p"


class World:
    """A database, its alerts and a clock that stands until it is moved."""

    def __init__(self, database: Database, receiver: Receiver, **alerts: Any) -> None:
        self.database = database
        self.now = START
        self.settings = Settings()
        told = self.settings.alerts
        told.webhook_url, told.webhook_key, told.allow_private_addresses = receiver.url, KEY, True
        for name, value in alerts.items():
            setattr(told, name, value)
        self.courier = Courier(told, database, lambda: "http://r.example", _no_picture, lambda: self.now)
        self._count = 0

    async def meet(self, cluster: str, session: str = "", person: str = "", **more: Any) -> bool:
        """One session that meets the failure now; whether letters were written."""
        self._count += 1
        name = session or f"s{self._count}"
        seen, found = visit(name, person or name, self.now), sighting(cluster, name, person or name, self.now, **more)

        def combine(old: Tally | None, new: Sighting) -> Tally:
            return add_sighting(old, new, self.settings.promote, self.now)

        findings: list[Finding] = []
        async with self.database.write() as connection:
            change = await issues.count_sighting(connection, found, combine=combine)
            return await reactions.react(connection, seen, found, change, findings, self.settings, now=self.now)

    async def decide(self, action: Any, *given: str) -> Any:
        """Run one of ``deciding``'s functions as Ada."""
        async with self.database.write() as connection:
            return await action(connection, P, *given, author="Ada", settings=self.settings.promote, now=self.now)

    async def merge(self, one: str, other: str) -> str:
        """Merge two issues; the decision's id."""
        return str((await self.decide(deciding.merge, one, other)).id)

    async def issue(self, key: str) -> Tally:
        """The issue that a key names."""
        async with self.database.read() as connection:
            tally = await issues.find(connection, P, key)
        assert tally is not None
        return tally

    async def later(self, **by: float) -> None:
        """Move the clock and deliver what is due."""
        self.now += timedelta(**by)
        await self.courier.deliver_due()


async def _no_picture(_: Letter) -> str:
    return ""


@asynccontextmanager
async def world(folder: Path, receiver: Receiver, **alerts: Any) -> AsyncIterator[World]:
    """A world over a new database."""
    url = rows_url(folder)
    migrate(url)
    database = Database.open(url)
    yield World(database, receiver, **alerts)
    await database.close()


def visit(name: str, person: str, at: datetime) -> Session:
    return Session(
        id=name, project_id=P, site="shop", route="/pay", started_at=at, duration_ms=1_000, events_object_key="", created_at=at,
        updated_at=at + timedelta(seconds=2), stage=Stage.CONFIRMATION, visitor_id=person, browser="Firefox", tags={"plan": "pro"},
    )  # fmt: skip


def sighting(cluster: str, name: str, person: str, at: datetime, **more: Any) -> Sighting:
    fields: dict[str, Any] = {
        "title": cluster, "symptom": f"symptom {cluster}", "severity": "medium", "confidence": 0.8, "basis": "text",
        "marker_count": 1, "jump_ms": 5, "kind": MarkerKind.JS_EXCEPTION,
    } | more  # fmt: skip
    return Sighting(
        project_id=P, cluster_key=cluster, session_id=name, person_key=f"v:{person}", first_observed_at=at, last_observed_at=at, **fields
    )
