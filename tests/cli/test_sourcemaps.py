"""``retrospec sourcemaps`` over a data folder of its own."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings
from retrospec.retention.source_maps import forget_unused_maps
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate
from tests.cli.conftest import Run
from tests.symbols.built import as_json, build


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    made = build()
    (folder / "app-1f.js").write_text(made.minified)
    (folder / "app-1f.js.map").write_bytes(as_json(made))
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder in which a server has run."""
    settings = Settings()
    settings.storage.dir = str(tmp_path / "data")
    migrate(settings.database_url)
    return settings


def test_maps_are_uploaded_listed_and_deleted(retrospec: Run, dist: Path, settings: Settings) -> None:
    where = ("--data", settings.storage.dir)
    uploaded = retrospec("sourcemaps", "upload", "--release", "1.4", str(dist), *where)
    assert uploaded.returncode == 0
    assert "app-1f.js" in uploaded.stdout and "Kept 1 of 1 source maps of 1.4." in uploaded.stdout
    assert "sessions judged before keep theirs" in uploaded.stdout
    (release,) = json.loads(retrospec("sourcemaps", "list", "--json", *where).stdout)
    assert (release["release"], release["mapCount"], release["lastUsedAt"]) == ("1.4", 1, None)
    assert "app-1f.js" in retrospec("sourcemaps", "list", "--release", "1.4", *where).stdout
    assert "Deleted 1" in retrospec("sourcemaps", "delete", "--release", "1.4", *where).stdout
    assert json.loads(retrospec("sourcemaps", "list", "--json", *where).stdout) == []


def test_a_map_that_cannot_be_read_is_named_and_the_others_are_kept(retrospec: Run, dist: Path, settings: Settings) -> None:
    (dist / "broken.js").write_text("x")
    (dist / "broken.js.map").write_text('{"version": 3, "sources": [], "names": [], "mappings": "AAAA"}')
    done = retrospec("sourcemaps", "upload", "--release", "1", str(dist), "--data", settings.storage.dir)
    assert done.returncode == 1
    assert "broken.js: The source map cannot be read" in done.stderr
    assert "Kept 1 of 2" in done.stdout


def test_what_is_missing_is_said(retrospec: Run, tmp_path: Path, dist: Path, settings: Settings) -> None:
    where = ("--data", settings.storage.dir)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "has no source maps" in retrospec("sourcemaps", "upload", "--release", "1", str(empty), *where).stderr
    assert "no project" in retrospec("sourcemaps", "upload", "--release", "1", str(dist), "--project", "nope", *where).stderr
    assert "SOURCEMAPS_KEY" in retrospec("sourcemaps", "list", "--server", "http://localhost:9").stderr
    assert "no such source maps" in retrospec("sourcemaps", "delete", "--release", "9", *where).stderr
    unreachable = retrospec("sourcemaps", "upload", "--release", "1", str(dist), "--server", "http://127.0.0.1:9", "--key", "k")
    assert unreachable.returncode == 1 and "gave no answer" in unreachable.stderr


async def test_maps_go_when_a_release_is_long_out_of_use(retrospec: Run, dist: Path, settings: Settings) -> None:
    import asyncio

    done = await asyncio.to_thread(
        retrospec, "sourcemaps", "upload", "--release", "1", str(dist), "--data", settings.storage.dir
    )
    assert done.returncode == 0
    database, blobs = Database.open(settings.database_url), Blobs.open(settings.blobs_url)
    now = utc_now()
    assert await forget_unused_maps(database, blobs, days=90, now=now + timedelta(days=89)) == 0
    assert await forget_unused_maps(database, blobs, days=90, now=now + timedelta(days=91)) == 1
    assert [blob.key async for blob in blobs.list("source-maps")] == []
    await database.close()
