"""``INSERT … ON CONFLICT`` in the dialect of the connection at hand, each statement built once.

Building such a statement costs SQLAlchemy about a millisecond, running it a few microseconds: so
hot statements are built once and run with parameters.
"""

from functools import cache
from typing import Any, Protocol

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect


class Connected(Protocol):
    """A connection, as far as it matters here: what database is behind it."""

    @property
    def dialect(self) -> Dialect:
        """Of the database behind it."""


def insert_new(connection: Connected, table: Table) -> Any:
    """An insert that leaves a row that is there already as it is (``rowcount`` 0)."""
    return _insert_new(connection.dialect.name, table)


def insert_and_tell(connection: Connected, table: Table, *, told: tuple[str, ...]) -> Any:
    """``insert_new`` of many rows that answers with the columns ``told`` of those that were not there."""
    return _insert_and_tell(connection.dialect.name, table, told)


def upsert(
    connection: Connected, table: Table, *, replaced: tuple[str, ...], added: tuple[str, ...] = (), where_later: str = ""
) -> Any:
    """An insert that, where the primary key is taken, replaces some columns and adds to others.

    With ``where_later`` only where what is new in that column comes after what is there.
    """
    return _upsert(connection.dialect.name, table, replaced, added, where_later)


def upsert_all(
    connection: Connected, table: Table, *, replaced: tuple[str, ...] = (), added: tuple[str, ...] = (), where_later: str = ""
) -> Any:
    """``upsert`` of rows of which no two have the same key: on PostgreSQL one statement for all, since it answers with something."""
    dialect = connection.dialect.name
    return _upsert_all(table, replaced, added, where_later) if dialect == "postgresql" else _upsert(dialect, table, replaced, added, where_later)


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
def _insert_and_tell(dialect: str, table: Table, told: tuple[str, ...]) -> Any:
    return _insert_into(dialect, table).on_conflict_do_nothing().returning(*[table.c[name] for name in told])


@cache
def _upsert(dialect: str, table: Table, replaced: tuple[str, ...], added: tuple[str, ...], where_later: str) -> Any:
    statement = _insert_into(dialect, table)
    new_values = {name: statement.excluded[name] for name in replaced}
    new_values |= {name: table.c[name] + statement.excluded[name] for name in added}
    is_later = table.c[where_later] < statement.excluded[where_later] if where_later else None
    return statement.on_conflict_do_update(
        index_elements=[column.name for column in table.primary_key], set_=new_values, where=is_later
    )


@cache
def _upsert_all(table: Table, replaced: tuple[str, ...], added: tuple[str, ...], where_later: str) -> Any:
    return _upsert("postgresql", table, replaced, added, where_later).returning(next(iter(table.primary_key)))
