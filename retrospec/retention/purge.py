"""Erasing on request: a person, a session or a project, with an account of what went."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from retrospec.retention.expiry import BATCH, Cleaned, forget, give_back_space
from retrospec.storage import erasure
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Connection, Database
from retrospec.storage.expiry import SessionName

Find = Callable[[Connection], Awaitable[list[SessionName]]]


class Receipt(msgspec.Struct, kw_only=True, rename="camel"):
    """What was erased."""

    what: str
    erased_at: datetime
    rows: dict[str, int] = {}
    """By table."""
    recordings: int = 0
    artifacts: int = 0
    bytes: int = 0
    not_deleted: int = 0
    """Files the store refused to delete; the sweep for orphans tries again."""
    is_in_log: bool = False
    """Another program (a replicator) reads the database's log all the time, so that it could not be emptied: it goes with that program's next round."""
    backups: list[str] = []
    """Backups made before, which still hold it until they are rotated away or deleted."""


async def erase_person(
    database: Database, blobs: Blobs, person: str, *, now: datetime, project_id: str = ""
) -> Receipt:
    """All sessions of a user or visitor, and the person in every issue's list; in one project or in all."""
    receipt = Receipt(what=f"user {person}", erased_at=now)
    await _erase(
        database, blobs, receipt, lambda c: erasure.sessions_of_person(c, person, limit=BATCH, project_id=project_id)
    )
    async with database.write() as connection:
        receipt.rows["issue_people"] = await erasure.forget_person(connection, person, project_id=project_id)
    return await _without_traces(database, receipt)


async def erase_session(
    database: Database, blobs: Blobs, session_id: str, *, now: datetime, project_id: str = ""
) -> Receipt:
    """The session of that id, in one project or in whatever has one."""
    receipt = Receipt(what=f"session {session_id}", erased_at=now)
    await _erase(
        database, blobs, receipt, lambda c: erasure.sessions_called(c, session_id, limit=BATCH, project_id=project_id)
    )
    return await _without_traces(database, receipt)


async def erase_project(database: Database, blobs: Blobs, project_id: str, *, now: datetime) -> Receipt:
    """A project with its sessions, issues and keys."""
    receipt = Receipt(what=f"project {project_id}", erased_at=now)
    await _erase(database, blobs, receipt, lambda c: erasure.sessions_of_project(c, project_id, limit=BATCH))
    async with database.write() as connection:
        for name, count in (await erasure.forget_project(connection, project_id)).items():
            receipt.rows[name] = receipt.rows.get(name, 0) + count
    return await _without_traces(database, receipt)


async def _erase(database: Database, blobs: Blobs, receipt: Receipt, find: Find) -> None:
    cleaned = Cleaned()
    async with database.write() as connection:
        await erasure.overwrite_deleted(connection)
    while True:
        async with database.read() as connection:
            named = await find(connection)
            counts = await erasure.rows_of(connection, named) if named else {}
        if not named:
            break
        receipt.bytes += await forget(database, blobs, named, cleaned, now=receipt.erased_at)
        for name, count in counts.items():
            receipt.rows[name] = receipt.rows.get(name, 0) + count
    receipt.recordings, receipt.artifacts = cleaned.events, cleaned.artifacts
    receipt.not_deleted = cleaned.failed_events + cleaned.failed_artifacts
    async with database.write() as connection:
        await erasure.rewrite_index(connection)
    await give_back_space(database)


async def _without_traces(database: Database, receipt: Receipt) -> Receipt:
    """Last of all: what was overwritten in the database may still stand in its log."""
    receipt.is_in_log = not await database.empty_log()
    return receipt
