"""SQLAlchemy's engines for a database's address, and a driver's errors in our words."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import DataError, DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.pool import ConnectionPoolEntry

from retrospec.domain.clock import keep_to
from retrospec.domain.errors import BadRequest, Outage, SettingsError, StorageFull
from retrospec.storage.log_folding import LOG_KEPT_BYTES, LOG_PAGES_AT_MOST
from retrospec.storage.scope import watch_projects

POOL_WAIT_S = 30.0
CONNECT_S = 5
STATEMENT_MS = 30_000
"""Longest a statement may take on PostgreSQL, unless the URL's own ``options`` say otherwise."""
IDLE_MS = 15_000
"""Longest a transaction may stand still there: a process that hangs in one lets go of its turn, before those who wait give up."""
ALONE = 4
"""Connections beside the doors', for periodic work that one process does alone."""
RESTED_S = 0.5
CLOCK_S = 10.0
"""So often at least a database in use is asked for the time."""
_RESTED_AT, _TOLD_AT = "rested at", "told the time at"
APPLICATION = "retrospec"
"""What PostgreSQL's list of connections calls ours."""
CONNECTION = {
    "connect_timeout": CONNECT_S, "application_name": APPLICATION,
    "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000,
}  # fmt: skip
"""How a connection is made, unless the URL says otherwise: a machine that vanished is noticed within half a minute."""
PREPARED = "prepared_statements"
"""``off`` in the database's address: a pooler before it gives each transaction another connection, which knows none of ours."""
READ_ONLY = "25006"
DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


def engines_for(url: str, *, readers: int) -> tuple[Engine, Engine]:
    """The reader's and the writer's, over one pool on PostgreSQL; both connect on first use. Raises SettingsError."""
    full = sync_url(url)
    if not full.startswith("sqlite"):
        writer = _postgres(full, connections=2 * readers)
        watch_projects(writer)
        # set on the driver's connection and said with its BEGIN: it costs no way to the server and back
        return writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True), writer
    shared: dict[str, Any] = {"connect_args": {"check_same_thread": False}, "pool_timeout": POOL_WAIT_S, "max_overflow": 0}
    reader = create_engine(full, pool_size=readers, **shared)
    writer = create_engine(full, pool_size=1, **shared)
    _prepare_sqlite(reader, query_only=True)
    _prepare_sqlite(writer, query_only=False)
    watch_projects(reader)
    watch_projects(writer)
    return reader, writer


def _postgres(url: str, *, connections: int) -> Engine:
    engine = create_engine(
        url, pool_size=connections, max_overflow=ALONE, pool_timeout=POOL_WAIT_S, connect_args=_postgres_options(url),
        pool_use_lifo=True,  # few that are busy: each remembers the statements it was asked before
    )  # fmt: skip
    engine.dialect.use_insertmanyvalues_wo_returning = True  # many rows are one statement, and not one each
    event.listen(engine, "handle_error", _leave_the_read_only)
    event.listen(engine, "connect", _make_ours)
    event.listen(engine, "checkin", _note_rest)
    event.listen(engine, "checkout", _ask_after_rest)
    return engine


@event.listens_for(Engine, "do_connect")
def _prepare_if_wanted(_dialect: Any, _record: Any, _words: Any, options: dict[str, Any]) -> None:
    if options.pop(PREPARED, "") == "off":
        options["prepare_threshold"] = None


def driver_address(url: str) -> tuple[str, dict[str, Any]]:
    """What psycopg itself is told of a database's address: the address without words of ours, and options."""
    parsed = make_url(url)
    options = {"prepare_threshold": None} if parsed.query.get(PREPARED) == "off" else {}
    return parsed.difference_update_query([PREPARED]).render_as_string(hide_password=False), options


def _make_ours(connection: Any, record: ConnectionPoolEntry) -> None:
    from retrospec.storage.postgres_text import let_every_text_pass

    let_every_text_pass(connection)
    _ask_the_time(connection, record)


