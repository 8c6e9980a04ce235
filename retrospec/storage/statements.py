"""What is asked of a database while something runs, and how it goes about it: for benches and tests."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import Engine, event

from retrospec.storage.database import Database

_watched: ContextVar[bool] = ContextVar("watched", default=False)
"""What runs beside it (sweeps, clean-up) began elsewhere, and is not in its context."""
_SCANNED = re.compile(r"Seq Scan on (\w+).*cost=[\d.]+\.\.(\d+)")
"""PostgreSQL's word for it, and the cost."""
DEAR = 500
"""Below it PostgreSQL rather reads a small table than its index."""
_HARMLESS = re.compile(r"VIRTUAL TABLE INDEX|CONSTANT ROW|^SCAN \((?:subquery|join)|^SCAN (?:anon_\d+|json_each|latest)\b")
"""A scan of what was just made, of a full-text index's answer, or of a list in a parameter."""


class Asked(msgspec.Struct, frozen=True):
    """One statement with its values."""

    text: str
    values: Any


@contextmanager
def watched(database: Database) -> Iterator[list[Asked]]:
    """Everything that the block reads, and the tasks that it begins."""
    seen: list[Asked] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, is_many: bool) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")) and not is_many and _watched.get():
            seen.append(Asked(statement, parameters))

    token = _watched.set(True)
    event.listen(database._reader, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        _watched.reset(token)
        event.remove(database._reader, "before_cursor_execute", note)


def vacuum(database: Database) -> None:
    """What PostgreSQL's autovacuum does within minutes: an index answers alone only for pages known to be visible to all."""
    with database._writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("VACUUM ANALYZE")
        connection.exec_driver_sql("RESET statement_timeout")


def scans_of(database: Database, asked: Sequence[Asked], *, small: frozenset[str]) -> dict[str, str]:
    """By statement, the step that reads a whole table; tables in ``small`` may be read whole."""
    found: dict[str, str] = {}
    engine: Engine = database._reader
    with engine.connect() as connection:
        for one in asked:
            if one.text in found:
                continue
            for step, table in _whole(connection, one, is_sqlite=database.is_sqlite):
                if table not in small:
                    found[one.text] = step
    return found


def _whole(connection: SyncConnection, asked: Asked, *, is_sqlite: bool) -> Iterator[tuple[str, str]]:
    """Steps that read a table from end to end, and the table."""
    explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
    for row in connection.exec_driver_sql(f"{explain} {asked.text}", asked.values):
        step = str(row[3] if is_sqlite else row[0])
        if is_sqlite and step.startswith("SCAN ") and not _HARMLESS.search(step):
            yield step, step.split()[1]
        elif not is_sqlite and (scanned := _SCANNED.search(step)) and int(scanned[2]) >= DEAR:
            yield step.strip(), scanned[1]
