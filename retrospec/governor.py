"""Keeps the disk within its budget: evicts what is missed least, and narrows the front door when that is not enough."""

import asyncio
import os
import shutil
from pathlib import Path

import msgspec
import structlog

from retrospec.admission import Admission, Room
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import RetroSpecError, StorageFull
from retrospec.domain.settings import Settings
from retrospec.retention.expiry import Cleaned, forget
from retrospec.storage import expiry, queue
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.storage.expiry import WORTH, Worth

log = structlog.get_logger()

SHARE_OF_DISK = 0.8
"""Budget where none is set: of what we used and what was free at the start. Fixed then, since others who fill the
disk later must not make us delete what is ours."""
EVICT_TO = 0.95
"""An eviction ends at this share of the budget, so that it need not begin again at once."""
BATCH = 50
MARKERS_ONLY_SHARE, MARKERS_ONLY_BYTES = 0.05, 300_000_000
FULL_SHARE, FULL_BYTES = 0.02, 80_000_000
"""Free space, as a share of the disk and at most in bytes, below which the door narrows, then closes."""
RESERVE_SHARE, RESERVE_BYTES = 0.01, 32_000_000
RESERVE_NAME = "reserve"
"""A file given up when the disk is full: deleting rows, too, takes room for the database's log."""
SUM_EVERY, SUM_EVERY_NEAR = 15, 3
"""Looks at the free space between two sums of what is stored; fewer past ``EVICT_TO`` of the budget, and none
where the disk has lost since the last sum what was left of the budget."""


class Space(msgspec.Struct, kw_only=True):
    """Where the disk stands, in bytes."""

    total: int = 0
    free: int = 0
    used: int = 0
    """By RetroSpec: database, recordings and artifacts."""
    budget: int = 0
    evicted: int = 0
    """Sessions evicted since the start."""


class Governor:
    """``await governor.look()`` every so often; ``space`` is what it saw last."""

    def __init__(self, settings: Settings, database: Database, blobs: Blobs, admission: Admission) -> None:
        self._settings = settings
        self._database = database
        self._blobs = blobs
        self._admission = admission
        self._folder = settings.data_dir
        self._looks = 0
        self._free_at_sum = 0
        self._share = 0
        self.space = Space()

    async def watch_forever(self) -> None:
        """Look until cancelled; what fails is tried again at the next look."""
        while True:
            try:
                await self.look()
            except (RetroSpecError, OSError) as error:
                log.warning("governor_postponed", reason=str(error))
                if isinstance(error, StorageFull):
                    self._give_up_reserve()
            await asyncio.sleep(self._settings.worker.sweep_seconds)

    async def look(self) -> None:
        """Measure, evict where it takes that, and set the door."""
        self._admission.backlog = await self._database.read_once(
            lambda connection: queue.backlog(connection, now=utc_now())
        )
        await self._measure()
        if self._is_over() or self._is_short():
            await self._evict()
        self._set_door()

    async def _measure(self) -> None:
        disk = await asyncio.to_thread(shutil.disk_usage, self._folder)
        self.space.total, self.space.free = disk.total, disk.free
        every = SUM_EVERY_NEAR if self.space.used > self.space.budget * EVICT_TO else SUM_EVERY
        if self._looks % every == 0 or self._is_over() or self._is_short() or self._may_be_over():
            await self._sum_up()
        self._looks += 1

    async def _sum_up(self) -> None:
        """What we store here: on another machine it weighs nothing."""
        stored = 0
        if self._blobs.folder is not None:
            stored = await self._database.read_once(expiry.stored_bytes)
        files = await asyncio.to_thread(_database_bytes, self._folder)
        self.space.used, self._free_at_sum = stored + files, self.space.free
        if not self._share:
            self._share = int((self.space.used + self.space.free) * SHARE_OF_DISK)
        limit = self._settings.storage.max_gb
        self.space.budget = int(limit * 1e9) if limit else self._share

    def _is_over(self) -> bool:
        return 0 < self.space.budget < self.space.used

    def _may_be_over(self) -> bool:
        """Half a minute of a rush at the door is more than a small budget has to spare."""
        return self.space.used + max(0, self._free_at_sum - self.space.free) > self.space.budget

    def _is_short(self) -> bool:
        return self.space.free < self._floor(MARKERS_ONLY_SHARE, MARKERS_ONLY_BYTES)

    def _floor(self, share: float, most_bytes: int) -> int:
        return min(most_bytes, int(self.space.total * share))

    async def _evict(self) -> None:
        """In the order of ``Worth``. Where others fill the disk, only what nobody would miss goes."""
        if self.space.free < self._floor(FULL_SHARE, FULL_BYTES):
            self._give_up_reserve()
        over = self.space.used - int(self.space.budget * EVICT_TO) if self._is_over() else 0
        for worth in WORTH:
            if over <= 0 and not (self._is_short() and worth in (Worth.HEALTHY, Worth.DISCARDED)):
                return
            over = await self._evict_worth(worth, over)

    async def _evict_worth(self, worth: Worth, over: int) -> int:
        while over > 0 or self._is_short():
            named = await self._database.read_once(
                lambda connection: expiry.least_missed(connection, worth, limit=BATCH)
            )
            if not named:
                break
            cleaned = Cleaned()
            freed = await forget(self._database, self._blobs, named, cleaned, now=utc_now())
            over -= freed
            self.space.used -= freed
            self.space.evicted += cleaned.sessions
            log.info("evicted", worth=worth.name.lower(), sessions=cleaned.sessions, freed_bytes=freed)
            self.space.free = (await asyncio.to_thread(shutil.disk_usage, self._folder)).free
            await self._database.write_soon(expiry.give_back_space)
        return over

    def _set_door(self) -> None:
        before, space = self._admission.room, self.space
        if space.free < self._floor(FULL_SHARE, FULL_BYTES):
            self._admission.room = Room.FULL
        elif self._is_short() or self._is_over():
            self._admission.room = Room.MARKERS_ONLY
        else:
            self._admission.room = Room.OPEN
            self._keep_reserve()
        if self._admission.room is not before:
            log.warning("disk", room=self._admission.room.name.lower(), free_bytes=space.free, used_bytes=space.used)

    def _give_up_reserve(self) -> None:
        (self._folder / RESERVE_NAME).unlink(missing_ok=True)

    def _keep_reserve(self) -> None:
        path = self._folder / RESERVE_NAME
        size = self._floor(RESERVE_SHARE, RESERVE_BYTES)
        if path.exists() or self.space.free < 2 * self._floor(MARKERS_ONLY_SHARE, MARKERS_ONLY_BYTES) + size:
            return
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(size, 1))


def _database_bytes(folder: Path) -> int:
    names = ("retrospec.db", "retrospec.db-wal", "queue.db", "queue.db-wal")
    return sum((folder / name).stat().st_size for name in names if (folder / name).exists())
