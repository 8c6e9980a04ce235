"""Fills a database with sessions that were judged long ago, through the storage functions the server uses.

Rows only, no recordings: growth is about what lies in the tables when the next session comes. Beyond ``ONE_BY_ONE`` the rows are
copied inside the database, under other names, and the counts of issues multiplied: a million takes minutes, not an hour.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from math import ceil

from retrospec.domain.clock import utc_now
from retrospec.domain.marker import Marker, MarkerKind
from retrospec.domain.report import Basis, ReportCard, ReportStatus
from retrospec.domain.session import Stage
from retrospec.domain.settings import PromoteSettings
from retrospec.issues.tally import add_sighting
from retrospec.search.documents import document_of
from retrospec.storage import arrivals, issues, recordings, reports, search, sessions
from retrospec.storage.arrivals import Arrival
from retrospec.storage.database import Connection, Database
from retrospec.storage.issues import Sighting, Tally
from retrospec.storage.migrate import migrate
from retrospec.storage.recordings import StoredChunk
from retrospec.storage.tables import metadata

CLUSTERS = 60
"""Failures that the seeded sessions share; some are common, most are rare."""
PEOPLE_PER_SESSION = 0.7
SPREAD = timedelta(days=6)
ONE_BY_ONE = 20_000
_BATCH = 100
_KINDS = tuple(MarkerKind)
_RENAMED = {
    "chunks": ("session_id", "object_key"), "markers": ("session_id",), "issue_sessions": ("session_id",), "issue_people": ("person_key",),
    "reports": ("session_id", "id"), "sessions": ("id", "visitor_id", "events_object_key"), "session_words": ("session_id",),
}  # fmt: skip
"""Tables with rows of a session or a person, and the columns that name them."""
_RENUMBERED = {("session_words", "id")}
_COUNTED = {
    "issues": ("session_count", "user_count", "marker_count"), "clusters": ("session_count", "user_count", "marker_count"),
    "issue_hours": ("session_count", "marker_count"), "kind_hours": ("session_count", "marker_count"),
}  # fmt: skip


def cluster_key(cluster: int) -> str:
    """Of the failure ``cluster`` of ``CLUSTERS``; 0 is the most frequent one."""
    return f"{_KINDS[cluster % len(_KINDS)]}:seed{cluster:020d}"


async def seed_sessions(
    url: str, project_id: str, count: int, progress: Callable[[int], None], *, seed: int = 1, spread: timedelta = SPREAD
) -> None:
    """Make or migrate the database at ``url`` and add ``count`` judged sessions (or a few more) of the time ``spread`` until now."""
    migrate(url)
    database = Database.open(url)
    rng, now = random.Random(seed), utc_now()
    settings, times = PromoteSettings(), ceil(count / ONE_BY_ONE)
    own = ceil(count / times)
    try:
        for first in range(0, own, _BATCH):
            batch = [_Seeded(project_id, number, own, rng, now - spread * rng.random()) for number in range(first, min(first + _BATCH, own))]
            await database.write_soon(partial(_store, batch=batch, settings=settings, now=now))
            progress(first + len(batch))
        for statement in _copying(times) if times > 1 else ():
            await database.write_soon(partial(_run, statement=statement))
        progress(count)
    finally:
        await database.close()


def _copying(times: int) -> list[str]:
    """What makes of each row ``times``."""
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {times - 1}) "
    statements = []
    for table, renamed in _RENAMED.items():
        names = [column.name for column in metadata.tables[table].columns]
        values = [_copied(table, name, is_renamed=name in renamed) for name in names]
        statements.append(f"INSERT INTO {table} ({', '.join(names)}) {numbers}SELECT {', '.join(values)} FROM n, {table} AS t")
    statements += [f"UPDATE {table} SET {', '.join(f'{name} = {name} * {times}' for name in counts)}" for table, counts in _COUNTED.items()]
    return statements


def _copied(table: str, column: str, *, is_renamed: bool) -> str:
    if (table, column) in _RENUMBERED:
        return f"t.{column} + n.i"
    return f"t.{column} || '.' || n.i" if is_renamed else f"t.{column}"


async def _run(connection: Connection, statement: str) -> None:
    await connection.exec_driver_sql(statement)


class _Seeded:
    """One made-up session of the past."""

    def __init__(self, project_id: str, number: int, count: int, rng: random.Random, at: datetime) -> None:
        self.project_id = project_id
        self.id = f"seed-{number:07d}"
        self.at = at
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
        document = document_of(claim.session, [session.marker()], symptom=report.symptom, status=report.status)
        await search.note(connection, report, document)
        await sessions.move_on(
            connection, claim, stage=Stage.DONE, report_status=str(report.status), now=session.at
        )
        if session.is_ready:
            await issues.count_sighting(connection, session.sighting(), combine=combine)
