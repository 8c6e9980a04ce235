"""Rows from one database into another, in pieces that a later start continues, and the check that both hold the same.

Values are moved as they are stored, not as the program reads them. How far the move came lies in a table of the
target, written with the rows it tells of; a server does not start over a target that still has it (``migrate``).
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    func,
    inspect,
    select,
    text,
    tuple_,
)
from sqlalchemy import Connection as SyncConnection
from sqlalchemy.exc import DataError
from sqlalchemy.types import TypeDecorator

from retrospec.domain.errors import Conflict, RetroSpecError, SettingsError
from retrospec.storage.engines import APPLICATION, engines_for, outages_named, sync_url
from retrospec.storage.migrate import UNFINISHED_MOVE, current_revision, known_revisions
from retrospec.storage.tables import metadata

BATCH_ROWS = 1_000
MOVER = f"{APPLICATION} move"

_moves = Table(
    UNFINISHED_MOVE,
    MetaData(),
    Column("part", String(64), primary_key=True),
    Column("reached", Text, nullable=False),
    Column("done", BigInteger, nullable=False),
)
__all__ = ["Engine", "MoveFailed", "Reached", "Sum"]

_SOURCE = "source"
"""The part whose ``reached`` names where everything comes from."""

Moved = Callable[[int], None]
"""Called with how many more rows (or blobs) are there now."""


class MoveFailed(RetroSpecError):
    """The target is not what the source is, or cannot hold it."""


class Reached(msgspec.Struct):
    """How far a part came: the last key that is there, and how many."""

    key: list[Any] = []
    done: int = 0


class Sum(msgspec.Struct, frozen=True):
    """What a table holds, whatever the order of its rows."""

    rows: int
    digest: str


def open_source(url: str) -> Engine:
    """A database to read only: nothing of it changes, not even a log that a crash left. Raises SettingsError."""
    full = sync_url(url)
    if full.startswith("sqlite"):
        return create_engine(f"sqlite:///file:{full.removeprefix('sqlite:///')}?mode=ro&uri=true")
    return engines_for(_named(url), readers=2)[0]


def open_target(url: str) -> Engine:
    """A database to fill. Raises SettingsError."""
    return engines_for(url if url.startswith("sqlite") else _named(url), readers=2)[1]


def _named(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}application_name={MOVER.replace(' ', '+')}"


def tables() -> list[Table]:
    """Every table, with its values as they are stored."""
    return [_as_stored(table) for table in metadata.sorted_tables]


def _as_stored(table: Table) -> Table:
    columns = [Column(each.name, _stored_type(each.type), primary_key=each.primary_key) for each in table.columns]
    return Table(table.name, MetaData(), *columns)


def _stored_type(declared: Any) -> Any:
    return declared.impl if isinstance(declared, TypeDecorator) else declared


def refuse_other_schema(source: Engine) -> None:
    """Raises SettingsError for a source that is not at this program's schema: moving it must not change it."""
    if source.dialect.name == "sqlite" and not Path((source.url.database or "").removeprefix("file:")).is_file():
        raise SettingsError("There is no database to move.", hint="Name the server's settings with --config, or its folder with --data.")
    with outages_named():
        found = current_revision(source)
    if found != known_revisions()[-1]:
        raise SettingsError(
            f"The database to move is at schema {found or 'none'}, this program at {known_revisions()[-1]}.",
            hint="Start the server of this version over it once, so that it is brought up to date, and stop it again.",
        )


def refuse_in_use(engine: Engine, what: str) -> None:
    """Raises Conflict while servers or workers are connected to this PostgreSQL database; SQLite's folder has its own lock."""
    if engine.dialect.name != "postgresql":
        return
    query = text(
        "SELECT coalesce(host(client_addr), 'this machine') FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND application_name LIKE :ours AND application_name <> :mover"
    )
    with outages_named(), engine.connect() as connection:
        hosts = sorted({row[0] for row in connection.execute(query, {"ours": f"{APPLICATION}%", "mover": MOVER})})
    if hosts:
        raise Conflict(
            f"The {what} is in use by a server or worker on {', '.join(hosts)}.",
            hint="Stop every `retrospec serve` and `retrospec worker` of it first (systemctl stop retrospec, or Ctrl-C), then move again.",
        )


def begin(target: Engine, source_name: str) -> bool:
    """Whether a move from ``source_name`` goes on here; False for one that begins. Raises Conflict over anything else's data."""
    with outages_named(), target.begin() as connection:
        if inspect(connection).has_table(UNFINISHED_MOVE):
            before = connection.scalar(select(_moves.c.reached).where(_moves.c.part == _SOURCE))
            if before != source_name:
                raise Conflict(
                    f"The target holds part of a move from {before}, not from {source_name}.",
                    hint="Finish that one, or name an empty database.",
                )
            return True
        held = [table.name for table in tables() if connection.execute(select(table).limit(1)).first() is not None]
        if held:
            raise Conflict(f"The target already holds data ({', '.join(held[:4])}).", hint="Name an empty database: nothing is ever overwritten.")
        _moves.create(connection)
        connection.execute(_moves.insert(), {"part": _SOURCE, "reached": source_name, "done": 0})
        return False


