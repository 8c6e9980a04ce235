"""Clusters: failures of one fingerprint. Their counts only grow; which issue they are in may change (docs/adr/0030)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import and_, bindparam, exists, func, or_, select, update

from retrospec.domain.issue import Issue
from retrospec.domain.marker import MarkerKind
from retrospec.storage.database import Connection
from retrospec.storage.tables import (
    cluster_judgements,
    cluster_overlaps,
    cluster_symptoms,
    clusters,
    issue_people,
    issue_sessions,
    session_moves,
)
from retrospec.storage.tallies import Sighting, Tally


class Place(msgspec.Struct, kw_only=True):
    """Where a sighting counts."""

    tally: Tally | None
    """The cluster's own, None before its first session."""
    is_stored: bool
    """Whether the cluster has a row already."""
    issue_key: str
    """Of the issue its cluster is in, or its session was moved to."""
    has_others: bool
    """Whether that issue has clusters besides this one."""
    is_quiet: bool


class Cluster(msgspec.Struct, kw_only=True):
    """A cluster as the issue page tells of it."""

    key: str
    issue_key: str
    tally: Tally
    parts: list[tuple[str, str]]
    ignored: list[str]
    own_rule: str
    created_at: datetime


_COUNTED = ("session_count", "user_count", "marker_count")
_OF_ISSUE = (
    *("kind", "symptom", *_COUNTED, "confidence", "severity", "basis", "impact"),
    *("representative_session_id", "first_seen_at", "last_seen_at"),
)
_OF_TALLY = ("title", "visual_count", "representative_confidence", "representative_at")

_home = clusters.alias("home")
_sibling = clusters.alias("sibling")
_MOVED_TO = (
    select(_home.c.issue_key)
    .join(
        session_moves,
        (session_moves.c.project_id == _home.c.project_id) & (session_moves.c.to_cluster == _home.c.key),
    )
    .where(
        session_moves.c.project_id == bindparam("p"),
        session_moves.c.session_id == bindparam("s"),
        session_moves.c.from_cluster == bindparam("k"),
    )
    .scalar_subquery()
)
_PLACE = (
    select(
        clusters,
        _MOVED_TO.label("moved_to"),
        exists()
        .where(
            _sibling.c.project_id == clusters.c.project_id,
            _sibling.c.issue_key == clusters.c.issue_key,
            _sibling.c.key != clusters.c.key,
        )
        .label("has_siblings"),
        exists()
        .where(
            cluster_judgements.c.project_id == clusters.c.project_id,
            cluster_judgements.c.cluster_key == clusters.c.key,
            cluster_judgements.c.quiet_since.is_not(None),
        )
        .label("is_quiet"),
    )
    .where(clusters.c.project_id == bindparam("p"), clusters.c.key == bindparam("k"))
    .with_for_update(of=clusters)
)
_ADD = clusters.insert()
_STORE = (
    update(clusters)
    .where(clusters.c.project_id == bindparam("p"), clusters.c.key == bindparam("k"))
    .values({name: bindparam(f"new_{name}") for name in (*_OF_ISSUE, *_OF_TALLY)})
)
_HOME = select(clusters.c.issue_key).where(
    clusters.c.project_id == bindparam("p"), clusters.c.key == bindparam("k")
)


def _known_in_issue(table: Any, *where: Any) -> Any:
    """Whether another cluster of the issue has such a row."""
    return (
        select(1)
        .select_from(
            clusters.join(
                table,
                (table.c.project_id == clusters.c.project_id) & (table.c.cluster_key == clusters.c.key),
            )
        )
        .where(
            clusters.c.project_id == bindparam("p"),
            clusters.c.issue_key == bindparam("i"),
            clusters.c.key != bindparam("k"),
            *where,
        )
        .limit(1)
    )


