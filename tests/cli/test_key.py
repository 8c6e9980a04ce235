import json
import sqlite3
import stat
from pathlib import Path

from .conftest import Run


def test_a_key_stands_alone_on_the_last_line_and_only_its_hash_is_stored(
    retrospec: Run, tmp_path: Path
) -> None:
    done = retrospec("key", "create", "--project", "proj_default", "--scopes", "ingest,read,admin")
    assert done.returncode == 0, done.stderr
    secret = done.stdout.splitlines()[-1]
    assert secret.startswith("rs_") and len(secret) == 43
    stored = b"".join(file.read_bytes() for file in (tmp_path / "retrospec-data").glob("retrospec.db*"))
    assert secret.encode() not in stored


def test_only_the_owner_may_read_the_data_folder(retrospec_process: Run, tmp_path: Path) -> None:
    assert retrospec_process("key", "create", "--scopes", "read").returncode == 0
    made = [tmp_path / "retrospec-data", *(tmp_path / "retrospec-data").rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in made} == {0}


def test_json_has_the_key_and_what_it_may(retrospec: Run) -> None:
    made = json.loads(
        retrospec("key", "create", "--scopes", "internal,read", "--name", "bot", "--json").stdout
    )
    assert made["scopes"] == ["internal", "read"]
    assert made["projectId"] == "proj_default" and made["name"] == "bot"
    listed = json.loads(retrospec("key", "list", "--json").stdout)
    assert [each["name"] for each in listed] == ["Site snippet", "bot"]
    assert made["key"] not in retrospec("key", "list", "--json").stdout


def test_a_revoked_key_is_listed_as_such_and_not_twice(retrospec: Run) -> None:
    made = json.loads(retrospec("key", "create", "--scopes", "read", "--json").stdout)
    assert retrospec("key", "revoke", made["id"]).returncode == 0
    assert "revoked 20" in retrospec("key", "list").stdout.splitlines()[-1]
    again = retrospec("key", "revoke", made["id"])
    assert again.returncode == 1
    assert f"No key '{made['id']}' is in force." in again.stderr


def test_an_unknown_scope_or_project_is_refused_with_the_known_ones(retrospec: Run) -> None:
    scope = retrospec("key", "create", "--scopes", "ingest,wrote")
    assert scope.returncode == 2
    assert "'wrote' is no scope; use some of ingest, read, admin, internal" in scope.stderr
    project = retrospec("key", "create", "--scopes", "read", "--project", "proj_x")
    assert project.returncode == 1
    assert "There is no project 'proj_x'; there is proj_default." in project.stderr


def test_a_mistyped_data_folder_does_not_look_empty(retrospec: Run, tmp_path: Path) -> None:
    done = retrospec("key", "list", "--data", "no-such")
    assert done.returncode == 1
    assert "There is no database at" in done.stderr and "--data" in done.stderr
    assert not (tmp_path / "no-such").exists()


def test_the_data_folder_of_the_settings_is_used(retrospec: Run, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text('[storage]\ndir = "elsewhere"\n')
    assert retrospec("key", "create", "--scopes", "read", "--config", "my.toml").returncode == 0
    with sqlite3.connect(tmp_path / "elsewhere" / "retrospec.db") as database:
        assert database.execute("select count(*) from api_keys").fetchone() == (2,)
    database.close()
