"""Where a test's rows and blobs lie: in its own folder, or on PostgreSQL and S3 with ``TEST_STORE=large``.

The same tests run on both: a folder stands for one database and one blob store for as long as the run lasts.
"""

import functools
import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from retrospec.domain.settings import Settings
from retrospec.storage.engines import sync_url
from retrospec.storage.migrate import migrate
from tests.servers.programs import postgres, s3

IS_LARGE = os.environ.get("TEST_STORE", "") == "large"
on_sqlite_only = pytest.mark.skipif(IS_LARGE, reason="looks into the SQLite file or the blobs' folder itself")
"""For tests of what exists only there."""


in_full_run_only = pytest.mark.skipif(not IS_LARGE, reason="part of the full run over PostgreSQL and S3: python -m tests.servers.everything")
"""For tests that take long and of which a shorter one runs by default."""


def rows_url(folder: Path) -> str:
    """The database of ``folder``; its schema is there already, or is made by ``migrate``."""
    return large_rows_url(folder) if IS_LARGE else f"sqlite:///{folder / 'retrospec.db'}"


def blobs_url(folder: Path) -> str:
    """The blob store of ``folder``."""
    return large_blobs_url(folder) if IS_LARGE else f"file://{folder / 'blobs'}"


def blobs_folder(folder: Path) -> Path:
    """Where the blobs of ``folder`` lie as files, to look at: the S3 server keeps a bucket as a folder."""
    if not IS_LARGE:
        return folder / "blobs"
    bucket_and_prefix = large_blobs_url(folder).removeprefix("s3://").partition("?")[0]
    return s3().folder / bucket_and_prefix


def stores_given(settings: Settings) -> dict[str, str]:
    """The environment that tells a command of these stores, beside the data folder."""
    return {"RETROSPEC_DATABASE_URL": settings.database.url, "RETROSPEC_BLOBS_URL": settings.blobs.url} if IS_LARGE else {}


def rows_of(settings: Settings, statement: str) -> list[tuple[Any, ...]]:
    """What the database itself answers."""
    engine = create_engine(sync_url(settings.database_url))
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(statement))]
    engine.dispose()
    return found


def choose_stores(settings: Settings, folder: Path) -> None:
    """Put what was chosen into ``settings``; nothing where the folder itself was."""
    if IS_LARGE:
        settings.database.url, settings.blobs.url = large_rows_url(folder), large_blobs_url(folder)


@functools.cache
def large_rows_url(folder: Path) -> str:
    """One PostgreSQL database a folder."""
    return postgres().new_database(_migrated())


@functools.cache
def large_blobs_url(_folder: Path) -> str:
    """One blob store a folder."""
    return s3().new_store()


@functools.cache
def _migrated() -> str:
    """A database with the schema and no rows, to copy."""
    url = postgres().new_database()
    migrate(url)
    return url
