"""What detectors and failures were worth: rolled up as sessions are judged and people say so, never recounted."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select, update

from retrospec.storage.database import Connection
from retrospec.storage.tables import cluster_judgements, detector_days, feedback, judged_sessions
from retrospec.storage.upsert import insert_new, upsert

_DAY_COUNTS = ("detected", "discarded", "refuted", "confirmed", "rejected")


class ClusterVerdict(msgspec.Struct):
    """What one session's judgement says of one cluster."""

    kind: str
    title: str
    detector: str
    confirmed: int = 0
    """On screen."""
    refuted: int = 0
    """On screen."""


class SessionVerdict(msgspec.Struct):
    """All that one session's judgement says; a second judgement replaces the first."""

    detectors: dict[str, dict[str, int]] = {}
    """By detector: ``detected``, ``discarded``, ``refuted``, ``confirmed``."""
    clusters: dict[str, ClusterVerdict] = {}


class Judged(msgspec.Struct, kw_only=True):
    """What is known of how real a failure is."""

    cluster_key: str
    kind: str
    title: str
    confirmed: int
    refuted: int
    accepted: int
    rejected: int
    quiet_since: datetime | None
    is_pinned: bool
    """A person said it shall be heard: the rule has no say."""
    changed_by: str


class DetectorCounts(msgspec.Struct, kw_only=True):
    """What came of one detector's suspicions."""

    detector: str
    detected: int
    discarded: int
    """Not borne out by the recording's text."""
    refuted: int
    """Borne out by the text, not by the screen."""
    confirmed: int
    rejected: int
    """Confirmed, and then called wrong by a person."""


async def add_session(
    connection: Connection, project_id: str, session_id: str, verdict: SessionVerdict, *, day: int
) -> list[str]:
    """Add a session's judgement to the counters, replacing its earlier one; the clusters whose counts changed."""
    row = {"project_id": project_id, "session_id": session_id, "day": day, "tallies": msgspec.to_builtins(verdict)}
    is_first = (await connection.execute(insert_new(connection, judged_sessions), row)).rowcount == 1
    old = None if is_first else await _verdict_of(connection, project_id, session_id)
    if old is not None and old[1] == verdict:
        return []
    if old is not None:
        await _add_days(connection, project_id, old[0], old[1], sign=-1)
        await connection.execute(upsert(connection, judged_sessions, replaced=("day", "tallies")), row)
    await _add_days(connection, project_id, day, verdict, sign=1)
    before = old[1].clusters if old else {}
    return await _add_clusters(connection, project_id, before, verdict.clusters)


async def _verdict_of(
    connection: Connection, project_id: str, session_id: str
) -> tuple[int, SessionVerdict] | None:
    found = await connection.execute(
        select(judged_sessions.c.day, judged_sessions.c.tallies).where(
            judged_sessions.c.project_id == project_id, judged_sessions.c.session_id == session_id
        )
    )
    row = found.first()
    return None if row is None else (row.day, msgspec.convert(row.tallies, SessionVerdict))


async def _add_days(
    connection: Connection, project_id: str, day: int, verdict: SessionVerdict, *, sign: int
) -> None:
    rows = [
        {"project_id": project_id, "day": day, "detector": name}
        | {count: sign * counts.get(count, 0) for count in _DAY_COUNTS}
        for name, counts in verdict.detectors.items()
    ]
    if rows:
        await connection.execute(upsert(connection, detector_days, replaced=(), added=_DAY_COUNTS), rows)


async def _add_clusters(
    connection: Connection,
    project_id: str,
    before: Mapping[str, ClusterVerdict],
    after: Mapping[str, ClusterVerdict],
) -> list[str]:
    changed = []
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        counts = {
            name: (getattr(new, name) if new else 0) - (getattr(old, name) if old else 0)
            for name in ("confirmed", "refuted")
        }
        if any(counts.values()):
            told = new or old
            assert told is not None
            await _add_counts(connection, project_id, key, told.kind, told.title, counts)
            changed.append(key)
    return changed


async def _add_counts(
    connection: Connection, project_id: str, key: str, kind: str, title: str, counts: Mapping[str, int]
) -> None:
    names = ("confirmed", "refuted", "accepted", "rejected")
    row = {"project_id": project_id, "cluster_key": key, "kind": kind, "title": title}
    await connection.execute(
        upsert(connection, cluster_judgements, replaced=("title",), added=names),
        row | {name: counts.get(name, 0) for name in names},
    )


