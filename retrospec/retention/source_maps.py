"""Source maps outlive sessions: a release's go when they have named nothing for a long while."""

from datetime import datetime, timedelta

from retrospec.storage import source_maps
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database

BATCH = 100
"""Releases in one round; the next clean-up goes on."""


async def forget_unused_maps(database: Database, blobs: Blobs, *, days: int, now: datetime) -> int:
    """Delete the maps of releases that were last of use more than ``days`` ago; how many went."""
    async with database.read() as connection:
        unused = await source_maps.unused_releases(connection, before=now - timedelta(days=days), limit=BATCH)
    gone = 0
    for project_id, release in unused:
        async with database.write() as connection:
            keys = await source_maps.forget(connection, project_id, release)
        for key in keys:
            await blobs.delete(key)
        gone += len(keys)
    return gone