_PERSON_KNOWN = _known_in_issue(issue_people, issue_people.c.person_key == bindparam("who"))
_SESSION_KNOWN = _known_in_issue(
    issue_sessions, issue_sessions.c.session_id == bindparam("who"), issue_sessions.c.counted.is_(True)
)


async def place_of(connection: Connection, sighting: Sighting) -> Place:
    """The cluster as it stands, locked, and the issue it counts towards."""
    named = {"p": sighting.project_id, "k": sighting.cluster_key, "s": sighting.session_id}
    row = (await connection.execute(_PLACE, named)).first()
    if row is None:
        return Place(
            tally=None, is_stored=False, issue_key=sighting.cluster_key, has_others=False, is_quiet=False
        )
    return Place(
        tally=_to_tally(row) if row.session_count else None,
        is_stored=True,
        issue_key=row.moved_to or row.issue_key,
        has_others=bool(row.has_siblings or row.moved_to),
        is_quiet=bool(row.is_quiet),
    )


def _to_tally(row: Any) -> Tally:
    named = {name: row._mapping[name] for name in _OF_ISSUE} | {"kind": MarkerKind(row.kind)}
    issue = Issue(project_id=row.project_id, key=row.key, created_at=row.created_at, **named)
    return Tally(issue=issue, promoted_at=None, **{name: row._mapping[name] for name in _OF_TALLY})


async def store(connection: Connection, tally: Tally, sighting: Sighting, place: Place) -> None:
    """Write the cluster's own counts; its place and its birth never change here."""
    values = {name: getattr(tally.issue, name) for name in _OF_ISSUE}
    values |= {name: getattr(tally, name) for name in _OF_TALLY}
    if place.is_stored:
        named = {"p": sighting.project_id, "k": sighting.cluster_key}
        await connection.execute(_STORE, named | {f"new_{name}": value for name, value in values.items()})
    else:
        await connection.execute(_ADD, values | _birth(sighting, tally.issue.created_at))


def _birth(sighting: Sighting, now: datetime) -> dict[str, Any]:
    return {
        "project_id": sighting.project_id,
        "key": sighting.cluster_key,
        "issue_key": sighting.cluster_key,
        "created_at": now,
        "parts": sighting.parts,
        "ignored": sighting.ignored,
        "own_rule": sighting.own_rule,
    }


async def make_room(connection: Connection, sighting: Sighting, now: datetime) -> None:
    """A row without counts for a cluster about to be counted for the first time, so that it can be placed."""
    nothing: dict[str, Any] = dict.fromkeys((*_COUNTED, "visual_count"), 0)
    words = {name: getattr(sighting, name) for name in ("kind", "title", "symptom", "severity", "basis")}
    at = {"first_seen_at": sighting.first_observed_at, "last_seen_at": sighting.last_observed_at}
    who = {"representative_session_id": sighting.session_id, "representative_confidence": 0.0}
    more = {"confidence": 0.0, "impact": 0.0, "representative_at": sighting.last_observed_at}
    await connection.execute(_ADD, nothing | words | at | who | more | _birth(sighting, now))


async def knows_person(connection: Connection, sighting: Sighting, place: Place) -> bool:
    """Whether the issue counted this person in another of its clusters."""
    return await _is_known(connection, _PERSON_KNOWN, sighting, place, sighting.person_key)


async def knows_session(connection: Connection, sighting: Sighting, place: Place) -> bool:
    """Whether the issue counted this session in another of its clusters."""
    return await _is_known(connection, _SESSION_KNOWN, sighting, place, sighting.session_id)


async def _is_known(connection: Connection, query: Any, sighting: Sighting, place: Place, who: str) -> bool:
    named = {"p": sighting.project_id, "i": place.issue_key, "k": sighting.cluster_key, "who": who}
    return (await connection.execute(query, named)).first() is not None


async def home_of(connection: Connection, project_id: str, key: str) -> str:
    """The key of the issue a cluster is in; empty where there is no such cluster."""
    return await connection.scalar(_HOME, {"p": project_id, "k": key}) or ""