def is_begun(target: Engine) -> bool:
    """Whether a move into this database began and did not end."""
    with outages_named():
        return inspect(target).has_table(UNFINISHED_MOVE)


def finish(target: Engine) -> None:
    """The move is whole: from here on a server may start over the target."""
    with outages_named(), target.begin() as connection:
        _moves.drop(connection)


def reached(target: Engine, part: str) -> Reached:
    """How far ``part`` came."""
    with outages_named(), target.connect() as connection:
        row = connection.execute(select(_moves.c.reached, _moves.c.done).where(_moves.c.part == part)).first()
    return Reached() if row is None else Reached(msgspec.json.decode(row.reached), row.done)


def note(connection: SyncConnection, part: str, at: Reached) -> None:
    """Keep how far ``part`` came, in the transaction that brought it there."""
    connection.execute(_moves.delete().where(_moves.c.part == part))
    connection.execute(_moves.insert(), {"part": part, "reached": msgspec.json.encode(at.key).decode(), "done": at.done})


def note_alone(target: Engine, part: str, at: Reached) -> None:
    """``note`` for what lies outside the database."""
    with outages_named(), target.begin() as connection:
        note(connection, part, at)


def count_rows(engine: Engine, table: Table) -> int:
    """How many rows."""
    with outages_named(), engine.connect() as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def move_table(source: Engine, target: Engine, table: Table, moved: Moved) -> None:
    """Bring over what of ``table`` is not there yet. Raises MoveFailed for a row that the target cannot hold."""
    at = reached(target, table.name)
    moved(at.done)
    for rows in _batches(source, table, at.key):
        at.key, at.done = [rows[-1][column.name] for column in table.primary_key], at.done + len(rows)
        with outages_named():
            try:
                with target.begin() as connection:
                    connection.execute(table.insert(), rows)
                    note(connection, table.name, at)
            except DataError as error:
                raise _refused_row(target, table, rows) from error
        moved(len(rows))


def _batches(engine: Engine, table: Table, after: Sequence[Any] = ()) -> Iterator[list[dict[str, Any]]]:
    key = list(table.primary_key)
    while True:
        query = select(table).order_by(*key).limit(BATCH_ROWS)
        if after:
            query = query.where(tuple_(*key) > tuple_(*after))
        with outages_named(), engine.connect() as connection:
            rows = [{name: _without_nul(value) for name, value in row._mapping.items()} for row in connection.execute(query)]
        if not rows:
            return
        yield rows
        after = [rows[-1][column.name] for column in key]


def _without_nul(value: Any) -> Any:
    """SQLite holds NUL in a text; PostgreSQL has U+FFFD in its place, whoever writes (``postgres_text``)."""
    return value.replace("\x00", "\ufffd") if isinstance(value, str) and "\x00" in value else value


def _refused_row(target: Engine, table: Table, rows: list[dict[str, Any]]) -> MoveFailed:
    """Which row it is and why, by trying each."""
    for row in rows:
        try:
            with target.connect() as connection:
                connection.execute(table.insert(), row)
                connection.rollback()
        except DataError as error:
            named = ", ".join(f"{column.name} {row[column.name]!r}" for column in table.primary_key)
            said = str(error.orig).partition("\n")[0]
            return MoveFailed(f"The target cannot hold a row of {table.name} ({named}): {said}.", hint="The source was not changed.")
    return MoveFailed(f"The target cannot hold some rows of {table.name} together.", hint="The source was not changed.")


def sum_of(engine: Engine, table: Table, moved: Moved) -> Sum:
    """Count and checksum of every value of every row: SHA-256 of each, added up, so that their order does not matter."""
    rows, total = 0, 0
    for batch in _batches(engine, table):
        for row in batch:
            stored = msgspec.msgpack.encode([row[column.name] for column in table.columns])
            total += int.from_bytes(hashlib.sha256(stored).digest())
        rows += len(batch)
        moved(len(batch))
    return Sum(rows, f"{total % (1 << 256):064x}")


def set_sequences(target: Engine) -> None:
    """Let numbers that PostgreSQL gives by itself go on after the highest that was moved."""
    if target.dialect.name != "postgresql":
        return
    with outages_named(), target.begin() as connection:
        for table in tables():
            for column in table.primary_key:
                named = {"t": table.name, "c": column.name}
                if sequence := connection.scalar(text("SELECT pg_get_serial_sequence(:t, :c)"), named):
                    highest = connection.scalar(select(func.max(column)))
                    connection.execute(text("SELECT setval(:s, :v, :used)"), {"s": sequence, "v": highest or 1, "used": highest is not None})
        connection.execute(text("ANALYZE"))
