"""An issue's log: what people said and did, and what happened by itself."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, select

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


_LATEST = (
    select(issue_activity)
    .where(issue_activity.c.project_id == bindparam("p"), issue_activity.c.issue_key.in_(bindparam("keys", expanding=True)))
    .order_by(issue_activity.c.id.desc())
    .limit(bindparam("most"))
)


async def latest(
    connection: Connection, project_id: str, keys: Sequence[str], *, limit: int, before: str = ""
) -> list[Activity]:
    """The log of an issue with these clusters, newest first: what was said of each while it stood alone is in it.

    ``before`` is the id of a line: those older than it.
    """
    query = _LATEST.where(issue_activity.c.id < before) if before else _LATEST
    found = await connection.execute(query, {"p": project_id, "keys": list(keys), "most": limit})
    return [
        Activity(id=row.id, at=row.at, author=row.author, kind=row.kind, detail=row.detail) for row in found
    ]


async def is_noted(connection: Connection, project_id: str, key: str, kind: str) -> bool:
    """Whether the log has a line of this kind."""
    line = select(issue_activity.c.id).where(
        issue_activity.c.project_id == project_id, issue_activity.c.issue_key == key, issue_activity.c.kind == kind
    )
    return (await connection.execute(line.limit(1))).first() is not None


async def forget_lines(connection: Connection, *, before: datetime) -> int:
    """Delete what was logged before ``before``, but no comment: those stay as long as the project; how many."""
    old = issue_activity.c.at < before, issue_activity.c.kind != "comment"
    return (await connection.execute(delete(issue_activity).where(*old))).rowcount
