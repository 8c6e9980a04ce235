"""How long the audit log is kept."""

from datetime import datetime, timedelta

from retrospec.storage import audit
from retrospec.storage.database import Database


async def forget_old_entries(database: Database, *, days: int, now: datetime) -> int:
    """Delete entries older than ``days``; how many went, which is itself noted nowhere but in the count."""
    async with database.write() as connection:
        return await audit.forget_before(connection, now - timedelta(days=days))
