import json
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from retrospec import checkup
from retrospec.domain.settings import ReplaySettings
from retrospec.domain.shipped import built_dir
from retrospec.replay.found import find_browser
from retrospec.storage import examine as examining
from tests.conftest import serving, settings_for

from .conftest import Run
from .test_analyze import HEALTHY

NO_BROWSER = {"RETROSPEC_REPLAY_RENDER": "off"}
needs_built = pytest.mark.skipif(not (built_dir() / "replay.js").is_file(), reason="the bundles are not built: python hatch_build.py")
HOUR_MS = 3_600_000


@pytest.fixture
def data(retrospec: Run, tmp_path: Path) -> Path:
    """A data folder with one session that waits to be judged."""
    assert retrospec("project", "create", "Shop", "--data", "data").returncode == 0
    assert retrospec("import", HEALTHY, "--data", "data").returncode == 0
    return tmp_path / "data"


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bundles that are there, whether built or not: only the browser reads what is in them."""
    folder = tmp_path / "built"
    folder.mkdir()
    for name in checkup.BUILT:
        (folder / name).write_text("built")
    monkeypatch.setattr(checkup, "built_dir", lambda: folder)


def found(retrospec: Run, environ: dict[str, str] | None = None, data: str = "data") -> dict[str, dict[str, Any]]:
    """The findings by name; the exit code must fit them, and each that is not ok must say what to do."""
    done = retrospec("doctor", "--json", "--data", data, environ=environ or NO_BROWSER)
    answer = json.loads(done.stdout)
    findings = {one["name"]: one for one in answer["findings"]}
    has_problem = any(one["level"] == "problem" for one in findings.values())
    assert (done.returncode, answer["ok"]) == (int(has_problem), not has_problem)
    assert all(bool(one["remedy"]) == (one["level"] != "ok") for one in findings.values())
    return findings


def levels(findings: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: one["level"] for name, one in findings.items() if one["level"] != "ok"}


def change(data: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(data / "retrospec.db") as connection:
        connection.execute(statement, values)
    connection.close()


@pytest.mark.usefixtures("whole")
def test_a_healthy_installation_has_no_complaint(retrospec: Run, data: Path) -> None:
    findings = found(retrospec)
    assert levels(findings) == {}
    assert list(findings) == [
        "settings", "assets", "browser", "data folder", "disk", "database", "integrity", "queue", "dead letters", "clock",
    ]  # fmt: skip
    assert "None is needed" in findings["browser"]["sentence"]
    assert f"schema {examining.known_revisions()[-1]} is current" in findings["database"]["sentence"]
    assert findings["queue"]["sentence"].endswith("no server runs over this folder.")
    assert retrospec("doctor", "--data", "data", environ=NO_BROWSER).stdout.endswith("\nAll is well.\n")


@pytest.mark.browser
@needs_built
@pytest.mark.skipif(find_browser(ReplaySettings()) is None, reason="no Chromium on this machine")
def test_the_browser_is_named_and_draws_a_frame(retrospec: Run, data: Path) -> None:
    findings = found(retrospec, {"RETROSPEC_REPLAY_RENDER": "auto"})
    browser = find_browser(ReplaySettings())
    assert browser is not None
    assert findings["browser"]["level"] == "ok"
    assert f"{browser.path}" in findings["browser"]["sentence"] and f"({browser.source})" in findings["browser"]["sentence"]
    if os.geteuid() == 0:
        assert findings["sandbox"]["level"] == "warning" and "as root" in findings["sandbox"]["sentence"]


@needs_built
def test_a_browser_that_does_not_start_is_a_problem(retrospec: Run, data: Path) -> None:
    findings = found(retrospec, {"RETROSPEC_REPLAY_BROWSER": "/bin/false"})
    assert levels(findings) == {"browser": "problem"}
    assert "/bin/false did not start" in findings["browser"]["sentence"]


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize(("render", "level"), [("auto", "warning"), ("on", "problem")])
def test_no_browser_is_told_with_the_way_to_one(retrospec: Run, data: Path, tmp_path: Path, render: str, level: str) -> None:
    nowhere = {name: str(tmp_path) for name in ("PATH", "PLAYWRIGHT_BROWSERS_PATH")}
    findings = found(retrospec, nowhere | {"RETROSPEC_REPLAY_RENDER": render})
    assert levels(findings) == {"browser": level}
    assert "install chromium-headless-shell" in findings["browser"]["sentence"]


@pytest.mark.usefixtures("whole")
def test_a_folder_that_is_not_there_is_not_made(retrospec: Run, tmp_path: Path) -> None:
    assert levels(found(retrospec, data="elsewhere")) == {"data folder": "warning", "database": "warning"}
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.usefixtures("whole")
def test_a_folder_that_is_a_file_is_a_problem(retrospec: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert levels(found(retrospec, data="file"))["data folder"] == "problem"


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize(
    ("statement", "values", "name", "level", "words"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", [], "database", "problem", "a newer RetroSpec wrote"),
        ("UPDATE sessions SET stage = 'dead'", [], "dead letters", "warning", "last attempt: 1."),
        ("UPDATE sessions SET stage = 'analysis', not_before = 1", [], "queue", "warning", "wait to be judged: 1;"),
        ("UPDATE sessions SET created_at = ?", [round(time.time() * 1_000) + HOUR_MS], "clock", "problem", "was stored"),
    ],
)
def test_what_the_database_tells(
    retrospec: Run, data: Path, statement: str, values: list[object], name: str, level: str, words: str
) -> None:
    change(data, statement, *values)
    findings = found(retrospec)
    assert levels(findings) == {name: level}
    assert words in findings[name]["sentence"]


@pytest.mark.usefixtures("whole")
def test_an_older_schema_is_brought_up_by_the_next_start_not_by_looking(
    retrospec: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = examining.known_revisions()
    monkeypatch.setattr(examining, "known_revisions", lambda: [*known, "9999"])
    findings = found(retrospec)
    assert levels(findings) == {"database": "warning"}
    assert f"schema {known[-1]}; this version's is 9999" in findings["database"]["sentence"]


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("broken", ["whole file", "one page"])
def test_a_damaged_database_is_a_problem(retrospec: Run, data: Path, broken: str) -> None:
    change(data, "PRAGMA wal_checkpoint(TRUNCATE)")
    file = data / "retrospec.db"
    content = bytearray(file.read_bytes())
    start, end = (0, len(content)) if broken == "whole file" else (len(content) - 4_096, len(content))
    content[start:end] = b"\xa5" * (end - start)
    file.write_bytes(content)
    assert "problem" in levels(found(retrospec)).values()


@pytest.mark.usefixtures("whole")
def test_a_running_server_is_seen(retrospec: Run, tmp_path: Path) -> None:
    with serving(settings_for(tmp_path / "data")):
        findings = found(retrospec)
    assert levels(findings) == {}
    assert "; a server runs over this folder" in findings["queue"]["sentence"]


@pytest.mark.usefixtures("whole")
def test_missing_bundles_are_named(retrospec: Run, data: Path, tmp_path: Path) -> None:
    (tmp_path / "built" / "player.js").unlink()
    (tmp_path / "built" / "retrospec.js").write_text("")
    findings = found(retrospec)
    assert levels(findings) == {"assets": "problem"}
    assert findings["assets"]["sentence"].startswith("retrospec.js, player.js of")


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("level", ["warning", "problem"])
def test_a_disk_that_fills_up_is_told(
    retrospec: Run, data: Path, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    monkeypatch.setattr(checkup, "LOW_DISK_BYTES", 1 << 62 if level == "warning" else 0)
    monkeypatch.setattr(checkup, "FULL_DISK_BYTES", 1 << 62 if level == "problem" else 0)
    assert levels(found(retrospec)) == {"disk": level}


@pytest.mark.usefixtures("whole")
def test_wrong_settings_are_findings_each(retrospec: Run) -> None:
    done = retrospec("doctor", environ={"RETROSPEC_SERVER_PORT": "x", "RETROSPEC_RETENTION_DAYS": "-1"})
    assert done.returncode == 1
    assert "problem  settings  RETROSPEC_SERVER_PORT is x; use 0 to 65535" in done.stdout
    assert done.stdout.endswith("\n2 problems.\n")
