"""What is past its time goes; what an issue counted stays."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from retrospec.bench.seed import seed_sessions
from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings
from retrospec.retention.expiry import ORPHAN_AGE, Cleaned, clean_up, sweep_orphans
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate
from tests.conftest import Client, make_key, marker, serving, settings_for, wait_for
from tests.servers.choice import blobs_folder, blobs_url, on_sqlite_only, rows_url

LATER = utc_now() + timedelta(days=8)


def blob_files(folder: Path) -> list[Path]:
    return [path for path in blobs_folder(folder).rglob("*") if path.is_file()]


def cleaned_at(settings: Settings, now: datetime) -> Cleaned:
    async def clean() -> Cleaned:
        database, blobs = Database.open(settings.database_url), Blobs.open(settings.blobs_url)
        cleaned = await clean_up(database, blobs, days=7, now=now)
        await database.close()
        return cleaned

    return asyncio.run(clean())


def test_expired_sessions_go_with_their_blobs_and_issues_keep_their_counts(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        for name in ("old-1", "old-2"):
            client.send(name, marker())
            client.judged(name)
        assert len(blob_files(tmp_path)) == 4
        assert cleaned_at(settings, utc_now()).sessions == 0
        cleaned = cleaned_at(settings, LATER)
        assert (cleaned.sessions, cleaned.events, cleaned.artifacts) == (2, 2, 2)
        assert cleaned.failed_events == cleaned.failed_artifacts == 0
        assert blob_files(tmp_path) == []
        assert client.http.get("/v1/sessions/old-1").status_code == 404
        (issue,) = client.http.get("/v1/issues").json()["issues"]
        assert issue["sessionCount"] == 2
        client.http.close()


@on_sqlite_only  # counts the pages of the file; PostgreSQL uses them again by itself
def test_what_was_deleted_is_given_back_to_the_disk(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)

    async def seed() -> None:
        await seed_sessions(settings.database_url, "proj_default", 300, lambda _done: None)

    def pages() -> tuple[int, int]:
        with closing(sqlite3.connect(tmp_path / "retrospec.db")) as database:
            (count,), (free,) = (database.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count"))
        return count, free

    asyncio.run(seed())
    before, _ = pages()
    assert cleaned_at(settings, LATER).sessions == 300
    after, free = pages()
    assert free == 0
    assert after < before * 0.7


def test_an_upload_whose_session_never_came_goes_after_a_day(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        client.upload("never-ingested")
        cleaned_at(settings, utc_now() + timedelta(hours=23))
        assert len(blob_files(tmp_path)) == 1
        assert cleaned_at(settings, utc_now() + timedelta(hours=25)).events == 1
        assert blob_files(tmp_path) == []
        client.http.close()


async def test_a_blob_that_no_row_points_at_is_swept_once_it_is_old(tmp_path: Path) -> None:
    url = rows_url(tmp_path)
    migrate(url)
    database, blobs = Database.open(url), Blobs.open(blobs_url(tmp_path))
    await blobs.put("session-events/p/2026/11/23/site/lost.json.zst", b"cut short")
    assert await sweep_orphans(database, blobs, now=utc_now()) == 0
    assert await sweep_orphans(database, blobs, now=utc_now() + ORPHAN_AGE + timedelta(minutes=1)) == 1
    assert blob_files(tmp_path) == []
    await database.close()


def test_a_reupload_past_midnight_leaves_no_blob_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path)
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        with monkeypatch.context() as yesterday:
            yesterday.setattr("retrospec.intake.utc_now", lambda: utc_now() - timedelta(days=1))
            first = client.upload("night").json()["eventsObjectKey"]
        second = client.upload("night").json()["eventsObjectKey"]
        assert first != second
        wait_for(lambda: len(blob_files(tmp_path)) == 1)
        assert client.ingest("night", marker(), key=first).status_code == 202
        assert client.session("night")["eventsObjectKey"] == second
        client.http.close()


@on_sqlite_only  # S3 shows no half of an object
def test_a_write_that_was_cut_short_and_an_artifact_without_a_row_are_swept(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        client.send("kept", marker())
        client.judged("kept")
        client.http.close()
    before = blob_files(tmp_path)
    torn = before[0].with_name(f"{before[0].name}#1")
    stray = tmp_path / "blobs" / "artifacts" / "proj_default" / "2026" / "11" / "20" / "nobody" / "frame.webp"
    stray.parent.mkdir(parents=True)
    for path in (torn, stray):
        path.write_bytes(b"half")

    async def sweep(now: datetime) -> int:
        database, blobs = Database.open(settings.database_url), Blobs.open(settings.blobs_url)
        swept = await sweep_orphans(database, blobs, now=now)
        await database.close()
        return swept

    assert asyncio.run(sweep(utc_now())) == 0
    assert asyncio.run(sweep(utc_now() + ORPHAN_AGE + timedelta(minutes=1))) == 2
    assert blob_files(tmp_path) == before
