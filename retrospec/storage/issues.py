"""Issues: counted up as sessions are confirmed, never recounted from all markers."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec
from sqlalchemy import Row, and_, bindparam, exists, select, update

from retrospec.domain.clock import to_epoch_ms
from retrospec.domain.issue import Issue, IssueState
from retrospec.domain.marker import MarkerKind
from retrospec.storage import clusters
from retrospec.storage.database import Connection
from retrospec.storage.tables import (
    cluster_judgements,
    cluster_symptoms,
    issue_hours,
    issue_people,
    issue_sessions,
    issues,
    reports,
    sessions,
)
from retrospec.storage.tallies import HOUR_MS, Change, Sighting, Symptom, Tally
from retrospec.storage.upsert import insert_new, upsert

__all__ = ["HOUR_MS", "Change", "IssueSession", "Sighting", "Symptom", "Tally"]


class IssueSession(msgspec.Struct, kw_only=True, rename="camel"):
    """A session as listed under an issue (wire v1)."""

    session_id: str
    project_id: str
    site: str
    route: str
    started_at: datetime
    duration_ms: int
    last_observed_at: datetime
    marker_count: int
    report_status: str
    report_confidence: float
    report_symptom: str


_BESIDE_THE_ISSUE = (
    "title",
    "visual_count",
    "promoted_at",
    "representative_confidence",
    "representative_at",
)
_ONE = select(issues).where(issues.c.project_id == bindparam("p"), issues.c.key == bindparam("k"))
_ONE_LOCKED = _ONE.with_for_update()
"""On Postgres two workers may count towards one issue; SQLite has one writer and leaves the lock out."""
_SIGHTED = (
    "project_id",
    "cluster_key",
    "session_id",
    "marker_count",
    "first_observed_at",
    "last_observed_at",
)
_COUNT_ONCE = (
    update(issue_sessions)
    .where(
        issue_sessions.c.project_id == bindparam("p"),
        issue_sessions.c.cluster_key == bindparam("k"),
        issue_sessions.c.session_id == bindparam("s"),
        issue_sessions.c.counted.is_(False),
    )
    .values(counted=True)
)
_ADD_ISSUE = issues.insert()
_STORE_ISSUE = (
    update(issues)
    .where(issues.c.project_id == bindparam("new_project_id"), issues.c.key == bindparam("new_key"))
    .values({c.name: bindparam(f"new_{c.name}") for c in issues.c if not c.primary_key})
)


async def find(connection: Connection, project_id: str, key: str) -> Tally | None:
    """The tally of the issue ``key`` names, promoted or not: its own key, or that of any cluster in it."""
    if tally := await exact(connection, project_id, key):
        return tally
    home = await clusters.home_of(connection, project_id, key)
    return None if home in ("", key) else await exact(connection, project_id, home)


async def exact(connection: Connection, project_id: str, key: str) -> Tally | None:
    """The tally of the issue whose own key is ``key``."""
    row = (await connection.execute(_ONE, {"p": project_id, "k": key})).first()
    return None if row is None else to_tally(row)


def to_tally(row: Row[Any]) -> Tally:
    """A row of ``issues`` as its domain object."""
    named = dict(row._mapping)
    beside = {name: named.pop(name) for name in _BESIDE_THE_ISSUE}
    named["kind"], named["state"] = MarkerKind(named["kind"]), IssueState(named["state"])
    return Tally(issue=Issue(**named), **beside)


async def count_sighting(
    connection: Connection,
    sighting: Sighting,
    *,
    combine: Callable[[Tally | None, Sighting], Tally],
) -> Change:
    """Count a confirmed session towards its cluster and that cluster's issue: once, however often this is called.

    ``combine`` holds the rules (confidence, representative, promotion): it is given a tally so far
    with the new counts already in it and answers what to store. The work doesn't grow with the issue.
    """
    is_new_session = await _mark_counted(connection, sighting)
    is_new_person = is_new_in_cluster = await _meet_person(connection, sighting)
    if is_new_session:
        await _add_to_hour(connection, sighting)
        await _add_symptoms(connection, sighting)
    place = await clusters.place_of(connection, sighting)
    sighting.is_quiet = place.is_quiet
    own = _with_counts(place.tally, sighting, is_new_session, sessions=is_new_session, people=is_new_person)
    await clusters.store(connection, combine(own, sighting), sighting, place)
    if place.has_others:
        is_new_person = is_new_person and not await clusters.knows_person(connection, sighting, place)
        counts_session = is_new_session and not await clusters.knows_session(connection, sighting, place)
    else:
        counts_session = is_new_session
    old = await _locked(connection, sighting.project_id, place.issue_key)
    before, was_promoted = _as_it_was(old)
    grown = _with_counts(old, sighting, is_new_session, sessions=counts_session, people=is_new_person)
    tally = combine(grown, sighting)
    tally.issue.key = place.issue_key
    await put(connection, tally, is_new=old is None)
    return Change(
        before=before,
        after=tally,
        is_new_session=is_new_session,
        promoted_now=tally.promoted_at is not None and not was_promoted,
        is_new_person=is_new_in_cluster,
    )


def _as_it_was(old: Tally | None) -> tuple[Issue | None, bool]:
    if old is None:
        return None, False
    return msgspec.structs.replace(old.issue), old.promoted_at is not None


def _with_counts(
    old: Tally | None, sighting: Sighting, is_new: bool, *, sessions: bool, people: bool
) -> Tally | None:
    """``old`` with what is new in it. Markers and looks add up over an issue's clusters, sessions and people don't."""
    if old is not None:
        old.issue.session_count += sessions
        old.issue.user_count += people
        old.issue.marker_count += sighting.marker_count if is_new else 0
        old.visual_count += is_new and sighting.basis == "visual"
    return old


async def _locked(connection: Connection, project_id: str, key: str) -> Tally | None:
    row = (await connection.execute(_ONE_LOCKED, {"p": project_id, "k": key})).first()
    return None if row is None else to_tally(row)


async def _mark_counted(connection: Connection, sighting: Sighting) -> bool:
    shown = ("confidence", "basis", "jump_ms")
    row = {name: getattr(sighting, name) for name in (*_SIGHTED, *shown)} | {"counted": False}
    await connection.execute(upsert(connection, issue_sessions, replaced=shown), row)
    named = {"p": sighting.project_id, "k": sighting.cluster_key, "s": sighting.session_id}
    return (await connection.execute(_COUNT_ONCE, named)).rowcount == 1


async def _meet_person(connection: Connection, sighting: Sighting) -> bool:
    person = {
        "project_id": sighting.project_id,
        "cluster_key": sighting.cluster_key,
        "person_key": sighting.person_key,
        "last_seen_at": sighting.last_observed_at,
    }
    return (await connection.execute(insert_new(connection, issue_people), person)).rowcount == 1


async def _add_to_hour(connection: Connection, sighting: Sighting) -> None:
    await connection.execute(
        upsert(connection, issue_hours, replaced=(), added=("session_count", "marker_count")),
        {
            "project_id": sighting.project_id,
            "cluster_key": sighting.cluster_key,
            "hour": to_epoch_ms(sighting.last_observed_at) // HOUR_MS,
            "session_count": 1,
            "marker_count": sighting.marker_count,
        },
    )


async def _add_symptoms(connection: Connection, sighting: Sighting) -> None:
    if not sighting.symptoms:
        return
    rows = {
        one.key: {
            "project_id": sighting.project_id,
            "cluster_key": sighting.cluster_key,
            "symptom_key": one.key,
            "kind": one.kind,
            "title": one.title,
            "session_count": 1,
        }
        for one in sighting.symptoms
    }
    await connection.execute(
        upsert(connection, cluster_symptoms, replaced=("title",), added=("session_count",)),
        list(rows.values()),
    )


async def put(connection: Connection, tally: Tally, *, is_new: bool) -> None:
    """Store an issue's row."""
    values = msgspec.structs.asdict(tally.issue)
    values |= {name: getattr(tally, name) for name in _BESIDE_THE_ISSUE}
    if is_new:
        await connection.execute(_ADD_ISSUE, values)
        return
    await connection.execute(_STORE_ISSUE, {f"new_{name}": value for name, value in values.items()})


