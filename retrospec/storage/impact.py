"""What a failure costs, counted as sessions are: by browser, system, device, page, release, tag and outcome.

Counted by cluster, like everything an issue adds up: so merging and splitting issues moves these counts along.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, func, select, update

from retrospec.storage.database import Connection
from retrospec.storage.tables import clusters, issue_facets, issues
from retrospec.storage.upsert import insert_new

MAX_VALUES = 100
"""Distinct values kept per facet; what comes later counts as ``OTHER``, so that a tag with ids in it stays bounded."""
MAX_VALUE = 160
OTHER = "(other)"

_NAMED = (
    (issue_facets.c.project_id == bindparam("p"))
    & (issue_facets.c.cluster_key == bindparam("k"))
    & (issue_facets.c.facet == bindparam("f"))
)
_ADD_ONE = update(issue_facets).where(_NAMED, issue_facets.c.value == bindparam("v")).values(session_count=issue_facets.c.session_count + 1)
_HOW_MANY = select(func.count()).select_from(issue_facets).where(_NAMED)


async def add_session(connection: Connection, project_id: str, cluster_key: str, facets: Mapping[str, str]) -> None:
    """Count one session under each facet's value."""
    for facet, value in facets.items():
        await _count(connection, project_id, cluster_key, facet, value[:MAX_VALUE])


async def _count(connection: Connection, project_id: str, key: str, facet: str, value: str) -> None:
    named = {"p": project_id, "k": key, "f": facet}
    if (await connection.execute(_ADD_ONE, named | {"v": value})).rowcount:
        return
    if (await connection.scalar(_HOW_MANY, named)) >= MAX_VALUES:
        value = OTHER
        if (await connection.execute(_ADD_ONE, named | {"v": value})).rowcount:
            return
    row = {"project_id": project_id, "cluster_key": key, "facet": facet, "value": value, "session_count": 1}
    await connection.execute(insert_new(connection, issue_facets), row)


async def set_impact(connection: Connection, project_id: str, key: str, impact: float) -> None:
    """Store the number that lists are sorted by."""
    await connection.execute(
        update(issues).where(issues.c.project_id == project_id, issues.c.key == key).values(impact=impact)
    )


async def main_pages(connection: Connection, project_id: str, keys: Sequence[str]) -> dict[str, str]:
    """The page on which each of these issues happened most, by issue key; those without one are left out."""
    found = await connection.execute(
        select(clusters.c.issue_key, issue_facets.c.value, func.sum(issue_facets.c.session_count).label("times"))
        .join(
            clusters,
            (clusters.c.project_id == issue_facets.c.project_id) & (clusters.c.key == issue_facets.c.cluster_key),
        )
        .where(
            clusters.c.project_id == project_id,
            clusters.c.issue_key.in_(list(keys)),
            issue_facets.c.project_id == project_id,
            issue_facets.c.facet == "route",
            issue_facets.c.value != OTHER,
        )
        .group_by(clusters.c.issue_key, issue_facets.c.value)
    )
    pages: dict[str, str] = {}
    for row in sorted(found, key=lambda row: (-row.times, row.value)):
        pages.setdefault(row.issue_key, row.value)
    return pages


async def impact_of_cluster(connection: Connection, project_id: str, cluster_key: str) -> float:
    """The same of one cluster, which it takes along when issues merge or part."""
    impact: float = await connection.scalar(_IMPACT, {"p": project_id, "k": cluster_key}) or 0.0
    return impact


async def set_cluster_impact(connection: Connection, project_id: str, cluster_key: str, impact: float) -> None:
    """Store a cluster's share of it."""
    await connection.execute(_SET_IMPACT, {"p": project_id, "k": cluster_key, "i": impact})


_ITS_CLUSTER = (clusters.c.project_id == bindparam("p")) & (clusters.c.key == bindparam("k"))
_IMPACT = select(clusters.c.impact).where(_ITS_CLUSTER)
_SET_IMPACT = update(clusters).where(_ITS_CLUSTER).values(impact=bindparam("i"))


async def facets_of(connection: Connection, project_id: str, keys: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
    """Sessions of these clusters by facet and value, most first."""
    found = await connection.execute(
        select(issue_facets.c.facet, issue_facets.c.value, issue_facets.c.session_count).where(
            issue_facets.c.project_id == project_id, issue_facets.c.cluster_key.in_(list(keys))
        )
    )
    counts: dict[str, Counter[str]] = {}
    for row in found:
        counts.setdefault(row.facet, Counter())[row.value] += row.session_count
    return {facet: sorted(values.items(), key=lambda each: (-each[1], each[0])) for facet, values in counts.items()}
