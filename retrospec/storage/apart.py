"""The visits of an issue, and those that used what fails there and were spared."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from retrospec.domain.search import Document
from retrospec.domain.session import Session
from retrospec.storage import dashboard_issues, search
from retrospec.storage.clusters import Reach
from retrospec.storage.database import Connection
from retrospec.storage.sessions import to_session
from retrospec.storage.tables import issue_sessions, sessions, watch_uses

MOST_COMPARED = 100
"""People on either side."""
MOST_READ = 300
"""Sessions looked at to find so many spared ones; which of all they are is chance, as session ids are."""

Visit = tuple[Session, Document | None]

USED = (
    select(watch_uses.c.session_id)
    .where(watch_uses.c.project_id == bindparam("p"), watch_uses.c.issue_key == bindparam("k"))
    .order_by(watch_uses.c.session_id)
    .limit(MOST_READ)
)
SUSPECT = select(issue_sessions.c.session_id).where(
    issue_sessions.c.project_id == bindparam("p"),
    issue_sessions.c.session_id.in_(bindparam("names", expanding=True)),
    issue_sessions.c.cluster_key.in_(bindparam("keys", expanding=True)),
)
_SESSIONS = select(sessions).where(sessions.c.project_id == bindparam("p"), sessions.c.id.in_(bindparam("names", expanding=True)))


async def failed_visits(connection: Connection, project_id: str, reach: Reach) -> list[Visit]:
    """The newest that were confirmed, one a person."""
    rows = await dashboard_issues.list_issue_sessions(
        connection, project_id, reach, status="", min_confidence=0, after=None, limit=MOST_COMPARED
    )
    return await _visits(connection, project_id, [row.session_id for row in rows if row.counted])


async def spared_visits(connection: Connection, project_id: str, issue_key: str, keys: Sequence[str]) -> list[Visit]:
    """Some that used what the issue watches and show no marker of it, confirmed or not, one a person."""
    named = {"p": project_id}
    used = [row.session_id for row in await connection.execute(USED, named | {"k": issue_key})]
    suspect = {row.session_id for row in await connection.execute(SUSPECT, named | {"names": used, "keys": list(keys)})}
    return await _visits(connection, project_id, [name for name in used if name not in suspect])


async def _visits(connection: Connection, project_id: str, names: Sequence[str]) -> list[Visit]:
    found = {row.id: to_session(row) for row in await connection.execute(_SESSIONS, {"p": project_id, "names": list(names)})}
    people = {found[name].person_key: found[name] for name in reversed(names) if name in found}
    chosen = list(people.values())[-MOST_COMPARED:]
    documents = await search.documents_of(connection, project_id, [session.id for session in chosen])
    return [(session, documents.get(session.id)) for session in chosen]
