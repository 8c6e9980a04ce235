"""A week of data in a real database and blob folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings, StorageSettings
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate
from tests.web.seeding import seed


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(storage=StorageSettings(dir=str(tmp_path)))


@pytest.fixture
def blobs(settings: Settings) -> Blobs:
    return Blobs.open(settings.blobs_url)


@pytest.fixture
async def database(settings: Settings, blobs: Blobs) -> AsyncIterator[Database]:
    migrate(settings.database_url)
    opened = Database.open(settings.database_url)
    await seed(opened, blobs, now=utc_now())
    yield opened
    await opened.close()