async def is_known(connection: Connection, project_id: str, key: str) -> bool:
    """Whether the cluster has a row."""
    return bool(await home_of(connection, project_id, key))


_KEYS = (
    select(clusters.c.key)
    .where(clusters.c.project_id == bindparam("p"), clusters.c.issue_key == bindparam("i"))
    .order_by(clusters.c.created_at, clusters.c.key)
)
_KEYS_OF_SEVERAL = select(clusters.c.key, clusters.c.issue_key).where(
    clusters.c.project_id == bindparam("p"), clusters.c.issue_key.in_(bindparam("issues", expanding=True))
)


async def keys_of(connection: Connection, project_id: str, issue_key: str) -> list[str]:
    """The clusters of an issue, its first one first; the issue's own key where none is recorded."""
    found = await connection.execute(_KEYS, {"p": project_id, "i": issue_key})
    return [row.key for row in found] or [issue_key]


async def keys_by_issue(
    connection: Connection, project_id: str, issue_keys: Sequence[str]
) -> dict[str, list[str]]:
    """``keys_of`` for several issues in one query."""
    keys: dict[str, list[str]] = {key: [] for key in issue_keys}
    found = await connection.execute(_KEYS_OF_SEVERAL, {"p": project_id, "issues": list(issue_keys)})
    for row in found:
        keys[row.issue_key].append(row.key)
    return {issue: sorted(found) or [issue] for issue, found in keys.items()}


_FIRST_FIRST = select(clusters).where(clusters.c.project_id == bindparam("p")).order_by(clusters.c.created_at, clusters.c.key)
_OF_ISSUES = _FIRST_FIRST.where(clusters.c.issue_key.in_(bindparam("keys", expanding=True)))
_THESE = _FIRST_FIRST.where(clusters.c.key.in_(bindparam("keys", expanding=True)))


async def of_issues(connection: Connection, project_id: str, issue_keys: Iterable[str]) -> list[Cluster]:
    """Every cluster of these issues, first ones first."""
    return _read(await connection.execute(_OF_ISSUES, {"p": project_id, "keys": list(issue_keys)}))


async def named(connection: Connection, project_id: str, keys: Iterable[str]) -> list[Cluster]:
    """These clusters, first ones first; those that have no row are left out."""
    return _read(await connection.execute(_THESE, {"p": project_id, "keys": list(keys)}))


def _read(found: Iterable[Any]) -> list[Cluster]:
    return [
        Cluster(
            key=row.key,
            issue_key=row.issue_key,
            tally=_to_tally(row),
            parts=[(name, value) for name, value in row.parts],
            ignored=row.ignored,
            own_rule=row.own_rule,
            created_at=row.created_at,
        )
        for row in found
    ]


async def put_into(connection: Connection, project_id: str, keys: Sequence[str], issue_key: str) -> None:
    """Say which issue these clusters are in."""
    await connection.execute(
        update(clusters)
        .where(clusters.c.project_id == project_id, clusters.c.key.in_(keys))
        .values(issue_key=issue_key)
    )


_TIMES = func.sum(cluster_symptoms.c.session_count)
_SYMPTOMS = (
    select(cluster_symptoms.c.kind, func.max(cluster_symptoms.c.title), _TIMES)
    .where(cluster_symptoms.c.project_id == bindparam("p"), cluster_symptoms.c.cluster_key.in_(bindparam("keys", expanding=True)))
    .group_by(cluster_symptoms.c.kind, cluster_symptoms.c.symptom_key)
    .order_by(_TIMES.desc())
    .limit(bindparam("most"))
)


async def symptoms_of(
    connection: Connection, project_id: str, keys: Sequence[str], *, limit: int = 12
) -> list[tuple[str, str, int]]:
    """``(kind, title, sessions)`` of failures that these clusters caused in the same moments, commonest first."""
    found = await connection.execute(_SYMPTOMS, {"p": project_id, "keys": list(keys), "most": limit})
    return [(row[0], row[1], int(row[2])) for row in found]


