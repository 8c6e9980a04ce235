"""Bring the database's schema up to this program's, at start."""

from pathlib import Path

from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.engine import make_url

from retrospec.domain.errors import SettingsError

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(url: str) -> bool:
    """Create or upgrade the schema at ``url``; True when anything changed.

    Raises SettingsError when the database was written by a newer program.
    """
    engine = create_engine(_sync_url(url))
    try:
        if engine.dialect.name == "sqlite":
            _prepare_file(engine)
        return _upgrade(engine)
    finally:
        engine.dispose()


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


def _run_alembic(engine: Engine) -> None:
    # Imported only when there is something to do: it costs 9 MB and a third of a second.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


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
