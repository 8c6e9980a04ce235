import json
import sqlite3
from pathlib import Path

import pytest

from retrospec.domain.settings import Settings
from tests.conftest import Client, make_key, marker, serving, settings_for

from .conftest import Run


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = settings_for(tmp_path / "data")
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        for name in ("hers-1", "hers-2", "his"):
            client.send(name, marker())
            client.judged(name)
        client.http.close()
    change(settings, "UPDATE sessions SET user_id = 'customer-17' WHERE id LIKE 'hers%'")
    return settings


def change(settings: Settings, statement: str) -> None:
    with sqlite3.connect(settings.data_dir / "retrospec.db") as connection:
        connection.execute(statement)
    connection.close()


def names(settings: Settings, column: str = "id", table: str = "sessions") -> list[str]:
    with sqlite3.connect(settings.data_dir / "retrospec.db") as connection:
        found = [row[0] for row in connection.execute(f"SELECT {column} FROM {table} ORDER BY 1")]
    connection.close()
    return found


def blob_names(settings: Settings) -> str:
    return " ".join(str(path) for path in (settings.data_dir / "blobs").rglob("*") if path.is_file())


def test_a_person_is_erased_everywhere_and_the_receipt_says_so(retrospec: Run, settings: Settings) -> None:
    assert retrospec("backup", "--data", "data").returncode == 0
    receipt = json.loads(retrospec("purge", "--user", "customer-17", "--yes", "--json", "--data", "data").stdout)
    assert (receipt["rows"]["sessions"], receipt["rows"]["markers"], receipt["recordings"], receipt["artifacts"]) == (2, 2, 2, 2)
    assert receipt["bytes"] > 0 and len(receipt["backups"]) == 1
    assert names(settings) == ["his"]
    assert "hers" not in blob_names(settings) and "his" in blob_names(settings)
    assert names(settings, "session_count", "issues") == [3]
    again = retrospec("purge", "--user", "customer-17", "--yes", "--data", "data")
    assert again.returncode == 1 and "Nothing is stored" in again.stderr


def test_a_project_is_erased_with_its_keys_and_issues(retrospec: Run, settings: Settings) -> None:
    done = retrospec("purge", "--project", "proj_default", "--yes", "--data", "data")
    assert "3 sessions" in done.stdout and "1 issues" in done.stdout and "1 projects" in done.stdout
    assert names(settings) == names(settings, "id", "api_keys") == names(settings, "key", "issues") == []
    assert blob_names(settings) == ""


def test_without_a_yes_nothing_is_erased(retrospec: Run, settings: Settings) -> None:
    assert retrospec("purge", "--session", "his", "--data", "data").returncode == 1
    assert retrospec("purge", "--session", "his", "--user", "x", "--yes", "--data", "data").returncode == 2
    assert len(names(settings)) == 3


def test_a_project_may_keep_recordings_shorter_than_sessions(retrospec: Run, settings: Settings) -> None:
    shown = retrospec("retention", "proj_default", "--days", "30", "--recording-days", "3", "--data", "data").stdout
    assert "30 days" in shown and "3 days" in shown and "its own" in shown
    old = "(SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) - 864000000)"
    change(settings, f"UPDATE sessions SET created_at = {old}, pinned = id = 'his'")
    change(settings, f"UPDATE chunks SET created_at = {old}")
    cleaned = json.loads(retrospec("cleanup", "--data", "data", "--json").stdout)
    assert (cleaned["deletedSessions"], cleaned["deletedEventObjects"]) == (0, 2)
    assert "session-events" in blob_names(settings) and names(settings, "session_id", "chunks") == ["his"]
    assert retrospec("retention", "proj_default", "--days", "0", "--recording-days", "0", "--data", "data").stdout.count("7 days") == 3
    assert json.loads(retrospec("cleanup", "--data", "data", "--json").stdout)["deletedSessions"] == 2
    assert names(settings) == ["his"]
