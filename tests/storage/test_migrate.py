"""The schema: made, kept, and never opened by a program too old for it."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Column, MetaData, Table, create_engine

from retrospec.domain.errors import Conflict, SettingsError
from retrospec.storage import migrate as migrating
from retrospec.storage.migrate import known_revisions, migrate
from retrospec.storage.tables import metadata


def test_a_first_start_makes_the_schema_and_a_second_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'deep' / 'er' / 'retrospec.db'}"
    assert migrate(url)
    assert not migrate(url)


def test_the_migrations_make_what_the_tables_say(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'retrospec.db'}"
    migrate(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": lambda name, kind, _: kind != "table" or not is_of_index(name)})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_a_database_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "retrospec.db"
    migrate(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(SettingsError, match="newer RetroSpec"):
        migrate(f"sqlite:///{path}")


def database_at(path: Path, revision: str) -> None:
    """A database as the program of that schema left it, with rows in every table."""
    config = Config()
    config.set_main_option("script_location", str(migrating.MIGRATIONS))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    tables = MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:
        for table in tables.tables.values():
            if table.name != "alembic_version" and not is_of_index(table.name):
                connection.execute(table.insert(), [row_of(table, number) for number in range(3)])
    engine.dispose()


def is_of_index(name: str) -> bool:
    """Tables of SQLite's own full-text index: triggers fill them."""
    return name.startswith("session_found")


def row_of(table: Table, number: int) -> dict[str, Any]:
    return {column.name: value_of(column, number) for column in table.columns}


def value_of(column: Column[Any], number: int) -> Any:
    if column.type.python_type is str:
        default = str(getattr(column.server_default, "arg", "")).strip("'")
        is_json = default in ("{}", "[]") or column.name in ("card", "evidence", "figures")
        return (default or "{}") if is_json else f"{column.name}-{number}"
    return number if column.type.python_type in (int, float) else column.type.python_type(number)


def contents(path: Path) -> dict[str, list[dict[str, Any]]]:
    with sqlite3.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: [dict(row) for row in connection.execute(f'SELECT * FROM "{name}"')] for name in names}
    connection.close()
    return {name: rows for name, rows in found.items() if name != "alembic_version" and not is_of_index(name)}


@pytest.mark.parametrize("revision", known_revisions()[:-1])
def test_a_database_of_every_earlier_schema_is_upgraded_with_all_it_holds(tmp_path: Path, revision: str) -> None:
    path = tmp_path / "retrospec.db"
    database_at(path, revision)
    before = contents(path)
    assert migrate(f"sqlite:///{path}")
    after = contents(path)
    for name, rows in before.items():
        assert len(rows) == 3
        shared = set(rows[0]) & set(after[name][0])
        assert [{key: row[key] for key in shared} for row in rows] == [{key: row[key] for key in shared} for row in after[name]]
    (kept,) = tmp_path.glob("retrospec.db.before-*")
    assert contents(kept) == before
    assert not migrate(f"sqlite:///{path}")


def test_an_upgrade_that_would_lose_rows_leaves_the_database_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "retrospec.db"
    database_at(path, known_revisions()[0])
    before = contents(path)
    counts = iter([{"sessions": 3}, {"sessions": 2}])
    monkeypatch.setattr(migrating, "count_rows", lambda _connection: next(counts))
    with pytest.raises(migrating.UpgradeFailed, match="sessions had 3 rows and has 2"):
        migrate(f"sqlite:///{path}")
    assert contents(path) == before
    assert [file.name for file in tmp_path.iterdir()] == ["retrospec.db"]


def test_a_database_that_is_open_elsewhere_is_not_upgraded_under_it(tmp_path: Path) -> None:
    path = tmp_path / "retrospec.db"
    database_at(path, known_revisions()[0])
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM sessions").fetchone()
        with pytest.raises(Conflict, match="another program"):
            migrate(f"sqlite:///{path}")
        other.execute("ROLLBACK")
    other.close()
    assert migrate(f"sqlite:///{path}")
