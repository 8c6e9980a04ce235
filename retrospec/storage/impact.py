"""What a failure costs, counted as sessions are: by browser, system, device, page, release, tag and outcome.

Counted by cluster, like everything an issue adds up: so merging and splitting issues moves these counts along.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, func, select, tuple_, update

from retrospec.storage.database import Connection
from retrospec.storage.tables import clusters, issue_facets, issues
from retrospec.storage.upsert import insert_new

MAX_VALUES = 100
"""Distinct values kept per facet; what comes later counts as ``OTHER``, so that a tag with ids in it stays bounded."""
MAX_VALUE = 160
OTHER = "(other)"

_OF_CLUSTER = (issue_facets.c.project_id == bindparam("p")) & (issue_facets.c.cluster_key == bindparam("k"))
_NAMED = _OF_CLUSTER & (issue_facets.c.facet == bindparam("f"))
_ADD_ONE = update(issue_facets).where(_NAMED, issue_facets.c.value == bindparam("v")).values(session_count=issue_facets.c.session_count + 1)
_HOW_MANY = select(func.count()).select_from(issue_facets).where(_NAMED)
_KNOWN = select(issue_facets.c.facet, issue_facets.c.value).where(
    _OF_CLUSTER, tuple_(issue_facets.c.facet, issue_facets.c.value).in_(bindparam("pairs", expanding=True))
)


async def add_session(connection: Connection, project_id: str, cluster_key: str, facets: Mapping[str, str]) -> None:
    """Count one session under each facet's value."""
    named = {"p": project_id, "k": cluster_key}
    pairs = [(facet, value[:MAX_VALUE]) for facet, value in facets.items()]
    found = await connection.execute(_KNOWN, named | {"pairs": pairs})
    known = [(row.facet, row.value) for row in found]
    if known:
        await connection.execute(_ADD_ONE, [named | {"f": facet, "v": value} for facet, value in known])
    for facet, value in pairs:
        if (facet, value) not in known:
            await _count_new(connection, named | {"f": facet}, value)


async def _count_new(connection: Connection, named: dict[str, str], value: str) -> None:
    if (await connection.scalar(_HOW_MANY, named)) >= MAX_VALUES:
        value = OTHER
        if (await connection.execute(_ADD_ONE, named | {"v": value})).rowcount:
            return
    row = {"project_id": named["p"], "cluster_key": named["k"], "facet": named["f"], "value": value, "session_count": 1}
    await connection.execute(insert_new(connection, issue_facets), row)


async def set_impact(connection: Connection, project_id: str, key: str, impact: float) -> None:
    """Store the number that lists are sorted by."""
    await connection.execute(_SET_ISSUE_IMPACT, {"p": project_id, "k": key, "i": impact})


_PAGES = (
    select(clusters.c.issue_key, issue_facets.c.value, func.sum(issue_facets.c.session_count).label("times"))
    .join(
        clusters,
        (clusters.c.project_id == issue_facets.c.project_id) & (clusters.c.key == issue_facets.c.cluster_key),
    )
    .where(
        clusters.c.project_id == bindparam("p"),
        clusters.c.issue_key.in_(bindparam("keys", expanding=True)),
        issue_facets.c.project_id == bindparam("p"),
        issue_facets.c.facet == "route",
        issue_facets.c.value != OTHER,
    )
    .group_by(clusters.c.issue_key, issue_facets.c.value)
)


async def main_pages(connection: Connection, project_id: str, keys: Sequence[str]) -> dict[str, str]:
    """The page on which each of these issues happened most, by issue key; those without one are left out."""
    found = await connection.execute(_PAGES, {"p": project_id, "keys": list(keys)})
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


_SET_ISSUE_IMPACT = (
    update(issues).where(issues.c.project_id == bindparam("p"), issues.c.key == bindparam("k")).values(impact=bindparam("i"))
)
_ITS_CLUSTER = (clusters.c.project_id == bindparam("p")) & (clusters.c.key == bindparam("k"))
_IMPACT = select(clusters.c.impact).where(_ITS_CLUSTER)
_SET_IMPACT = update(clusters).where(_ITS_CLUSTER).values(impact=bindparam("i"))


_FACETS = select(issue_facets.c.facet, issue_facets.c.value, issue_facets.c.session_count).where(
    issue_facets.c.project_id == bindparam("p"), issue_facets.c.cluster_key.in_(bindparam("keys", expanding=True))
)


async def facets_of(connection: Connection, project_id: str, keys: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
    """Sessions of these clusters by facet and value, most first."""
    found = await connection.execute(_FACETS, {"p": project_id, "keys": list(keys)})
    counts: dict[str, Counter[str]] = {}
    for row in found:
        counts.setdefault(row.facet, Counter())[row.value] += row.session_count
    return {facet: sorted(values.items(), key=lambda each: (-each[1], each[0])) for facet, values in counts.items()}
