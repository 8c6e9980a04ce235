"""Clean-up: sessions, recordings and artifacts past ``retention.days`` go; issues keep their history."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from retrospec.domain.clock import to_epoch_ms
from retrospec.domain.errors import Unavailable
from retrospec.retention.vault import drop_unused, sweep_vault
from retrospec.storage import activity, expiry, outbox, places, recordings, terms
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Connection, Database
from retrospec.storage.expiry import Belongings, SessionName
from retrospec.storage.terms import Terms

log = structlog.get_logger()

BATCH = 100
BATCH_FORGOTTEN = 20
"""Sessions deleted in one transaction: some milliseconds for which other writers wait. Each takes twenty pages with it."""
BATCH_SHARED = 100
"""The same on PostgreSQL, where each statement is a way to the server and back."""
PAUSE_S = 0.01
"""At least; otherwise as long as the batch took, so that half the time belongs to others, and more when they are busy."""
PAGES_GIVEN_BACK, ROUNDS_GIVEN_BACK = 50, 400
"""To the file system: so many pages in one transaction, so many times in one clean-up."""
ABANDONED_AFTER = timedelta(days=1)
"""An upload whose session never came is kept so long."""
ORPHAN_AGE = timedelta(hours=6)
"""A blob younger than this may belong to a call that is still being answered."""
STORED_SUFFIX = ".zst"
SWEPT_AT_ONCE = 400
PLACES_KEPT = timedelta(days=90)
"""Sums by day of what came to nothing where."""
LETTERS_KEPT = timedelta(days=90)
"""Alerts that were delivered, held back or given up, and every attempt at them."""
LOG_KEPT = timedelta(days=400)
"""Lines of issues' logs; comments stay."""
NOTES_KEPT = timedelta(days=365)
"""How long an issue's link to an expired session says when it went; some 150 bytes each."""


class Cleaned(msgspec.Struct):
    """What one clean-up removed."""

    sessions: int = 0
    tallies: int = 0
    events: int = 0
    artifacts: int = 0
    assets: int = 0
    """Contents of the vault."""
    failed_events: int = 0
    failed_artifacts: int = 0


async def clean_up(
    database: Database,
    blobs: Blobs,
    *,
    days: int,
    now: datetime,
    project_id: str = "",
    recording_days: int = 0,
    artifact_days: int = 0,
) -> Cleaned:
    """Remove everything past its time, of one project or of all; a project's own terms come before these."""
    cleaned, before = Cleaned(), now - timedelta(days=days)
    general = Terms(days=days, recording_days=recording_days, artifact_days=artifact_days)
    own = await database.read_once(terms.of_projects)
    named = {project_id: own.get(project_id, general)} if project_id else {"": general, **own}
    for project, chosen in named.items():
        others = tuple(own) if not project else ()
        scope = _Scope(database, blobs, now, project, others, cleaned)
        await scope.expire_sessions(chosen.days or days)
        await scope.expire_parts(terms.forget_recordings, chosen.recording_days, _delete_events)
        await scope.expire_parts(terms.forget_artifacts, chosen.artifact_days, _delete_artifacts)
    await _drop_abandoned(database, blobs, now - ABANDONED_AFTER, cleaned)
    cleaned.assets += await drop_unused(
        database, blobs, before=before, strays_before=now - ABANDONED_AFTER, project_id=project_id
    )
    await database.write_soon(lambda connection: expiry.forget_notes(connection, before=now - NOTES_KEPT))
    await database.write_soon(lambda connection: outbox.forget_settled(connection, before=now - LETTERS_KEPT))
    await database.write_soon(lambda connection: activity.forget_lines(connection, before=now - LOG_KEPT))
    oldest_day = to_epoch_ms(now - PLACES_KEPT) // 86_400_000
    await database.write_soon(lambda connection: places.forget_days(connection, before_day=oldest_day))
    cleaned.tallies += await database.write_soon(
        lambda connection: expiry.forget_stale_tallies(connection, before=before, limit=1000)
    )
    await give_back_space(database)
    return cleaned


async def give_back_space(database: Database) -> None:
    """Return what was freed to the file system, in short transactions; the rest at the next clean-up."""
    for _ in range(ROUNDS_GIVEN_BACK):
        began = time.perf_counter()
        if not await database.write_soon(lambda connection: expiry.give_back_space(connection, PAGES_GIVEN_BACK)):
            return
        await _pause_since(began)


async def _pause_since(began: float) -> None:
    await asyncio.sleep(max(PAUSE_S, time.perf_counter() - began))


