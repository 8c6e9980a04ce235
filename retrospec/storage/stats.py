"""Statistics per kind, rolled up by the hour as markers arrive: what they cost does not grow with the markers.

A look-back always ends now. So each session is counted in the hour of its newest marker of a kind: the sum over the
hours of a look-back is then the number of distinct sessions in it, without counting any twice. The oldest hour, of
which the look-back holds a part, is read from its own markers.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, bindparam, case, func, select

from retrospec.domain.clock import from_epoch_ms, to_epoch_ms
from retrospec.domain.marker import Marker, MarkerKind
from retrospec.storage import clusters
from retrospec.storage.database import Connection
from retrospec.storage.tables import UtcMs, issue_hours, kind_clusters, kind_hours, markers
from retrospec.storage.tables import clusters as cluster_rows
from retrospec.storage.upsert import upsert_all

HOUR_MS = 3_600_000


class KindStats(msgspec.Struct, rename="camel"):
    """What one kind of failure did within the time looked at."""

    kind: str
    marker_count: int
    session_count: int
    cluster_count: int
    last_seen_at: datetime


class HourCount(msgspec.Struct, rename="camel"):
    """One hour of a series."""

    hour: datetime
    """Its beginning."""
    session_count: int
    marker_count: int


def hour_of(moment: datetime) -> int:
    """Hours since 1970."""
    return to_epoch_ms(moment) // HOUR_MS


def hour_start(hour: int) -> datetime:
    """When such an hour began."""
    return from_epoch_ms(hour * HOUR_MS)


_NEWEST = (
    select(markers.c.session_id, markers.c.kind, func.max(markers.c.observed_at, type_=markers.c.observed_at.type).label("at"))
    .where(markers.c.project_id == bindparam("p"), markers.c.session_id.in_(bindparam("sessions", expanding=True)))
    .group_by(markers.c.session_id, markers.c.kind)
)


Newest = Mapping[tuple[str, str], datetime]
"""When a session's newest marker of a kind was, by ``(session_id, kind)``."""


async def newest_by_kind(connection: Connection, project_id: str, session_ids: Sequence[str]) -> Newest:
    """Of these sessions; asked before more are added."""
    found = await connection.execute(_NEWEST, {"p": project_id, "sessions": list(session_ids)})
    return {(row.session_id, row.kind): row.at for row in found}


async def roll_up(connection: Connection, added: Sequence[Marker], newest: Newest) -> None:
    """Count markers just added to sessions of one project; ``newest`` is what ``newest_by_kind`` said before."""
    if not added:
        return
    hours: dict[tuple[str, int], list[int]] = {}
    latest = dict(newest)
    for marker in added:
        hours.setdefault((marker.kind, hour_of(marker.observed_at)), [0, 0])[0] += 1
        name = marker.session_id, str(marker.kind)
        latest[name] = max(latest.get(name, marker.observed_at), marker.observed_at)
    for name, at in latest.items():
        if name in newest and hour_of(newest[name]) == hour_of(at):
            continue
        hours.setdefault((name[1], hour_of(at)), [0, 0])[1] += 1
        if name in newest:
            hours.setdefault((name[1], hour_of(newest[name])), [0, 0])[1] -= 1
    project_id = added[0].project_id
    rows = [
        {"project_id": project_id, "kind": str(kind), "hour": hour, "marker_count": count, "session_count": sessions}
        for (kind, hour), (count, sessions) in sorted(hours.items())
    ]
    await connection.execute(upsert_all(connection, kind_hours, added=("marker_count", "session_count")), rows)
    await _see_clusters(connection, project_id, added)


async def _see_clusters(connection: Connection, project_id: str, added: Sequence[Marker]) -> None:
    newest: dict[tuple[str, str], datetime] = {}
    for marker in added:
        name = str(marker.kind), marker.cluster_key
        newest[name] = max(newest.get(name, marker.observed_at), marker.observed_at)
    rows = [
        {"project_id": project_id, "kind": kind, "cluster_key": key, "last_observed_at": at} for (kind, key), at in sorted(newest.items())
    ]
    seen = "last_observed_at"
    await connection.execute(upsert_all(connection, kind_clusters, replaced=(seen,), where_later=seen), rows)


