"""The database, opened for one command."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from retrospec.accounts.keys import ensure_default_project
from retrospec.cli.options import keep_private
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import NotFound
from retrospec.domain.settings import Settings
from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate

_SQLITE_FILE = "sqlite:///"


@asynccontextmanager
async def made_database(settings: Settings) -> AsyncIterator[Database]:
    """The database, made or brought up to date first where it must be, as a first start would."""
    keep_private()
    await asyncio.to_thread(migrate, settings.database_url)
    database = Database.open(settings.database_url)
    try:
        await ensure_default_project(database, now=utc_now())
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def existing_database(settings: Settings) -> AsyncIterator[Database]:
    """The database; raises NotFound where none was made yet, so that a mistyped folder does not look empty."""
    _require_file(settings.database_url)
    async with made_database(settings) as database:
        yield database


def _require_file(url: str) -> None:
    file = Path(url.removeprefix(_SQLITE_FILE))
    if url.startswith(_SQLITE_FILE) and not file.exists():
        raise NotFound(
            f"There is no database at {file}.",
            hint="Name the server's data folder with --data; the first `retrospec serve` makes it.",
        )
