"""A real SQLite file with the real schema."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate
from tests.servers.choice import rows_url


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = rows_url(tmp_path)
    migrate(url)
    opened = Database.open(url)
    yield opened
    await opened.close()
