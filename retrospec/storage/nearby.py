"""A session's neighbours: the one before and the one after it, of the same person and of the same issue."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, bindparam, or_, select

from retrospec.domain.session import Session
from retrospec.storage.database import Connection
from retrospec.storage.tables import issue_sessions, sessions

MOST_CLUSTERS = 20
"""Of an issue that are looked through; each costs two steps in an index."""


class Neighbours(msgspec.Struct):
    """Ids of the sessions next to one; empty at an end."""

    earlier: str = ""
    later: str = ""


async def of_person(connection: Connection, session: Session) -> Neighbours:
    """The same person's visits before and after; none for an unknown person."""
    if not session.visitor_id and not session.user_id:
        return Neighbours()
    steps = BY_VISITOR if session.visitor_id else BY_USER
    who = session.visitor_id or session.user_id
    named = {"p": session.project_id, "who": who, "at": session.started_at, "s": session.id}
    return Neighbours(*[str(await connection.scalar(step, named) or "") for step in steps])


async def of_issue(connection: Connection, project_id: str, cluster_keys: Sequence[str], session_id: str) -> Neighbours:
    """The sessions of an issue with these clusters seen before and after this one."""
    keys = list(cluster_keys)[:MOST_CLUSTERS]
    seen_at = await connection.scalar(_SEEN_AT, {"p": project_id, "s": session_id, "keys": keys})
    if seen_at is None:
        return Neighbours()
    named = {"p": project_id, "at": seen_at, "s": session_id}
    ends = []
    for nearest, step in zip((max, min), BY_CLUSTER, strict=True):
        steps: list[tuple[datetime, str]] = []
        for key in keys:
            steps += [(row[0], row[1]) for row in await connection.execute(step, named | {"who": key})]
        ends.append(nearest(steps, default=(seen_at, ""))[1])
    return Neighbours(*ends)


_SEEN_AT = (
    select(issue_sessions.c.last_observed_at)
    .where(
        issue_sessions.c.project_id == bindparam("p"),
        issue_sessions.c.session_id == bindparam("s"),
        issue_sessions.c.cluster_key.in_(bindparam("keys", expanding=True)),
    )
    .limit(1)
)


def _steps(shown: Sequence[Any], at: Any, name: Any, whose: Any) -> tuple[Select[Any], Select[Any]]:
    """One step back and one on, from the session ``s`` at ``at``, along the index of whatever ``who`` names."""
    query = select(*shown).where(at.table.c.project_id == bindparam("p"), whose == bindparam("who")).limit(1)
    here: Any = bindparam("at", type_=at.type)
    this: Any = bindparam("s")
    back = query.where(at <= here, or_(at < here, name < this)).order_by(at.desc(), name.desc())
    on = query.where(at >= here, or_(at > here, name > this)).order_by(at, name)
    return back, on


BY_VISITOR = _steps([sessions.c.id], sessions.c.started_at, sessions.c.id, sessions.c.visitor_id)
BY_USER = _steps([sessions.c.id], sessions.c.started_at, sessions.c.id, sessions.c.user_id)
BY_CLUSTER = _steps(
    [issue_sessions.c.last_observed_at, issue_sessions.c.session_id],
    issue_sessions.c.last_observed_at, issue_sessions.c.session_id, issue_sessions.c.cluster_key,
)  # fmt: skip