async def unpromoted(
    connection: Connection, project_id: str, *, min_sessions: int, min_people: int
) -> list[Tally]:
    """Tallies that reach the thresholds but are not shown yet (the settings may have changed); no quiet ones."""
    found = await connection.execute(
        select(issues).where(
            issues.c.project_id == project_id,
            issues.c.promoted_at.is_(None),
            issues.c.session_count >= min_sessions,
            issues.c.user_count >= min_people,
            ~exists().where(
                cluster_judgements.c.project_id == issues.c.project_id,
                cluster_judgements.c.cluster_key == issues.c.key,
                cluster_judgements.c.quiet_since.is_not(None),
            ),
        )
    )
    return [to_tally(row) for row in found]


async def promote(connection: Connection, project_id: str, keys: Sequence[str], *, now: datetime) -> None:
    """Show these issues from now on."""
    await connection.execute(
        update(issues)
        .where(issues.c.project_id == project_id, issues.c.key.in_(keys), issues.c.promoted_at.is_(None))
        .values(promoted_at=now, created_at=now)
    )


async def list_promoted(
    connection: Connection, project_id: str, *, state: IssueState | None, limit: int = 500
) -> list[Tally]:
    """Shown issues, latest seen first."""
    query = (
        select(issues)
        .where(issues.c.project_id == project_id, issues.c.promoted_at.is_not(None))
        .order_by(issues.c.last_seen_at.desc(), issues.c.key)
        .limit(limit)
    )
    if state is not None:
        query = query.where(issues.c.state == state)
    return [to_tally(row) for row in await connection.execute(query)]


