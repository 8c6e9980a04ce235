"""What is asked of a SQLite database while something runs, and how it goes about it: for benches and tests."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Engine, event

from retrospec.storage.database import Database

_OF_ONE_PROJECT = re.compile(r"project_id (?:=|IN) ")
"""What runs beside it (sweeps, clean-up) is about all of them."""
_HARMLESS = re.compile(r"VIRTUAL TABLE INDEX|CONSTANT ROW|^SCAN \((?:subquery|join)|^SCAN (?:anon_\d+|json_each|latest)\b")
"""A scan of what was just made, of a full-text index's answer, or of a list in a parameter."""


class Asked(msgspec.Struct, frozen=True):
    """One statement with its values."""

    text: str
    values: Any


@contextmanager
def watched(database: Database) -> Iterator[list[Asked]]:
    """Everything that is read while the block runs."""
    seen: list[Asked] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, is_many: bool) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")) and not is_many and _OF_ONE_PROJECT.search(statement):
            seen.append(Asked(statement, parameters))

    event.listen(database._reader, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database._reader, "before_cursor_execute", note)


def scans_of(database: Database, asked: Sequence[Asked], *, small: frozenset[str]) -> dict[str, str]:
    """By statement, the step that reads a whole table; tables in ``small`` may be read whole."""
    found: dict[str, str] = {}
    engine: Engine = database._reader
    with engine.connect() as connection:
        for one in asked:
            if one.text in found:
                continue
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one.text}", one.values):
                step = str(row[3])
                if step.startswith("SCAN ") and not _HARMLESS.search(step) and step.split()[1] not in small:
                    found[one.text] = step
    return found
