"""The log is folded beside the writers; others who read and fold it, as Litestream does, are in nobody's way."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import text

from retrospec.storage.database import Connection, Database
from retrospec.storage.log_folding import LOG_KEPT_BYTES, LOG_PAGES_AT_MOST, fold
from retrospec.storage.migrate import migrate
from tests.conftest import Client, make_key, marker, serving, settings_for
from tests.servers.choice import on_sqlite_only

pytestmark = on_sqlite_only  # only SQLite has this log

MORE_THAN_SQLITE_LETS_BE = 6_000_000
"""Bytes: past the 1,000 pages at which a commit would fold by itself."""


def unfolded_pages(path: Path) -> int:
    """Pages in the log that a checkpoint would still have to move; asking folds them."""
    with closing(sqlite3.connect(path)) as connection:
        _, in_log, folded = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(in_log - folded)


def size_of(path: Path) -> int:
    return path.stat().st_size


async def test_no_commit_folds_and_folding_leaves_nothing_behind(database: Database, tmp_path: Path) -> None:
    path = Path(str(database._writer.url.database))

    async def write(connection: Connection) -> int:
        await connection.execute(text("CREATE TABLE big (content BLOB)"))
        await connection.execute(text("INSERT INTO big VALUES (zeroblob(:size))"), {"size": MORE_THAN_SQLITE_LETS_BE})
        return int((await connection.exec_driver_sql("PRAGMA wal_autocheckpoint")).scalar())

    before = size_of(path)
    assert await database.write_soon(write) == LOG_PAGES_AT_MOST
    assert size_of(path) < before + MORE_THAN_SQLITE_LETS_BE
    fold(str(path))
    assert size_of(path) >= before + MORE_THAN_SQLITE_LETS_BE
    assert unfolded_pages(path) == 0


async def test_a_log_that_grew_in_a_rush_is_short_again_after_the_next_commits(database: Database, tmp_path: Path) -> None:
    path = Path(str(database._writer.url.database))
    log = path.with_name(f"{path.name}-wal")

    async def write(connection: Connection) -> None:
        await connection.execute(text("CREATE TABLE IF NOT EXISTS big (content BLOB)"))
        await connection.execute(text("INSERT INTO big VALUES (zeroblob(:size))"), {"size": MORE_THAN_SQLITE_LETS_BE})

    async def write_little(connection: Connection) -> None:
        await connection.execute(text("INSERT INTO big VALUES (zeroblob(1))"))

    await database.write_soon(write)
    assert size_of(log) >= MORE_THAN_SQLITE_LETS_BE
    fold(str(path))
    await database.write_soon(write_little)
    assert size_of(log) <= LOG_KEPT_BYTES


def test_folding_what_is_not_there_or_busy_is_left_to_the_next(tmp_path: Path) -> None:
    fold(str(tmp_path / "no" / "retrospec.db"))
    url = f"sqlite:///{tmp_path / 'retrospec.db'}"
    migrate(url)
    with closing(sqlite3.connect(tmp_path / "retrospec.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        fold(str(tmp_path / "retrospec.db"))
        other.execute("ROLLBACK")


@contextmanager
def replicating(path: Path) -> Iterator[list[int]]:
    """What Litestream does to a database (0.3): its own tables, a read transaction held so that nobody restarts the log,
    let go only to fold the log itself and to write a mark. Yields the pages folded by each round."""
    folded: list[int] = []
    is_over = threading.Event()

    def replicate() -> None:
        with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute("CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")
            connection.execute("CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER)")
            while not is_over.wait(0.05):
                connection.execute("BEGIN")
                connection.execute("SELECT count(*) FROM _litestream_seq").fetchone()
                is_over.wait(0.2)
                connection.execute("ROLLBACK")
                folded.append(connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[2])
                connection.execute("INSERT INTO _litestream_seq (id, seq) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET seq = seq + 1")

    thread = threading.Thread(target=replicate)
    thread.start()
    try:
        yield folded
    finally:
        is_over.set()
        thread.join()


def test_a_replicator_beside_the_server_costs_no_session(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        with replicating(tmp_path / "retrospec.db") as folded:
            for number in range(40):
                assert client.send(f"s{number}", marker(f"m{number}")).status_code == 202
            assert {client.judged(f"s{number}")["stage"] for number in range(40)} == {"done"}
        assert folded
    with closing(sqlite3.connect(tmp_path / "retrospec.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with serving(settings) as server:  # its tables are no obstacle to a start
        assert client.http.base_url != server.url
        assert Client(server, make_key(settings)).session("s39")["stage"] == "done"
