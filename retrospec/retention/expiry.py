"""Clean-up: sessions, recordings and artifacts past ``retention.days`` go; issues keep their history."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
import structlog

from retrospec.domain.errors import Unavailable
from retrospec.storage import expiry, recordings
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database

log = structlog.get_logger()

BATCH = 100
"""Sessions deleted in one transaction: a few milliseconds for which other writers wait."""
PAUSE_S = 0.01
ABANDONED_AFTER = timedelta(days=1)
"""An upload whose session never came is kept so long."""
ORPHAN_AGE = timedelta(hours=6)
"""A blob younger than this may belong to a call that is still being answered."""
STORED_SUFFIX = ".zst"
SWEPT_AT_ONCE = 400


class Cleaned(msgspec.Struct):
    """What one clean-up removed."""

    sessions: int = 0
    tallies: int = 0
    events: int = 0
    artifacts: int = 0
    failed_events: int = 0
    failed_artifacts: int = 0


async def clean_up(
    database: Database, blobs: Blobs, *, days: int, now: datetime, project_id: str = ""
) -> Cleaned:
    """Remove everything past its time, of one project or of all."""
    cleaned, before = Cleaned(), now - timedelta(days=days)
    while True:
        async with database.read() as connection:
            named = await expiry.expired_sessions(
                connection, before=before, limit=BATCH, project_id=project_id
            )
            owned = await expiry.belongings(connection, named) if named else None
        if owned is None:
            break
        async with database.write() as connection:
            cleaned.sessions += await expiry.forget_sessions(connection, named)
        await _delete_events(blobs, owned.events, cleaned)
        await _delete_artifacts(blobs, owned.artifacts, cleaned)
        await asyncio.sleep(PAUSE_S)
    await _drop_abandoned(database, blobs, now - ABANDONED_AFTER, cleaned)
    async with database.write() as connection:
        cleaned.tallies += await expiry.forget_stale_tallies(connection, before=before, limit=1000)
        await expiry.give_back_space(connection)
    return cleaned


async def sweep_orphans(database: Database, blobs: Blobs, *, now: datetime) -> int:
    """Delete recordings and artifacts that no row points at, and writes cut short; how many."""
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
    return swept


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
    """Delete these objects; one that fails is left to the orphan sweep. ``(gone, failed)``."""
    gone = failed = 0
    for key in keys:
        try:
            await blobs.delete(f"{key}{STORED_SUFFIX}" if key.endswith(".json") else key)
            gone += 1
        except Unavailable as error:
            failed += 1
            log.warning("blob_not_deleted", key=key, reason=str(error))
    return gone, failed
