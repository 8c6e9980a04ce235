"""Bring the database's schema up to this program's, at start.

A SQLite database is upgraded as a copy: the copy is migrated, its rows are counted against the
original's, and only then do the two change places. The original is kept beside it.
"""

import shutil
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from retrospec.domain.errors import Conflict, RetroSpecError, SettingsError
from retrospec.storage.engines import outages_named
from retrospec.storage.folder import refuse_files_of_others
from retrospec.storage.planner_statistics import tell_planner

MIGRATIONS = Path(__file__).parent / "migrations"
UNFINISHED_MOVE = "unfinished_move"
"""A table that is there as long as `retrospec move` has not brought everything into a database."""
KEPT_ORIGINALS = 2
"""Databases of before an upgrade that stay beside the present one."""


class UpgradeFailed(RetroSpecError):
    """A migrated copy is not what it should be; the original was left as it was."""


def migrate(url: str) -> bool:
    """Create or upgrade the schema at ``url``; True when anything changed.

    Raises Conflict when it is another user's file, SettingsError when the database was written by a newer program, Conflict while another
    program has it open or a move into it is not finished, UpgradeFailed when rows would be lost.
    """
    engine = create_engine(_sync_url(url))
    if engine.dialect.name == "sqlite":
        refuse_files_of_others(Path(engine.url.database or ""))
    try:
        with outages_named():
            _refuse_unfinished_move(engine)
            return _prepare_and_upgrade(engine)
    finally:
        engine.dispose()


def make_ready_for_move(url: str) -> None:
    """``migrate`` for a database that a move fills."""
    engine = create_engine(_sync_url(url))
    try:
        with outages_named():
            _prepare_and_upgrade(engine)
    finally:
        engine.dispose()


def _refuse_unfinished_move(engine: Engine) -> None:
    is_new_file = engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists()
    if is_new_file or not inspect(engine).has_table(UNFINISHED_MOVE):
        return
    raise Conflict(
        "A move into this database is not finished, so only a part of it is here.",
        hint="Run the same `retrospec move --to …` again: it goes on where it stopped.",
    )


def _prepare_and_upgrade(engine: Engine) -> bool:
    if engine.dialect.name != "sqlite":
        return _upgrade(engine)
    _prepare_file(engine)
    is_changed = _upgrade(engine)
    engine.dispose()  # an upgrade puts another file in the place of the one that is open
    tell_planner(engine)
    return is_changed


def _upgrade(engine: Engine) -> bool:
    found = current_revision(engine)
    known = known_revisions()
    if found and found not in known:
        raise SettingsError(
            f"The database is at schema {found}, which this version does not know: it was written by a newer RetroSpec.",
            hint="Start the newer version again, or restore a backup made by this one.",
        )
    if found == known[-1]:
        return False
    path = Path(engine.url.database or "") if engine.dialect.name == "sqlite" else None
    if path is not None and found and path.is_file():
        _upgrade_copy(engine, path, found)
    else:
        _run_alembic(engine)
    return True


def current_revision(engine: Engine) -> str:
    """The revision the database is at; empty for a new one."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return ""
        return str(connection.scalar(text("SELECT version_num FROM alembic_version")) or "")


def known_revisions() -> list[str]:
    """Oldest first: ``versions/v0001_first.py`` is revision 0001."""
    return sorted(path.name[1:5] for path in (MIGRATIONS / "versions").glob("v[0-9]*.py"))


def _upgrade_copy(engine: Engine, path: Path, found: str) -> None:
    copy = path.with_name(f"{path.name}.upgrading")
    kept = path.with_name(f"{path.name}.before-{known_revisions()[-1]}")
    with engine.connect() as connection:
        _take_alone(connection, path)
        try:
            copy.unlink(missing_ok=True)
            _copy(path, copy)
            _migrate_copy(copy)
            path.replace(kept)
            copy.replace(path)
        finally:
            copy.unlink(missing_ok=True)
            connection.exec_driver_sql("ROLLBACK")
    with create_engine(engine.url).connect() as fresh:
        fresh.exec_driver_sql("PRAGMA journal_mode = WAL")
        fresh.engine.dispose()
    _forget_older_originals(path)


def _take_alone(connection: Connection, path: Path) -> None:
    """Fold the log into the file and keep everybody else out until the connection closes."""
    try:
        connection.connection.driver_connection.isolation_level = None  # type: ignore[union-attr]
        connection.exec_driver_sql("PRAGMA busy_timeout = 2000")
        connection.exec_driver_sql("PRAGMA journal_mode = DELETE")
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
    except OperationalError as error:
        raise Conflict(
            f"{path} must be upgraded, but another program has it open.",
            hint="Stop the server and whatever else reads it, then try again.",
        ) from error


def _copy(path: Path, copy: Path) -> None:
    try:
        shutil.copyfile(path, copy)
    except OSError as error:
        raise UpgradeFailed(
            f"No copy of the database could be made to upgrade: {error.strerror}.",
            hint=f"It takes as much room as {path.name} has now, {path.stat().st_size / 1e6:,.0f} MB.",
        ) from error


def _migrate_copy(copy: Path) -> None:
    engine = create_engine(f"sqlite:///{copy}")
    try:
        _run_alembic(engine)
        with engine.connect() as connection:
            damages = [row[0] for row in connection.exec_driver_sql("PRAGMA quick_check(3)") if row[0] != "ok"]
        if damages:
            raise UpgradeFailed(f"The upgraded copy is damaged: {'; '.join(damages)}.", hint="The database was left as it was.")
    finally:
        engine.dispose()


def _forget_older_originals(path: Path) -> None:
    originals = sorted(path.parent.glob(f"{path.name}.before-*"), key=lambda each: each.stat().st_mtime)
    for original in originals[:-KEPT_ORIGINALS]:
        original.unlink()


def _run_alembic(engine: Engine) -> None:
    # Imported only when there is something to do: it costs 9 MB and a third of a second.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # of servers that start together one migrates, and the others wait
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('retrospec.migrate'))"))
        before = count_rows(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        _compare(before, count_rows(connection))


def count_rows(connection: Connection) -> dict[str, int]:
    """Rows of every table but the schema's own, and the parts of a full-text index."""
    apart = {"alembic_version"}
    if connection.dialect.name == "sqlite":
        apart |= {name for (name,) in connection.exec_driver_sql("SELECT name FROM pragma_table_list WHERE type = 'shadow'")}
    names = [name for name in inspect(connection).get_table_names() if name not in apart]
    return {name: int(connection.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0) for name in names}


def _compare(before: dict[str, int], after: dict[str, int]) -> None:
    short = [f"{name} had {count:,} rows and has {after.get(name, 0):,}" for name, count in before.items() if after.get(name, 0) < count]
    if short:
        raise UpgradeFailed(f"The upgrade would lose rows: {'; '.join(short)}.", hint="The database was left as it was.")


def _prepare_file(engine: Engine) -> None:
    path = engine.url.database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA auto_vacuum = INCREMENTAL")  # only takes on a new file
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")


def _sync_url(url: str) -> str:
    parsed = make_url(url)
    driver = "sqlite" if parsed.get_backend_name() == "sqlite" else "postgresql+psycopg"
    return parsed.set(drivername=driver).render_as_string(hide_password=False)