async def say(
    connection: Connection,
    project_id: str,
    cluster_key: str,
    session_id: str,
    *,
    author: str,
    is_real: bool,
    kind: str,
    title: str,
    now: datetime,
    day: int,
) -> None:
    """A person's word on a failure, in one session or (empty) as a whole; their later word replaces it."""
    named = {
        "project_id": project_id, "cluster_key": cluster_key, "session_id": session_id, "author": author,
    }  # fmt: skip
    said = await connection.execute(
        insert_new(connection, feedback), named | {"is_real": is_real, "said_at": now}
    )
    if said.rowcount != 1:
        same_author = [feedback.c[name] == value for name, value in named.items()]
        changed = await connection.execute(
            update(feedback)
            .where(*same_author, feedback.c.is_real.is_(not is_real))
            .values(is_real=is_real, said_at=now)
        )
        if changed.rowcount != 1:
            return
    replaces = said.rowcount != 1
    counts = (
        {"accepted": 1, "rejected": -1 * replaces} if is_real else {"rejected": 1, "accepted": -1 * replaces}
    )
    await _add_counts(connection, project_id, cluster_key, kind, title, counts)
    await _blame_detector(connection, project_id, cluster_key, session_id, counts["rejected"], day)


async def _blame_detector(
    connection: Connection, project_id: str, cluster_key: str, session_id: str, rejected: int, day: int
) -> None:
    judged = await _verdict_of(connection, project_id, session_id)
    verdict = judged[1].clusters.get(cluster_key) if judged else None
    if judged is None or verdict is None or not rejected:
        return
    row = {"project_id": project_id, "day": day, "detector": verdict.detector, "rejected": rejected}
    await connection.execute(
        upsert(connection, detector_days, replaced=(), added=_DAY_COUNTS), dict.fromkeys(_DAY_COUNTS, 0) | row
    )


_JUDGED = (
    select(cluster_judgements)
    .where(cluster_judgements.c.project_id == bindparam("p"))
    .order_by(cluster_judgements.c.quiet_since.desc(), cluster_judgements.c.cluster_key)
    .limit(bindparam("most"))
)
_OF_CLUSTERS = _JUDGED.where(cluster_judgements.c.cluster_key.in_(bindparam("keys", expanding=True)))
_QUIET = _JUDGED.where(cluster_judgements.c.quiet_since.is_not(None))


async def judged_of(connection: Connection, project_id: str, keys: Iterable[str]) -> list[Judged]:
    """What is known of these clusters; those never judged are left out."""
    return _read(await connection.execute(_OF_CLUSTERS, {"p": project_id, "keys": list(keys), "most": 1000}))


async def quiet_ones(connection: Connection, project_id: str, *, limit: int = 200) -> list[Judged]:
    """Failures that are quiet now, the latest first."""
    return _read(await connection.execute(_QUIET, {"p": project_id, "most": limit}))


def _read(found: Iterable[Any]) -> list[Judged]:
    names = [name for name in Judged.__struct_fields__ if name != "is_pinned"]
    return [
        Judged(is_pinned=row.loud_at_judged > 0, **{name: row._mapping[name] for name in names})
        for row in found
    ]


async def set_quiet(
    connection: Connection, project_id: str, key: str, *, since: datetime | None, by: str, is_pinned: bool
) -> None:
    """Make a failure quiet, or let it be heard; ``is_pinned`` takes the rule's say away."""
    await connection.execute(
        update(cluster_judgements)
        .where(cluster_judgements.c.project_id == project_id, cluster_judgements.c.cluster_key == key)
        .values(quiet_since=since, changed_by=by, loud_at_judged=int(is_pinned))
    )


async def quiet_among(connection: Connection, project_id: str, keys: Sequence[str]) -> set[str]:
    """Those of ``keys`` that are quiet."""
    return {one.cluster_key for one in await judged_of(connection, project_id, keys) if one.quiet_since}


_DETECTORS = (
    select(detector_days.c.detector, *[func.sum(detector_days.c[name]).label(name) for name in _DAY_COUNTS])
    .where(detector_days.c.project_id == bindparam("p"), detector_days.c.day >= bindparam("day"))
    .group_by(detector_days.c.detector)
    .order_by(func.sum(detector_days.c.detected).desc(), detector_days.c.detector)
)


async def detectors(connection: Connection, project_id: str, *, since_day: int) -> list[DetectorCounts]:
    """What came of each detector's suspicions since a day (days since 1970), busiest first."""
    found = await connection.execute(_DETECTORS, {"p": project_id, "day": since_day})
    return [DetectorCounts(**row._mapping) for row in found]
