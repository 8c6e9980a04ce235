"""``INSERT … ON CONFLICT`` in the dialect of the connection at hand, each statement built once.

Building such a statement costs SQLAlchemy about a millisecond, running it a few microseconds: so
hot statements are built once and run with parameters.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from retrospec.storage.database import Connection


def insert_new(connection: "Connection", table: Table) -> Any:
    """An insert that leaves a row that is there already as it is (``rowcount`` 0)."""
    return _insert_new(connection.dialect.name, table)


def upsert(
    connection: "Connection", table: Table, *, replaced: tuple[str, ...], added: tuple[str, ...] = ()
) -> Any:
    """An insert that, where the primary key is taken, replaces some columns and adds to others."""
    return _upsert(connection.dialect.name, table, replaced, added)


def _insert_into(dialect: str, table: Table) -> Any:
    if dialect != "postgresql":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # a twentieth of a start's time, and most have no use for it

    return postgresql.insert(table)


@cache
def _insert_new(dialect: str, table: Table) -> Any:
    # psycopg's count of rows is gone by the time it is asked for, unless it was asked to be kept
    return _insert_into(dialect, table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


@cache
def _upsert(dialect: str, table: Table, replaced: tuple[str, ...], added: tuple[str, ...]) -> Any:
    statement = _insert_into(dialect, table)
    new_values = {name: statement.excluded[name] for name in replaced}
    new_values |= {name: table.c[name] + statement.excluded[name] for name in added}
    return statement.on_conflict_do_update(
        index_elements=[column.name for column in table.primary_key], set_=new_values
    )
