"""An issue's log: what people said and did, and what happened by itself."""

from datetime import datetime

from sqlalchemy import select

from retrospec.domain.ids import new_id
from retrospec.domain.workflow import Activity
from retrospec.storage.database import Connection
from retrospec.storage.tables import issue_activity

_ADD = issue_activity.insert()


async def note(
    connection: Connection,
    project_id: str,
    key: str,
    kind: str,
    detail: str,
    *,
    author: str,
    now: datetime,
) -> None:
    """Add a line; ``author`` is empty for what RetroSpec did itself."""
    line = {"id": new_id("act"), "project_id": project_id, "issue_key": key, "at": now}
    await connection.execute(_ADD, line | {"author": author, "kind": kind, "detail": detail})


async def latest(connection: Connection, project_id: str, key: str, *, limit: int) -> list[Activity]:
    """The log, newest first."""
    found = await connection.execute(
        select(issue_activity)
        .where(issue_activity.c.project_id == project_id, issue_activity.c.issue_key == key)
        .order_by(issue_activity.c.id.desc())
        .limit(limit)
    )
    return [
        Activity(id=row.id, at=row.at, author=row.author, kind=row.kind, detail=row.detail) for row in found
    ]
