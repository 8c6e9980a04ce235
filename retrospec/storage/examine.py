"""A look at the database that changes nothing: does it open, is its schema ours, is it whole, what waits in it."""

from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from retrospec.domain.session import Stage
from retrospec.storage.database import Connection
from retrospec.storage.engines import sync_url
from retrospec.storage.migrate import current_revision, known_revisions
from retrospec.storage.tables import sessions

MAX_DAMAGES = 3
_SQLITE_FILE = "sqlite:///"


class Examined(msgspec.Struct, kw_only=True):
    """What is true of a database."""

    exists: bool = True
    broken: str = ""
    """Why it cannot be read at all; empty when it can."""
    revision: str = ""
    """Of its schema; empty where it has none."""
    newest: str = ""
    """The newest schema this program knows."""
    is_known: bool = True
    damages: list[str] = []
    """What ``PRAGMA quick_check`` found, the first few; always empty for PostgreSQL, which checks itself."""

    @property
    def is_current(self) -> bool:
        """Whether this program's queries fit it."""
        return self.exists and not self.broken and self.revision == self.newest


class Waiting(msgspec.Struct, kw_only=True):
    """Times in the sessions table."""

    newest_at: datetime | None
    """When the newest session was stored, by the server's clock then."""
    oldest_due_at: datetime | None
    """When the longest-waiting session became due."""


def examine(url: str) -> Examined:
    """The database at ``url``; quick_check reads it whole, a few seconds per GB. Makes no file."""
    if url.startswith(_SQLITE_FILE):
        try:
            Path(url.removeprefix(_SQLITE_FILE)).stat()
        except (FileNotFoundError, NotADirectoryError):
            return Examined(exists=False)
        except OSError as error:
            return Examined(broken=error.strerror or str(error))
    engine = create_engine(sync_url(url))
    try:
        return _examine(engine)
    except DatabaseError as error:
        return Examined(broken=str(error.orig))
    except SQLAlchemyError as error:
        return Examined(broken=str(error).splitlines()[0])
    finally:
        engine.dispose()


async def find_waiting(connection: Connection, *, now: datetime) -> Waiting:
    """The newest session and the longest-waiting one."""
    working = sessions.c.stage.in_([Stage.ANALYSIS, Stage.CONFIRMATION])
    free = (sessions.c.lease_until.is_(None)) | (sessions.c.lease_until < now)
    return Waiting(
        newest_at=await connection.scalar(select(func.max(sessions.c.created_at))),
        oldest_due_at=await connection.scalar(select(func.min(sessions.c.not_before)).where(working, free)),
    )


def _examine(engine: Engine) -> Examined:
    known = known_revisions()
    revision = current_revision(engine)
    return Examined(
        revision=revision, newest=known[-1], is_known=revision in known, damages=_damages(engine)
    )


def _damages(engine: Engine) -> list[str]:
    if engine.dialect.name != "sqlite":
        return []
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"PRAGMA quick_check({MAX_DAMAGES})").all()
    return [str(row[0]) for row in rows if row[0] != "ok"]