async def sessions_of(
    connection: Connection,
    project_id: str,
    key: str,
    *,
    limit: int,
    status: str = "",
    min_confidence: float = 0.0,
) -> list[IssueSession]:
    """Sessions with a marker of this issue, latest first, whatever their report says unless filtered.

    ``key`` is the issue's own or that of any cluster in it.
    """
    reach = await clusters.reach_of(connection, project_id, key)
    query = (
        select(
            issue_sessions.c.session_id,
            issue_sessions.c.project_id,
            sessions.c.site,
            sessions.c.route,
            sessions.c.started_at,
            sessions.c.duration_ms,
            issue_sessions.c.last_observed_at,
            issue_sessions.c.marker_count,
            sessions.c.report_status,
            reports.c.confidence,
            reports.c.symptom,
        )
        .join(
            sessions,
            and_(
                sessions.c.project_id == issue_sessions.c.project_id,
                sessions.c.id == issue_sessions.c.session_id,
            ),
        )
        .outerjoin(
            reports,
            and_(
                reports.c.project_id == issue_sessions.c.project_id,
                reports.c.session_id == issue_sessions.c.session_id,
            ),
        )
        .where(issue_sessions.c.project_id == project_id)
        .order_by(issue_sessions.c.last_observed_at.desc(), issue_sessions.c.session_id.desc())
        .limit(limit)
    )
    if status:
        query = query.where(sessions.c.report_status == status)
    if min_confidence > 0:
        query = query.where(reports.c.confidence >= min_confidence)
    found = [
        _to_session(row)
        for stretch in clusters.stretches(reach)
        for row in await connection.execute(query.where(stretch))
    ]
    return latest_of_each(found)[:limit]


def _to_session(row: Row[Any]) -> IssueSession:
    return IssueSession(
        session_id=row.session_id,
        project_id=row.project_id,
        site=row.site,
        route=row.route,
        started_at=row.started_at,
        duration_ms=row.duration_ms,
        last_observed_at=row.last_observed_at,
        marker_count=row.marker_count,
        report_status=row.report_status,
        report_confidence=row.confidence or 0.0,
        report_symptom=row.symptom or "",
    )


class _Listed(Protocol):
    session_id: str
    last_observed_at: datetime


L = TypeVar("L", bound=_Listed)


def latest_of_each(found: Iterable[L]) -> list[L]:
    """Sessions of several clusters, latest first, each once."""
    ranked = sorted(found, key=lambda one: (one.last_observed_at, one.session_id), reverse=True)
    first: dict[str, L] = {}
    for one in ranked:
        first.setdefault(one.session_id, one)
    return list(first.values())