def _note_rest(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info[_RESTED_AT] = time.monotonic()


def _ask_after_rest(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """Whether a connection still lives is asked where it rested or is known to be broken: each asking is a way to the server and back."""
    now = time.monotonic()
    is_fresh = now - record.info.get(_RESTED_AT, now) < RESTED_S and now - record.info.get(_TOLD_AT, now) < CLOCK_S
    if not connection.broken and not connection.closed and is_fresh:
        return
    try:
        _ask_the_time(connection, record)
    except connection_errors() as error:
        raise DisconnectionError(str(error)) from error


def _ask_the_time(connection: Any, record: ConnectionPoolEntry) -> None:
    """Many processes over one database go by its clock: those of their machines may differ."""
    asked_s = time.monotonic()
    moment = connection.execute("SELECT clock_timestamp()").fetchone()[0]
    answered_s = record.info[_TOLD_AT] = time.monotonic()
    connection.rollback()
    keep_to(moment, asked_s=asked_s, answered_s=answered_s)


def connection_errors() -> tuple[type[Exception], ...]:
    """What PostgreSQL's driver raises of a connection; the driver is an extra."""
    from psycopg import Error

    return (Error,)


def _leave_the_read_only(context: ExceptionContext) -> None:
    """A server that became read-only is no longer the first of its cluster: connect anew, to whichever is."""
    if context.engine is not None and is_read_only(context.original_exception):
        context.is_disconnect = not context.engine.get_execution_options().get("postgresql_readonly", False)


def is_read_only(error: BaseException) -> bool:
    """Whether PostgreSQL says that it only reads."""
    return getattr(error, "sqlstate", "") == READ_ONLY


def sync_url(url: str) -> str:
    """``url`` with its driver named. Raises SettingsError for a database we do not speak."""
    parsed = make_url(url)
    name = parsed.get_backend_name()
    if name not in DRIVERS:
        raise SettingsError(f"database.url names {name!r}; use sqlite or postgresql")
    return parsed.set(drivername=DRIVERS[name]).render_as_string(hide_password=False)


def _postgres_options(url: str) -> dict[str, Any]:
    given = make_url(url).query
    options: dict[str, Any] = {name: value for name, value in CONNECTION.items() if name not in given}
    if "options" not in given:
        options["options"] = f"-c statement_timeout={STATEMENT_MS} -c idle_in_transaction_session_timeout={IDLE_MS}"
    return options


@contextmanager
def outages_named() -> Iterator[None]:
    """Turn a driver's connection errors into ``Outage``, values it has no room for (a number too large) into ``BadRequest``."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        if "disk is full" in str(error.orig) or "No space left" in str(error.orig):
            raise StorageFull("The disk is full: the database was not changed.", retry_after_s=60) from error
        raise Outage(f"The database cannot answer now: {_said(error)}") from error
    except NoFreeConnection as error:
        raise Outage("The database cannot answer now: every connection to it is in use.") from error
    except DataError as error:
        raise BadRequest(f"The database cannot hold or look for a value that was given: {_said(error)}") from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") not in _PASSING:
            raise
        raise Outage(f"The database cannot answer now: {_said(error)}") from error


_PASSING = {READ_ONLY}
"""Beyond what the driver itself calls operational: a server that is read-only, as in a failover."""


def _said(error: DBAPIError) -> str:
    """What the driver said, as one sentence: PostgreSQL's takes several lines."""
    lines = [line.strip() for line in str(error.orig).splitlines() if line.strip()]
    return f"{(lines or ['no reason was given'])[0].rstrip('.')}."


def _prepare_sqlite(engine: Engine, *, query_only: bool) -> None:
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say, below
        cursor = connection.cursor()
        for pragma in _pragmas(query_only=query_only):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def on_begin(connection: SyncConnection) -> None:
        connection.exec_driver_sql("BEGIN" if query_only else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)


def _pragmas(*, query_only: bool) -> list[str]:
    shared = ["busy_timeout = 10000", "cache_size = -8000", "temp_store = MEMORY"]
    if query_only:
        return [*shared, "query_only = ON"]
    # synchronous NORMAL with WAL: a commit survives the death of the process, and the
    # database survives a power cut, which may cost its last commits.
    log = [f"wal_autocheckpoint = {LOG_PAGES_AT_MOST}", f"journal_size_limit = {LOG_KEPT_BYTES}"]
    return [*shared, "journal_mode = WAL", "synchronous = NORMAL", *log]
