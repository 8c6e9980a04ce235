"""A consistent copy of a SQLite database that is in use."""

import sqlite3
from contextlib import closing
from pathlib import Path

from retrospec.domain.errors import SettingsError

SQLITE_FILE = "sqlite:///"


def database_file(url: str) -> Path:
    """The file of a SQLite ``url``. Raises SettingsError for a database server."""
    if not url.startswith(SQLITE_FILE):
        raise SettingsError(
            "Backups are of SQLite; this database is on a server of its own.",
            hint="Use pg_dump for its rows, and your store's own copies for the recordings.",
        )
    return Path(url.removeprefix(SQLITE_FILE))


def copy_database(url: str, target: Path) -> None:
    """Copy with SQLite's own backup, in one step: writers go on meanwhile, and the copy has none of what they add."""
    source = f"file:{database_file(url)}?mode=ro"
    with closing(sqlite3.connect(source, uri=True)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode = DELETE")


def damages_of(file: Path) -> list[str]:
    """What ``PRAGMA integrity_check`` finds; empty for a whole database."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            return [row[0] for row in database.execute("PRAGMA integrity_check(3)") if row[0] != "ok"]
    except sqlite3.DatabaseError as error:
        return [str(error)]


def counts_of(file: Path) -> dict[str, int]:
    """Rows of the tables people ask about."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        names = ("sessions", "markers", "chunks", "reports", "issues", "projects", "users")
        return {name: int(database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]) for name in names}


def revision_of(file: Path) -> str:
    """The schema a database file is at."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        row = database.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else ""