class Reach(msgspec.Struct):
    """Where an issue's sessions are: its clusters, and single sessions that people moved."""

    keys: list[str]
    gone: list[str]
    """Sessions of these clusters that were moved to another issue."""
    come: list[tuple[str, str]]
    """``(cluster_key, session_id)`` of sessions moved here from other clusters."""


async def reach_of(connection: Connection, project_id: str, key: str) -> Reach:
    """Where the sessions are of the issue that ``key`` (its own or any cluster's) names."""
    home = await home_of(connection, project_id, key) or key
    keys = await keys_of(connection, project_id, home)
    moves = await connection.execute(_MOVES, {"p": project_id, "keys": keys})
    reach = Reach(keys, [], [])
    for row in moves:
        is_from, is_to = row.from_cluster in keys, row.to_cluster in keys
        if is_from and not is_to:
            reach.gone.append(row.session_id)
        elif is_to and not is_from:
            reach.come.append((row.from_cluster, row.session_id))
    return reach


_MOVES = select(session_moves.c.from_cluster, session_moves.c.to_cluster, session_moves.c.session_id).where(
    session_moves.c.project_id == bindparam("p"),
    or_(
        session_moves.c.from_cluster.in_(bindparam("keys", expanding=True)),
        session_moves.c.to_cluster.in_(bindparam("keys", expanding=True)),
    ),
)


def stretches(reach: Reach) -> list[Any]:
    """Conditions on ``issue_sessions``, each one stretch of its index: read each by itself, then merge the heads."""
    table = issue_sessions
    own = [
        and_(table.c.cluster_key == key, table.c.session_id.not_in(reach.gone))
        if reach.gone
        else table.c.cluster_key == key
        for key in reach.keys
    ]
    moved = [and_(table.c.cluster_key == key, table.c.session_id == name) for key, name in reach.come]
    return own + moved


class Distinct(msgspec.Struct):
    """How many there are when nobody is counted twice."""

    sessions: int
    people: int


async def distinct_counts(connection: Connection, project_id: str, members: Sequence[Cluster]) -> Distinct:
    """Sessions and people of several clusters together. Reads all their rows: for decisions, not for sightings."""
    counts = [member.tally.issue for member in members]
    if len(members) == 1:
        return Distinct(counts[0].session_count, counts[0].user_count)
    keys = [member.key for member in members]
    twice = await _counted_twice(connection, project_id, keys) + await _were_counted_twice(
        connection, project_id, keys
    )
    people = await connection.scalar(
        select(func.count(issue_people.c.person_key.distinct())).where(
            issue_people.c.project_id == project_id, issue_people.c.cluster_key.in_(keys)
        )
    )
    return Distinct(sum(one.session_count for one in counts) - twice, people)


async def _counted_twice(connection: Connection, project_id: str, keys: Sequence[str]) -> int:
    several = (
        select(func.count().label("n"))
        .where(
            issue_sessions.c.project_id == project_id,
            issue_sessions.c.cluster_key.in_(keys),
            issue_sessions.c.counted.is_(True),
        )
        .group_by(issue_sessions.c.session_id)
        .having(func.count() > 1)
        .subquery()
    )
    return int(await connection.scalar(select(func.sum(several.c.n - 1))) or 0)


async def _were_counted_twice(connection: Connection, project_id: str, keys: Sequence[str]) -> int:
    """Of sessions that have expired."""
    several = (
        select((func.count() - 1).label("n"), func.max(cluster_overlaps.c.session_count).label("times"))
        .where(cluster_overlaps.c.project_id == project_id, cluster_overlaps.c.cluster_key.in_(keys))
        .group_by(cluster_overlaps.c.together)
        .having(func.count() > 1)
        .subquery()
    )
    return int(await connection.scalar(select(func.sum(several.c.n * several.c.times))) or 0)
