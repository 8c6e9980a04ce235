"""Bring the database's schema up to this program's, at start."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url

from retrospec.domain.errors import SettingsError


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
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    script = ScriptDirectory.from_config(config)
    with engine.begin() as connection:
        before = MigrationContext.configure(connection).get_current_revision()
        known = {revision.revision for revision in script.walk_revisions()}
        if before is not None and before not in known:
            raise SettingsError(
                f"The database is at schema {before}, which this version does not know: it was written by a newer RetroSpec.",
                hint="Start the newer version again, or restore a backup made by this one.",
            )
        if before == script.get_current_head():
            return False
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return True


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
