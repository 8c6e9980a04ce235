"""How the server is: one look at queue, disk, memory and backups, for /metrics, the samples and the Health page."""

import asyncio
import resource
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import structlog

from retrospec.backup import back_up, rotate
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import RetroSpecError
from retrospec.domain.settings import Settings
from retrospec.storage import health, queue, render_budget
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Connection, Database
from retrospec.storage.queue import Depth
from retrospec.telemetry import Metrics

log = structlog.get_logger()

SAMPLE_EVERY_S = 60.0
SAMPLES_KEPT = timedelta(days=8)
BACKUP_LOOK_S = 60.0


class Vitals(msgspec.Struct, kw_only=True):
    """What is true now."""

    at: datetime
    depths: list[Depth]
    dead: int
    room: str
    notice: str
    used_bytes: int
    free_bytes: int
    budget_bytes: int
    evicted: int
    refused: dict[str, int]
    resident_bytes: int
    open_files: int
    loop_lag_s: float
    ingested: int
    reports: int
    rendered_today: int
    renders_a_day: int
    """At most, of all projects; 0 is no limit."""
    backup_at: datetime | None

    @property
    def is_render_budget_spent(self) -> bool:
        """Whether suspicions wait for tomorrow."""
        return 0 < self.renders_a_day <= self.rendered_today

    @property
    def waiting(self) -> int:
        """Sessions that are due and nobody's."""
        return sum(depth.waiting for depth in self.depths)

    @property
    def oldest_s(self) -> float:
        """How long the longest-waiting session has been due."""
        due = [depth.oldest_due_at for depth in self.depths if depth.oldest_due_at]
        return max(0.0, (self.at - min(due)).total_seconds()) if due else 0.0

    def figures(self) -> health.Figures:
        """What the plots are drawn from."""
        return health.Figures(
            ingested=self.ingested, reports=self.reports, waiting=self.waiting, oldest_s=round(self.oldest_s, 1),
            used_bytes=self.used_bytes, free_bytes=self.free_bytes, resident_bytes=self.resident_bytes,
            loop_lag_s=round(self.loop_lag_s, 4), dead=self.dead,
        )  # fmt: skip


async def take_vitals(state: Any) -> Vitals:
    """Look, from an application's state."""
    now = utc_now()

    async def look(connection: Connection) -> tuple[list[Depth], int, int]:
        rendered = await render_budget.spent_today(connection, render_budget.ALL, now=now)
        return await queue.depths(connection, now=now), await queue.count_dead(connection), rendered

    depths, dead, rendered = await state.database.read_once(look)
    space, admission, metrics = state.governor.space, state.admission, state.metrics
    return Vitals(
        at=now, depths=depths, dead=dead, room=admission.room.name.lower(), notice=admission.notice, used_bytes=space.used,
        free_bytes=space.free, budget_bytes=space.budget, evicted=space.evicted, refused=dict(admission.refused),
        resident_bytes=resident_bytes(), open_files=_open_files(), loop_lag_s=metrics.worst_lag_s,
        ingested=metrics.total("retrospec_ingest_sessions"), reports=metrics.total("retrospec_analysis_reports"),
        rendered_today=rendered, renders_a_day=state.settings.replay.daily_limit, backup_at=await newest_backup_at(state.settings),
    )  # fmt: skip


def resident_bytes() -> int:
    """This process's resident memory; its peak where the system does not tell the present."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize()
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _open_files() -> int:
    try:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())
    except OSError:
        return 0


async def newest_backup_at(settings: Settings) -> datetime | None:
    """When the newest backup in ``backup.url`` was finished; None where there is none or it cannot be asked."""
    if settings.backup_url.startswith("file://") and not Path(settings.backup_url.removeprefix("file://")).exists():  # noqa: ASYNC240
        return None
    try:
        moments = [blob.modified_at async for blob in Blobs.open(settings.backup_url).list("") if blob.key.endswith(".tar")]
    except RetroSpecError:
        return None
    return max(moments, default=None)


async def fill_gauges(state: Any) -> None:
    """Bring the gauges of /metrics up to now."""
    vitals, metrics = await take_vitals(state), state.metrics
    for depth in vitals.depths:
        for name in ("waiting", "held", "retrying", "later"):
            metrics.depth.labels(depth.stage, name).set(getattr(depth, name))
        oldest = depth.oldest_due_at
        metrics.oldest.labels(depth.stage).set((vitals.at - oldest).total_seconds() if oldest else 0)
    metrics.dead_letters.set(vitals.dead)
    for name, size in (("used", vitals.used_bytes), ("free", vitals.free_bytes), ("budget", vitals.budget_bytes)):
        metrics.disk.labels(name).set(size)
    metrics.room.set(int(state.admission.room))
    metrics.evicted.set(vitals.evicted)
    for reason, count in vitals.refused.items():
        metrics.refused.labels(reason).set(count)
    metrics.resident.set(vitals.resident_bytes)
    metrics.open_files.set(vitals.open_files)
    metrics.backup_at.set(vitals.backup_at.timestamp() if vitals.backup_at else 0)


async def sample_forever(state: Any) -> None:
    """Keep the figures of every minute for the plots, until cancelled."""
    while True:
        await asyncio.sleep(SAMPLE_EVERY_S)
        try:
            vitals = await take_vitals(state)
            async with state.database.write() as connection:
                await health.keep_sample(connection, vitals.at, vitals.figures(), before=vitals.at - SAMPLES_KEPT)
        except RetroSpecError as error:
            log.warning("sample_not_kept", reason=str(error))


async def back_up_forever(settings: Settings, database: Database, metrics: Metrics) -> None:
    """Make a backup whenever the newest is older than ``backup.every_hours``, until cancelled."""
    while True:
        await asyncio.sleep(BACKUP_LOOK_S)
        every = timedelta(hours=settings.backup.every_hours)
        newest = await newest_backup_at(settings)
        if not every or not database.is_sqlite or (newest and utc_now() - newest < every):
            continue
        try:
            made = await asyncio.to_thread(_back_up_alone, settings)
            log.info("backed_up", name=made)
        except (RetroSpecError, OSError) as error:
            metrics.backup_failures.inc()
            log.error("backup_failed", reason=str(error))


def _back_up_alone(settings: Settings) -> str:
    """In a thread with a loop of its own: a backup reads everything there is."""

    async def run() -> str:
        store = Blobs.open(settings.backup_url)
        made = await back_up(settings, store)
        await rotate(store, settings.backup.keep)
        return made.name

    return asyncio.run(run())
