"""The sessions of an issue, and those that used what fails there and were spared."""

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, select

from retrospec.domain.trait import Sketch
from retrospec.storage.clusters import Reach, stretches
from retrospec.storage.database import Connection
from retrospec.storage.issues import latest_of_each
from retrospec.storage.tables import issue_sessions, session_words, sessions, watch_uses

MOST_COMPARED = 80
"""People on either side."""
MOST_READ = 160
"""Sessions looked at to find so many spared ones; which of all they are is chance, as session ids are."""

FAILED = (
    select(issue_sessions.c.session_id, issue_sessions.c.last_observed_at)
    .where(issue_sessions.c.project_id == bindparam("p"), issue_sessions.c.counted)
    .order_by(issue_sessions.c.last_observed_at.desc(), issue_sessions.c.session_id.desc())
    .limit(MOST_COMPARED)
)
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
_ITS_WORDS = and_(session_words.c.project_id == sessions.c.project_id, session_words.c.session_id == sessions.c.id)
SKETCHES = (
    select(*[sessions.c[name] for name in Sketch.__struct_fields__ if name != "clicked"], session_words.c.clicked)
    .outerjoin(session_words, _ITS_WORDS)
    .where(sessions.c.project_id == bindparam("p"), sessions.c.id.in_(bindparam("names", expanding=True)))
)


async def failed_sketches(connection: Connection, project_id: str, reach: Reach) -> list[Sketch]:
    """The newest that were confirmed, one a person."""
    found = [row for stretch in stretches(reach) for row in await connection.execute(FAILED.where(stretch), {"p": project_id})]
    return await _sketches(connection, project_id, [row.session_id for row in latest_of_each(found)[:MOST_COMPARED]])


async def spared_sketches(connection: Connection, project_id: str, issue_key: str, keys: Sequence[str]) -> list[Sketch]:
    """Some that used what the issue watches and show no marker of it, confirmed or not, one a person."""
    named = {"p": project_id}
    used = [row.session_id for row in await connection.execute(USED, named | {"k": issue_key})]
    suspect = {row.session_id for row in await connection.execute(SUSPECT, named | {"names": used, "keys": list(keys)})}
    return await _sketches(connection, project_id, [name for name in used if name not in suspect][:MOST_COMPARED])


async def _sketches(connection: Connection, project_id: str, names: Sequence[str]) -> list[Sketch]:
    found = await connection.execute(SKETCHES, {"p": project_id, "names": list(names)})
    sketches = [Sketch(**row._mapping) for row in found]
    return list({sketch.person_key: sketch for sketch in sketches}.values())
