"""A session's neighbours: the one before and the one after it, of the same person and of the same issue."""

from datetime import datetime

import msgspec
from sqlalchemy import Select, and_, or_, select

from retrospec.domain.session import Session
from retrospec.storage import clusters
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
    found = []
    for is_later in (False, True):
        found.append(str(await connection.scalar(of_person_query(session, is_later=is_later)) or ""))
    return Neighbours(*found)


def of_person_query(session: Session, *, is_later: bool) -> Select[tuple[str]]:
    """One step along the index of the person's sessions."""
    at, name = sessions.c.started_at, sessions.c.id
    whom = sessions.c.visitor_id == session.visitor_id if session.visitor_id else sessions.c.user_id == session.user_id
    query = select(name).where(sessions.c.project_id == session.project_id, whom)
    if is_later:
        beyond = or_(at > session.started_at, name > session.id)
        return query.where(at >= session.started_at, beyond).order_by(at, name).limit(1)
    beyond = or_(at < session.started_at, name < session.id)
    return query.where(at <= session.started_at, beyond).order_by(at.desc(), name.desc()).limit(1)


async def of_issue(connection: Connection, project_id: str, issue_key: str, session_id: str) -> Neighbours:
    """The issue's sessions seen before and after this one."""
    keys = (await clusters.keys_of(connection, project_id, issue_key))[:MOST_CLUSTERS]
    own = and_(issue_sessions.c.project_id == project_id, issue_sessions.c.session_id == session_id, issue_sessions.c.cluster_key.in_(keys))
    seen_at = await connection.scalar(select(issue_sessions.c.last_observed_at).where(own).limit(1))
    if seen_at is None:
        return Neighbours()
    ends = Neighbours()
    for is_later in (False, True):
        steps: list[tuple[datetime, str]] = []
        for key in keys:
            query = of_cluster_query(project_id, key, seen_at, session_id, is_later=is_later)
            steps += [(row[0], row[1]) for row in await connection.execute(query)]
        nearest = (min if is_later else max)(steps, default=(seen_at, ""))[1]
        if is_later:
            ends.later = nearest
        else:
            ends.earlier = nearest
    return ends


def of_cluster_query(
    project_id: str, cluster_key: str, seen_at: datetime, session_id: str, *, is_later: bool
) -> Select[tuple[datetime, str]]:
    """One step along the index of the cluster's sessions."""
    at, name = issue_sessions.c.last_observed_at, issue_sessions.c.session_id
    query = select(at, name).where(issue_sessions.c.project_id == project_id, issue_sessions.c.cluster_key == cluster_key)
    if is_later:
        return query.where(at >= seen_at, or_(at > seen_at, name > session_id)).order_by(at, name).limit(1)
    return query.where(at <= seen_at, or_(at < seen_at, name < session_id)).order_by(at.desc(), name.desc()).limit(1)
