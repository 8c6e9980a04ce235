"""What stays of clusters when sessions expire, and what goes with a tally that never became an issue."""

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

from sqlalchemy import Table, delete, select

from retrospec.storage.among import among
from retrospec.storage.database import Connection
from retrospec.storage.tables import (
    cluster_likeness,
    cluster_links,
    cluster_overlaps,
    cluster_symptoms,
    clusters,
    fingerprint_tokens,
    issue_facets,
    issue_hours,
    issue_people,
    issue_sessions,
)
from retrospec.storage.upsert import upsert


async def remember_overlaps(connection: Connection, sessions: Sequence[tuple[str, str]]) -> None:
    """Before these sessions' rows go: which clusters shared them, so that they never count twice in one issue."""
    found = await connection.execute(
        select(issue_sessions.c.project_id, issue_sessions.c.session_id, issue_sessions.c.cluster_key)
        .where(
            among(issue_sessions.c.project_id, issue_sessions.c.session_id, sessions),
            issue_sessions.c.counted.is_(True),
        )
    )
    shared: dict[tuple[str, str], list[str]] = {}
    for row in sorted(found, key=lambda row: str(row.cluster_key)):  # sorted there, SQLite would read the whole project in that order
        shared.setdefault((row.project_id, row.session_id), []).append(row.cluster_key)
    sets = Counter((project_id, tuple(keys)) for (project_id, _), keys in shared.items() if len(keys) > 1)
    rows = [
        {"project_id": project_id, "cluster_key": key, "together": _name_of(keys), "session_count": times}
        for (project_id, keys), times in sets.items()
        for key in keys
    ]
    if rows:
        await connection.execute(
            upsert(connection, cluster_overlaps, replaced=(), added=("session_count",)), rows
        )


def _name_of(keys: Sequence[str]) -> str:
    return blake2b("\n".join(keys).encode(), digest_size=16).hexdigest()


async def forget(connection: Connection, issue_keys: Sequence[tuple[str, str]]) -> None:
    """Delete the clusters of these issues (``(project_id, key)``) with all that was learnt of them."""
    found = await connection.execute(
        select(clusters.c.project_id, clusters.c.key).where(
            among(clusters.c.project_id, clusters.c.issue_key, issue_keys)
        )
    )
    gone = sorted({*issue_keys, *((row.project_id, row.key) for row in found)})
    for table, columns in _BY_CLUSTER:
        for column in columns:
            named = among(table.c.project_id, table.c[column], gone)
            await connection.execute(delete(table).where(named))


_BY_CLUSTER: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (issue_hours, ("cluster_key",)),
    (issue_people, ("cluster_key",)),
    (issue_facets, ("cluster_key",)),
    (cluster_overlaps, ("cluster_key",)),
    (cluster_symptoms, ("cluster_key",)),
    (fingerprint_tokens, ("key",)),
    (cluster_links, ("a", "b")),
    (cluster_likeness, ("a", "b")),
    (clusters, ("key",)),
)