_KINDS = [str(kind) for kind in MarkerKind]
_CLUSTERS_BY_KIND = (
    select(kind_clusters.c.kind, func.count().label("clusters"), func.max(kind_clusters.c.last_observed_at, type_=UtcMs()).label("at"))
    .where(kind_clusters.c.project_id == bindparam("p"), kind_clusters.c.kind.in_(_KINDS), kind_clusters.c.last_observed_at >= bindparam("since"))
    .group_by(kind_clusters.c.kind)
)
_HOURS_BY_KIND = (
    select(kind_hours.c.kind, func.sum(kind_hours.c.marker_count).label("markers"), func.sum(kind_hours.c.session_count).label("sessions"))
    .where(kind_hours.c.project_id == bindparam("p"), kind_hours.c.kind.in_(_KINDS), kind_hours.c.hour >= bindparam("hour"))
    .group_by(kind_hours.c.kind)
)
_OF_OLDEST_HOUR = (
    (markers.c.project_id == bindparam("p"))
    & markers.c.kind.in_(_KINDS)
    & (markers.c.observed_at >= bindparam("since"))
    & (markers.c.observed_at < bindparam("end"))
)
_seen = select(markers.c.kind, markers.c.session_id, func.count().label("n")).where(_OF_OLDEST_HOUR).group_by(markers.c.kind, markers.c.session_id).subquery()
_later = markers.alias("later")
_HAS_LATER = (
    select(_later.c.id)
    .where(
        _later.c.project_id == bindparam("p"),
        _later.c.session_id == _seen.c.session_id,
        _later.c.kind == _seen.c.kind,
        # through a function, so that no index over times is tried: the session's own few rows are what to read
        func.abs(_later.c.observed_at, type_=BigInteger()) >= bindparam("end_ms"),
    )
    .exists()
)
_OLDEST_HOUR = select(
    _seen.c.kind, func.sum(_seen.c.n).label("markers"), func.sum(case((_HAS_LATER, 0), else_=1)).label("sessions")
).group_by(_seen.c.kind)
"""Each session is looked at once a kind, however many markers it has."""


async def by_kind(connection: Connection, project_id: str, *, since: datetime) -> list[KindStats]:
    """What each kind did since then, most markers first. From the beginning of an hour on it costs no look at single markers."""
    named = {"p": project_id, "since": since}
    first_whole = -(-to_epoch_ms(since) // HOUR_MS)
    seen: list[Any] = list(await connection.execute(_CLUSTERS_BY_KIND, named))
    if not seen:
        return []
    whole = {row.kind: row for row in await connection.execute(_HOURS_BY_KIND, {"p": project_id, "hour": first_whole})}
    is_whole = first_whole == hour_of(since)
    edge_markers, edge_sessions = ({}, {}) if is_whole else await _oldest_hour(connection, project_id, since)
    found = [
        KindStats(
            kind=row.kind,
            marker_count=(int(whole[row.kind].markers) if row.kind in whole else 0) + edge_markers.get(row.kind, 0),
            session_count=(int(whole[row.kind].sessions) if row.kind in whole else 0) + edge_sessions.get(row.kind, 0),
            cluster_count=row.clusters,
            last_seen_at=row.at,
        )
        for row in seen
    ]
    return sorted(found, key=lambda each: -each.marker_count)


async def _oldest_hour(connection: Connection, project_id: str, since: datetime) -> tuple[dict[str, int], dict[str, int]]:
    """By kind: markers of the part of an hour the look-back begins with, and sessions whose newest marker is among them."""
    end = hour_start(hour_of(since) + 1)
    named = {"p": project_id, "since": since, "end": end, "end_ms": to_epoch_ms(end)}
    found = (await connection.execute(_OLDEST_HOUR, named)).all()
    return {row.kind: int(row.markers) for row in found}, {row.kind: int(row.sessions) for row in found}


def _hours(table: Any, name: Any) -> Any:
    return (
        select(table.c.hour, func.sum(table.c.session_count).label("s"), func.sum(table.c.marker_count).label("m"))
        .where(table.c.project_id == bindparam("p"), table.c.hour >= bindparam("since"), name.in_(bindparam("names", expanding=True)))
        .group_by(table.c.hour)
        .order_by(table.c.hour)
    )


_ISSUE_SERIES = _hours(issue_hours, issue_hours.c.cluster_key)
_KIND_SERIES = _hours(kind_hours, kind_hours.c.kind)


async def series(
    connection: Connection, project_id: str, *, kind: str = "", key: str = "", since_hour: int
) -> list[HourCount]:
    """Hours with failures, oldest first: of one issue's confirmed sessions, of one kind, or of all kinds together.

    For kinds a session stands in the hour of its newest failure.
    """
    named = await clusters.keys_of(connection, project_id, key) if key else [kind] if kind else _KINDS
    found: Any = await connection.execute(_ISSUE_SERIES if key else _KIND_SERIES, {"p": project_id, "since": since_hour, "names": named})
    return [HourCount(hour_start(row.hour), int(row.s), int(row.m)) for row in found]


_HOURS_OF_ISSUE = (
    select(issue_hours.c.hour, func.sum(issue_hours.c.session_count).label("s"))
    .join(
        cluster_rows,
        (cluster_rows.c.project_id == issue_hours.c.project_id) & (cluster_rows.c.key == issue_hours.c.cluster_key),
    )
    .where(
        cluster_rows.c.project_id == bindparam("p"),
        cluster_rows.c.issue_key == bindparam("i"),
        issue_hours.c.project_id == bindparam("p"),
        issue_hours.c.hour >= bindparam("since"),
    )
    .group_by(issue_hours.c.hour)
)


async def hours_of_issue(connection: Connection, project_id: str, issue_key: str, *, since_hour: int) -> dict[int, int]:
    """Confirmed sessions of one issue by hour since 1970; hours without any are left out."""
    found = await connection.execute(_HOURS_OF_ISSUE, {"p": project_id, "i": issue_key, "since": since_hour})
    return {row.hour: int(row.s) for row in found}