class _Scope(msgspec.Struct):
    """One project, or all that have no terms of their own."""

    database: Database
    blobs: Blobs
    now: datetime
    project_id: str
    but_not: tuple[str, ...]
    cleaned: Cleaned

    async def expire_sessions(self, days: int) -> None:
        before = self.now - timedelta(days=days)
        while named := await self._expired(before):
            await forget(self.database, self.blobs, named, self.cleaned, now=self.now)

    async def _expired(self, before: datetime) -> list[SessionName]:
        return await self.database.read_once(
            lambda connection: expiry.expired_sessions(
                connection, before=before, limit=BATCH, project_id=self.project_id, but_not=self.but_not
            )
        )

    async def expire_parts(self, forget_some: Any, days: int, delete: Any) -> None:
        before = self.now - timedelta(days=days)
        while days:
            async with self.database.write() as connection:
                keys = await forget_some(
                    connection, before=before, limit=BATCH, project_id=self.project_id, but_not=self.but_not
                )
            if not keys:
                return
            await delete(self.blobs, keys, self.cleaned)
            await asyncio.sleep(PAUSE_S)


async def forget(database: Database, blobs: Blobs, named: Sequence[SessionName], cleaned: Cleaned, *, now: datetime) -> int:
    """Delete these sessions, rows first, then what they stored, few at a time; the bytes that freed."""
    size_bytes = 0
    at_once = BATCH_FORGOTTEN if database.is_sqlite else BATCH_SHARED
    for first in range(0, len(named), at_once):
        began = time.perf_counter()
        size_bytes += await _forget_few(database, blobs, named[first : first + at_once], cleaned, now)
        await _pause_since(began)
    return size_bytes


async def _forget_few(
    database: Database, blobs: Blobs, named: Sequence[SessionName], cleaned: Cleaned, now: datetime
) -> int:

    async def look(connection: Connection) -> tuple[Belongings, int]:
        return await expiry.belongings(connection, named), await expiry.bytes_of(connection, named)

    owned, size_bytes = await database.read_once(look)
    cleaned.sessions += await database.write_soon(
        lambda connection: expiry.forget_sessions(connection, named, now=now)
    )
    await _delete_events(blobs, owned.events, cleaned)
    await _delete_artifacts(blobs, owned.artifacts, cleaned)
    return size_bytes


async def sweep_orphans(database: Database, blobs: Blobs, *, now: datetime) -> int:
    """Delete recordings, artifacts and vault contents that no row points at, and writes cut short; how many."""
    swept = await asyncio.to_thread(blobs.drop_torn, before=now - ORPHAN_AGE)
    for prefix in ("session-events", "artifacts"):
        batch: list[str] = []
        async for blob in blobs.list(prefix):
            if now - blob.modified_at >= ORPHAN_AGE:
                batch.append(blob.key)
            if len(batch) == SWEPT_AT_ONCE:
                swept += await _drop_unowned(database, blobs, batch)
                batch = []
        swept += await _drop_unowned(database, blobs, batch)
    return swept + await sweep_vault(database, blobs, before=now - ORPHAN_AGE)


async def _drop_unowned(database: Database, blobs: Blobs, stored: list[str]) -> int:
    keys = {name.removesuffix(STORED_SUFFIX): name for name in stored}
    owned = await database.read_once(lambda connection: expiry.owned_keys(connection, list(keys)))
    unowned = [name for key, name in keys.items() if key not in owned]
    for name in unowned:
        await blobs.delete(name)
    return len(unowned)


async def _drop_abandoned(database: Database, blobs: Blobs, before: datetime, cleaned: Cleaned) -> None:
    while True:
        async with database.read() as connection:
            left = await recordings.abandoned_uploads(connection, before=before, limit=BATCH)
        if not left:
            return
        async with database.write() as connection:
            await recordings.forget_chunks(connection, left)
        await _delete_events(blobs, [chunk.object_key for chunk in left], cleaned)


async def _delete_events(blobs: Blobs, keys: Iterable[str], cleaned: Cleaned) -> None:
    gone, failed = await _delete_all(blobs, keys)
    cleaned.events += gone
    cleaned.failed_events += failed


async def _delete_artifacts(blobs: Blobs, keys: Iterable[str], cleaned: Cleaned) -> None:
    gone, failed = await _delete_all(blobs, keys)
    cleaned.artifacts += gone
    cleaned.failed_artifacts += failed


async def _delete_all(blobs: Blobs, keys: Iterable[str]) -> tuple[int, int]:
    """Delete these objects; those that fail are left to the orphan sweep. ``(gone, failed)``."""
    stored = [f"{key}{STORED_SUFFIX}" if key.endswith(".json") else key for key in keys]
    try:
        await blobs.delete_all(stored)
    except Unavailable as error:
        log.warning("blobs_not_deleted", count=len(stored), first=stored[0], reason=str(error))
        return 0, len(stored)
    return len(stored), 0
