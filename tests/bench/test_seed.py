import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from retrospec.bench import seed
from retrospec.bench.crash_count import DOUBLED
from retrospec.bench.seed import seed_sessions
from retrospec.storage import issues, sessions
from retrospec.storage.database import Database

COUNT = 120


async def test_seeded_sessions_are_judged_and_counted_like_real_ones(tmp_path: Path) -> None:
    url, told = f"sqlite:///{tmp_path / 'seeded.db'}", []
    await seed_sessions(url, "proj_default", COUNT, told.append)
    assert told[-1] == COUNT

    database = Database.open(url)
    async with database.read() as connection:
        found = [
            await sessions.find(connection, "proj_default", f"seed-{number:07d}") for number in range(COUNT)
        ]
        shown = await issues.list_promoted(connection, "proj_default", state=None)
        members = [
            await issues.sessions_of(
                connection, "proj_default", tally.issue.key, limit=200, status="ready", min_confidence=0
            )
            for tally in shown
        ]
    await database.close()
    assert {session.stage for session in found if session} == {"done"}
    assert {session.report_status for session in found if session} == {"ready", "discarded"}
    assert None not in found
    assert len(shown) > 5
    assert [tally.issue.session_count for tally in shown] == [len(rows) for rows in members]


async def test_the_same_seed_fills_alike(tmp_path: Path) -> None:
    keys = []
    for name in ("one", "two"):
        url = f"sqlite:///{tmp_path / name}.db"
        await seed_sessions(url, "proj_default", 40, lambda _done: None, seed=7)
        database = Database.open(url)
        async with database.read() as connection:
            keys.append(
                sorted(
                    tally.issue.key
                    for tally in await issues.list_promoted(connection, "proj_default", state=None)
                )
            )
        await database.close()
    assert keys[0] == keys[1] != []


async def test_copied_sessions_are_whole_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed, "ONE_BY_ONE", 20)
    url = f"sqlite:///{tmp_path / 'x.db'}"
    await seed_sessions(url, "proj_default", 60, lambda _: None)
    with closing(sqlite3.connect(tmp_path / "x.db")) as database:
        for table in ("sessions", "markers", "reports", "chunks", "session_words", "session_found"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (60,)
        for query in DOUBLED.values():
            assert database.execute(query).fetchone() == (0,), query
