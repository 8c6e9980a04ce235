"""Fills a database with sessions that were judged long ago, through the storage functions the server uses.

Rows only, no recordings: growth is about what lies in the tables when the next session comes.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from retrospec.domain.clock import utc_now
from retrospec.domain.marker import Marker, MarkerKind
from retrospec.domain.report import Basis, ReportCard, ReportStatus
from retrospec.domain.session import Stage
from retrospec.domain.settings import PromoteSettings
from retrospec.issues.tally import add_sighting
from retrospec.storage import arrivals, issues, recordings, reports, sessions
from retrospec.storage.arrivals import Arrival
from retrospec.storage.database import Connection, Database
from retrospec.storage.issues import Sighting, Tally
from retrospec.storage.migrate import migrate
from retrospec.storage.recordings import StoredChunk

CLUSTERS = 60
"""Failures that the seeded sessions share; some are common, most are rare."""
PEOPLE_PER_SESSION = 0.7
SPREAD = timedelta(days=6)
_BATCH = 100
_KINDS = tuple(MarkerKind)


def cluster_key(cluster: int) -> str:
    """Of the failure ``cluster`` of ``CLUSTERS``; 0 is the most frequent one."""
    return f"{_KINDS[cluster % len(_KINDS)]}:seed{cluster:020d}"


async def seed_sessions(
    url: str, project_id: str, count: int, progress: Callable[[int], None], *, seed: int = 1
) -> None:
    """Make or migrate the database at ``url`` and add ``count`` judged sessions. About 1 ms each."""
    migrate(url)
    database = Database.open(url)
    rng, now = random.Random(seed), utc_now()
    settings = PromoteSettings()
    try:
        for first in range(0, count, _BATCH):
            batch = [
                _Seeded(project_id, number, count, rng, now)
                for number in range(first, min(first + _BATCH, count))
            ]
            await database.write_soon(partial(_store, batch=batch, settings=settings, now=now))
            progress(first + len(batch))
    finally:
        await database.close()


class _Seeded:
    """One made-up session of the past."""

    def __init__(self, project_id: str, number: int, count: int, rng: random.Random, now: datetime) -> None:
        self.project_id = project_id
        self.id = f"seed-{number:07d}"
        self.at = now - SPREAD * rng.random()
        self.visitor = f"visitor-{rng.randrange(max(1, int(count * PEOPLE_PER_SESSION)))}"
        self.cluster = int(CLUSTERS * rng.random() ** 3)
        self.is_ready = rng.random() < 0.6

    @property
    def kind(self) -> MarkerKind:
        return _KINDS[self.cluster % len(_KINDS)]

    @property
    def key(self) -> str:
        return cluster_key(self.cluster)

    def marker(self) -> Marker:
        return Marker(
            id=f"{self.id}-m", project_id=self.project_id, session_id=self.id, kind=self.kind,
            label=f"Seeded failure {self.cluster}", cluster_key=self.key, replay_offset_ms=4_000, observed_at=self.at,
            evidence={"message": f"Seeded failure {self.cluster}", "stack": "at pay (https://shop.example/app.js:3:7)"},
        )  # fmt: skip

    def arrival(self) -> Arrival:
        return Arrival(
            project_id=self.project_id, session_id=self.id, site="seed.example", route="/checkout", started_at=self.at,
            duration_ms=60_000, events_object_key=f"seed/{self.id}.json", visitor_id=self.visitor, markers=[self.marker()],
        )  # fmt: skip

    def chunk(self) -> StoredChunk:
        return StoredChunk(
            project_id=self.project_id, session_id=self.id, tab_id="", seq=0, segment=0, object_key=f"seed/{self.id}.json",
            sha256="0" * 64, size_bytes=9_000, inflated_bytes=90_000, event_count=400, first_ms=1, last_ms=60_001, snapshot_ms=1, created_at=self.at,
        )  # fmt: skip

    def report(self) -> ReportCard:
        return ReportCard(
            id=f"rep-{self.id}", project_id=self.project_id, session_id=self.id,
            status=ReportStatus.READY if self.is_ready else ReportStatus.DISCARDED, symptom=f"Seeded failure {self.cluster}",
            confidence=0.8 if self.is_ready else 0.4, basis=Basis.TEXT, generated_at=self.at, created_at=self.at, updated_at=self.at,
        )  # fmt: skip

    def sighting(self) -> Sighting:
        return Sighting(
            project_id=self.project_id, cluster_key=self.key, session_id=self.id, person_key=f"v:{self.visitor}", kind=self.kind,
            title=f"Seeded failure {self.cluster}", symptom=f"Seeded failure {self.cluster}", severity="medium", confidence=0.8,
            basis="text", marker_count=1, first_observed_at=self.at, last_observed_at=self.at, jump_ms=2_000,
        )  # fmt: skip


async def _store(
    connection: Connection, batch: list[_Seeded], settings: PromoteSettings, now: datetime
) -> None:
    def combine(old: Tally | None, new: Sighting) -> Tally:
        return add_sighting(old, new, settings, now)

    for session in batch:
        await recordings.replace_uploads(connection, [session.chunk()])
        await arrivals.land(connection, session.arrival(), now=session.at, max_markers=10)
        claim = await sessions.claim(
            connection, session.project_id, session.id, owner="seed", now=session.at, lease_s=60
        )
        assert claim is not None
        report = session.report()
        await reports.save(connection, report, [])
        await sessions.move_on(
            connection, claim, stage=Stage.DONE, report_status=str(report.status), now=session.at
        )
        if session.is_ready:
            await issues.count_sighting(connection, session.sighting(), combine=combine)
