"""The asset vault's clean-up: a content goes when no session that is kept refers to it."""

import asyncio
from datetime import datetime

import structlog

from retrospec.domain.errors import Unavailable
from retrospec.storage import assets
from retrospec.storage.assets import asset_key
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database

log = structlog.get_logger()

BATCH = 200
PAUSE_S = 0.01


async def drop_unused(
    database: Database, blobs: Blobs, *, before: datetime, strays_before: datetime, project_id: str = ""
) -> int:
    """Delete contents older than ``before`` that no session refers to; how many.

    Addresses of sessions that never came go first, once older than ``strays_before``.
    """
    async with database.write() as connection:
        await assets.forget_strays(connection, before=strays_before, limit=BATCH)
    dropped = 0
    while True:
        async with database.write() as connection:
            gone = await assets.forget_unused(connection, before=before, limit=BATCH, project_id=project_id)
        if not gone:
            return dropped
        for asset in gone:
            await _delete(blobs, asset_key(asset.project_id, asset.sha256))
        dropped += len(gone)
        await asyncio.sleep(PAUSE_S)


async def sweep_vault(database: Database, blobs: Blobs, *, before: datetime) -> int:
    """Delete contents put before ``before`` that no row knows: their call was cut short. How many."""
    swept = 0
    async for blob in blobs.list("assets"):
        parts = blob.key.split("/")
        if blob.modified_at >= before or len(parts) != 4:
            continue
        async with database.read() as connection:
            if await assets.find(connection, parts[1], parts[3]) is not None:
                continue
        await blobs.delete(blob.key)
        swept += 1
    return swept


async def _delete(blobs: Blobs, key: str) -> None:
    """One that fails is left to the sweep."""
    try:
        await blobs.delete(key)
    except Unavailable as error:
        log.warning("blob_not_deleted", key=key, reason=str(error))
