"""The pages bench seeds an installation, walks the app's own routes, and notices what is slow, large or read whole."""

from pathlib import Path
from typing import Any

import pytest

from retrospec.bench import pages
from retrospec.bench.pages import Measured, figures_of
from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate
from retrospec.storage.statements import Asked, scans_of
from retrospec.web.pages import assets

MOST = 24
MOST_STATEMENTS = {"home": 20, "issues": 20, "issues/{key}": 30, "issues/{key} (part)": 30, "sessions": 10, "sessions/{session_id}": 24}
"""What the busiest pages ask of the database, the login included. Each statement costs some 0.1 ms before it is run."""


def test_every_page_of_a_seeded_installation_is_measured(tmp_path: Path) -> None:
    found = {one.name: one for one in pages.run_pages(tmp_path, (60, 12, 300), lambda *_: None, rounds=1)}
    assert {"home", "issues", "issues/{key}", "sessions", "sessions/{session_id}", "alerts", "project", "sessions (part)"} <= set(found)
    assert all(one.status == 200 for one in found.values())
    assert found["issues"].first_load_bytes > found["issues"].bytes > 1_000
    assert found["issues"].queries > 5
    assert found["sessions (part)"].first_load_bytes == 0
    if assets.made_small():
        too_large = {one.name: one.first_load_bytes for one in found.values() if one.first_load_bytes > pages.FIRST_LOAD_BYTES}
        assert not too_large
    assert {name: one.queries for name, one in found.items() if one.queries > MOST_STATEMENTS.get(name, MOST)} == {}


def test_the_goals_can_be_missed() -> None:
    plain: dict[str, Any] = {"name": "x", "status": 200, "median_ms": 1.0, "p95_ms": 2.0, "cpu_ms": 1.0, "queries": 1, "bytes": 9, "first_load_bytes": 100}
    assert all(figure.is_met for figure in figures_of([Measured(**plain)]))
    for worse in ({"p95_ms": 31.0}, {"first_load_bytes": 60_001}, {"scans": ["SCAN sessions"]}):
        assert not all(figure.is_met for figure in figures_of([Measured(**(plain | worse))]))


@pytest.mark.parametrize(("where", "is_scan"), [("stage = 'x' OR last_error = 'y'", True), ("project_id = 'p' AND id = 's'", False)])
async def test_a_table_that_is_read_whole_is_noticed(tmp_path: Path, where: str, is_scan: bool) -> None:
    url = f"sqlite:///{tmp_path / 'r.db'}"
    migrate(url)
    database = Database.open(url)
    found = scans_of(database, [Asked(f"SELECT id FROM sessions WHERE {where}", ())], small=frozenset())
    assert bool(found) == is_scan
    await database.close()
