"""Issues: counted up as sessions are confirmed, never recounted from all markers."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, and_, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from retrospec.domain.clock import to_epoch_ms
from retrospec.domain.issue import Issue, IssueState
from retrospec.domain.marker import MarkerKind
from retrospec.storage.tables import issue_hours, issue_people, issue_sessions, issues, reports, sessions
from retrospec.storage.upsert import insert_into

HOUR_MS = 3_600_000


class Sighting(msgspec.Struct, kw_only=True):
    """One confirmed session that shows one failure."""

    project_id: str
    cluster_key: str
    session_id: str
    person_key: str
    kind: MarkerKind
    title: str
    symptom: str
    severity: str
    confidence: float
    basis: str
    """``text`` or ``visual``."""
    marker_count: int
    first_observed_at: datetime
    last_observed_at: datetime
    jump_ms: int
    """Where in its replay the failure is."""


class Tally(msgspec.Struct, kw_only=True):
    """An issue's row as counted, promoted or not."""

    issue: Issue
    title: str
    visual_count: int
    promoted_at: datetime | None


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


_ONE = select(issues).where(issues.c.project_id == bindparam("p"), issues.c.key == bindparam("k"))


async def find(connection: AsyncConnection, project_id: str, key: str) -> Tally | None:
    """The tally under ``key``, promoted or not."""
    row = (await connection.execute(_ONE, {"p": project_id, "k": key})).first()
    return None if row is None else to_tally(row)


def to_tally(row: Row[Any]) -> Tally:
    """A row of ``issues`` as its domain object."""
    named = dict(row._mapping)
    title, visual_count, promoted_at = (named.pop(name) for name in ("title", "visual_count", "promoted_at"))
    named["kind"], named["state"] = MarkerKind(named["kind"]), IssueState(named["state"])
    return Tally(issue=Issue(**named), title=title, visual_count=visual_count, promoted_at=promoted_at)


async def count_sighting(
    connection: AsyncConnection,
    sighting: Sighting,
    *,
    combine: Callable[[Tally | None, Sighting], Tally],
) -> Tally:
    """Count a confirmed session towards its issue: once, however often this is called.

    ``combine`` holds the rules (confidence, representative, promotion): it is given the tally so far
    with the new counts already in it and answers what to store.
    """
    is_new_session = await _mark_counted(connection, sighting)
    is_new_person = await _meet_person(connection, sighting)
    if is_new_session:
        await _add_to_hour(connection, sighting)
    old = await find(connection, sighting.project_id, sighting.cluster_key)
    if old is not None:
        old.issue.session_count += is_new_session
        old.issue.user_count += is_new_person
        old.issue.marker_count += sighting.marker_count if is_new_session else 0
        old.visual_count += is_new_session and sighting.basis == "visual"
    tally = combine(old, sighting)
    await _store(connection, tally, is_new=old is None)
    return tally


async def _mark_counted(connection: AsyncConnection, sighting: Sighting) -> bool:
    here = and_(
        issue_sessions.c.project_id == sighting.project_id,
        issue_sessions.c.cluster_key == sighting.cluster_key,
        issue_sessions.c.session_id == sighting.session_id,
    )
    judged = {"confidence": sighting.confidence, "basis": sighting.basis, "jump_ms": sighting.jump_ms}
    statement = insert_into(connection, issue_sessions).values(
        project_id=sighting.project_id,
        cluster_key=sighting.cluster_key,
        session_id=sighting.session_id,
        marker_count=sighting.marker_count,
        first_observed_at=sighting.first_observed_at,
        last_observed_at=sighting.last_observed_at,
        counted=False,
        **judged,
    )
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["project_id", "cluster_key", "session_id"], set_=judged
        )
    )
    counted = await connection.execute(
        update(issue_sessions).where(here, issue_sessions.c.counted.is_(False)).values(counted=True)
    )
    return counted.rowcount == 1


async def _meet_person(connection: AsyncConnection, sighting: Sighting) -> bool:
    added = await connection.execute(
        insert_into(connection, issue_people)
        .values(
            project_id=sighting.project_id,
            cluster_key=sighting.cluster_key,
            person_key=sighting.person_key,
            last_seen_at=sighting.last_observed_at,
        )
        .on_conflict_do_nothing()
    )
    return bool(added.rowcount == 1)


async def _add_to_hour(connection: AsyncConnection, sighting: Sighting) -> None:
    statement = insert_into(connection, issue_hours).values(
        project_id=sighting.project_id,
        cluster_key=sighting.cluster_key,
        hour=to_epoch_ms(sighting.last_observed_at) // HOUR_MS,
        session_count=1,
        marker_count=sighting.marker_count,
    )
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["project_id", "cluster_key", "hour"],
            set_={
                "session_count": issue_hours.c.session_count + 1,
                "marker_count": issue_hours.c.marker_count + statement.excluded.marker_count,
            },
        )
    )


async def _store(connection: AsyncConnection, tally: Tally, *, is_new: bool) -> None:
    values = msgspec.structs.asdict(tally.issue) | {
        "title": tally.title,
        "visual_count": tally.visual_count,
        "promoted_at": tally.promoted_at,
    }
    if is_new:
        await connection.execute(issues.insert().values(**values))
        return
    named = {"p": values.pop("project_id"), "k": values.pop("key")}
    await connection.execute(
        update(issues)
        .where(issues.c.project_id == bindparam("p"), issues.c.key == bindparam("k"))
        .values(**values),
        named,
    )


async def unpromoted(
    connection: AsyncConnection, project_id: str, *, min_sessions: int, min_people: int
) -> list[Tally]:
    """Tallies that reach the thresholds but are not shown yet (the settings may have changed)."""
    found = await connection.execute(
        select(issues).where(
            issues.c.project_id == project_id,
            issues.c.promoted_at.is_(None),
            issues.c.session_count >= min_sessions,
            issues.c.user_count >= min_people,
        )
    )
    return [to_tally(row) for row in found]


async def promote(
    connection: AsyncConnection, project_id: str, keys: Sequence[str], *, now: datetime
) -> None:
    """Show these issues from now on."""
    await connection.execute(
        update(issues)
        .where(issues.c.project_id == project_id, issues.c.key.in_(keys), issues.c.promoted_at.is_(None))
        .values(promoted_at=now, created_at=now)
    )


async def list_promoted(
    connection: AsyncConnection, project_id: str, *, state: IssueState | None, limit: int = 500
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
    connection: AsyncConnection,
    project_id: str,
    key: str,
    *,
    limit: int,
    status: str = "",
    min_confidence: float = 0.0,
) -> list[IssueSession]:
    """Sessions with a marker of this cluster, latest first, whatever their report says unless filtered."""
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
        .where(issue_sessions.c.project_id == project_id, issue_sessions.c.cluster_key == key)
        .order_by(issue_sessions.c.last_observed_at.desc(), issue_sessions.c.session_id)
        .limit(limit)
    )
    if status:
        query = query.where(sessions.c.report_status == status)
    if min_confidence > 0:
        query = query.where(reports.c.confidence >= min_confidence)
    return [
        IssueSession(
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
        for row in await connection.execute(query)
    ]
