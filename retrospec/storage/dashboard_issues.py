"""What the Issues and Issue pages show. Every list is paged by keyset and rests on an index."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import (
    ARRAY,
    Integer,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    false,
    func,
    or_,
    select,
    type_coerce,
)

from retrospec.domain.issue import Issue, IssueState
from retrospec.storage.clusters import Reach, keys_by_issue, stretches
from retrospec.storage.dashboard import Cursor, past
from retrospec.storage.database import Connection
from retrospec.storage.issue_order import SORTS, SortCursor
from retrospec.storage.issues import latest_of_each, to_tally
from retrospec.storage.search import issues_shown_in
from retrospec.storage.tables import (
    clusters,
    issue_hours,
    issue_sessions,
    issues,
    reports,
    session_moves,
    sessions,
)

FACETS = ("browser", "os", "device", "country", "release", "environment")
"""What an issue's sessions can be narrowed by, beside their tags (``tag:<name>``)."""
TAG = "tag:"


class IssueFilter(msgspec.Struct, kw_only=True, frozen=True):
    """Which issues to list; empty parts don't narrow."""

    states: tuple[IssueState, ...]
    kind: str = ""
    words: tuple[str, ...] = ()
    """All of them in what the issue says of itself."""
    keys: tuple[str, ...] | None = None
    """Those found through their sessions, which need not say the words; None where nothing was searched for."""
    near: tuple[str, ...] | None = None
    """Ids of sessions, one of which must have shown it (SQLite): where no words are asked for it saves naming a thousand keys."""
    site: str = ""


class IssueSessionRow(msgspec.Struct, kw_only=True):
    """A session that showed an issue's failure."""

    session_id: str
    cluster_key: str
    site: str
    route: str
    started_at: datetime
    duration_ms: int
    last_observed_at: datetime
    marker_count: int
    counted: bool
    """Confirmed, so it counts towards the issue."""
    jump_ms: int
    user_id: str
    visitor_id: str
    browser: str
    os: str
    device: str
    country: str
    report_status: str
    confidence: float
    basis: str
    symptom: str


async def list_issues(
    connection: Connection,
    project_id: str,
    wanted: IssueFilter,
    *,
    after: Cursor | SortCursor | None,
    limit: int,
    sort: str = "seen",
) -> list[Issue]:
    """Promoted issues in the order ``sort``, at most ``limit``.

    Each state has its own stretch of the index, so each is read by itself and the heads are merged.
    """
    found: list[Any] = []
    named: dict[str, Any] = {"p": project_id, "most": limit}
    if wanted.near is not None:
        named["near"] = msgspec.json.encode(wanted.near).decode()
    if wanted.keys is not None:
        named["keys"] = msgspec.json.encode(wanted.keys).decode() if connection.dialect.name == "sqlite" else list(wanted.keys)
    query = issues_query(wanted, after=after, sort=sort, dialect=connection.dialect.name)
    # some named ones are looked up by their names, all states at once
    is_named = wanted.near is not None or (wanted.keys is not None and not wanted.words)
    stretches = [wanted.states] if is_named else [(state,) for state in wanted.states]
    for states in stretches:
        found += await connection.execute(query, named | {"states": list(states)})
    found.sort(key=lambda row: row.key)
    found.sort(key=lambda row: getattr(row, SORTS[sort]), reverse=True)
    return [to_tally(row).issue for row in found[:limit]]


@cache
def _in_order(column: Any) -> Select[Any]:
    return (
        select(issues)
        .where(issues.c.project_id == bindparam("p"), issues.c.state.in_(bindparam("states", expanding=True)), issues.c.promoted_at.is_not(None))
        .order_by(column.desc(), issues.c.key)
        .limit(bindparam("most"))
    )


def issues_query(wanted: IssueFilter, *, after: Cursor | SortCursor | None, sort: str = "seen", dialect: str) -> Select[Any]:
    """At most ``most`` issues in ``states`` of the project ``p``, and where it is narrowed to some of them, among ``keys``."""
    column = issues.c[SORTS[sort]]
    query = _in_order(column)
    if after is not None:
        query = query.where(past(after, column, issues.c.key, names_fall=False))
    if wanted.kind:
        query = query.where(issues.c.kind == wanted.kind)
    if wanted.near is not None:
        query = query.where(issues.c.key.in_(issues_shown_in(func.json_each(bindparam("near")).table_valued("value"))))
    if wanted.keys is not None:
        query = query.where(or_(_ONE_OF[dialect], and_(*map(_says, wanted.words)) if wanted.words else false()))
    if wanted.site:
        query = query.where(_seen_on(wanted.site))
    return query


_ONE_OF: dict[str, Any] = {
    "sqlite": issues.c.key.in_(select(func.json_each(bindparam("keys")).table_valued("value").c.value)),
    "postgresql": issues.c.key == any_(bindparam("keys", type_=ARRAY(Text()))),
}
"""One value however many keys there are: a statement with a thousand places took 2 ms to write and to read, for each state."""


def _says(word: str) -> Any:
    said = (issues.c.symptom, issues.c.title, issues.c.assignee)
    return or_(*(column.icontains(word, autoescape=True) for column in said))


def _seen_on(site: str) -> Any:
    return (
        select(issue_sessions.c.session_id)
        .select_from(clusters.join(issue_sessions, _its_cluster()).join(sessions, _its_session()))
        .where(
            clusters.c.project_id == issues.c.project_id,
            clusters.c.issue_key == issues.c.key,
            sessions.c.site == site,
        )
        .exists()
    )


def _its_cluster() -> Any:
    return and_(
        issue_sessions.c.project_id == clusters.c.project_id, issue_sessions.c.cluster_key == clusters.c.key
    )


def _its_session() -> Any:
    return and_(
        sessions.c.project_id == issue_sessions.c.project_id, sessions.c.id == issue_sessions.c.session_id
    )


_BY_STATE = (
    select(issues.c.state, func.count()).where(issues.c.project_id == bindparam("p"), issues.c.promoted_at.is_not(None)).group_by(issues.c.state)
)


async def count_by_state(connection: Connection, project_id: str) -> dict[str, int]:
    """How many promoted issues stand in each state."""
    found = await connection.execute(_BY_STATE, {"p": project_id})
    return {row[0]: row[1] for row in found}


async def trends(
    connection: Connection, project_id: str, keys: Sequence[str], *, since_hour: int, step_hours: int = 1
) -> dict[str, dict[int, int]]:
    """Confirmed sessions by key and hour (hours since 1970); hours without any are left out.

    Counted from ``since_hour`` on in steps of so many hours, each named by its first: what a chart divides its span by.
    """
    by_key: dict[str, dict[int, int]] = {key: {} for key in keys}
    inside = await keys_by_issue(connection, project_id, keys)
    issue_of = {cluster: key for key, found in inside.items() for cluster in found}
    found = await connection.execute(TRENDS, {"p": project_id, "keys": list(issue_of), "since": since_hour, "step": step_hours})
    for cluster_key, step, count in found:
        hours, hour = by_key[issue_of[cluster_key]], since_hour + step * step_hours
        hours[hour] = hours.get(hour, 0) + int(count)
    return by_key


_STEP = ((issue_hours.c.hour - bindparam("since")) // bindparam("step", type_=Integer)).label("step")
TRENDS = (
    select(issue_hours.c.cluster_key, _STEP, func.sum(issue_hours.c.session_count))
    .where(
        issue_hours.c.project_id == bindparam("p"),
        issue_hours.c.cluster_key.in_(bindparam("keys", expanding=True)),
        issue_hours.c.hour >= bindparam("since"),
    )
    .group_by(issue_hours.c.cluster_key, _STEP)
)
"""Steps of hours of these clusters."""


_PLACES = select(sessions.c.id, sessions.c.site, sessions.c.route).where(
    sessions.c.project_id == bindparam("p"), sessions.c.id.in_(bindparam("names", expanding=True))
)


async def places(
    connection: Connection, project_id: str, session_ids: Sequence[str]
) -> dict[str, tuple[str, str]]:
    """Site and route by session id, for sessions that are still kept."""
    found = await connection.execute(_PLACES, {"p": project_id, "names": list(session_ids)})
    return {row.id: (row.site, row.route) for row in found}


async def list_issue_sessions(
    connection: Connection,
    project_id: str,
    reach: Reach,
    *,
    status: str,
    min_confidence: float,
    after: Cursor | None,
    limit: int,
    facet: tuple[str, str] | None = None,
) -> list[IssueSessionRow]:
    """Sessions with a marker of the issue that has this reach, latest first; ``status`` empty is any."""
    query = issue_sessions_query(
        project_id, status=status, min_confidence=min_confidence, after=after, limit=limit, facet=facet
    )
    found = [
        _to_issue_session(row)
        for stretch in stretches(reach)
        for row in await connection.execute(query.where(stretch))
    ]
    return latest_of_each(found)[:limit]


def issue_sessions_query(
    project_id: str,
    *,
    status: str,
    min_confidence: float,
    after: Cursor | None,
    limit: int,
    facet: tuple[str, str] | None = None,
) -> Select[Any]:
    """The sessions of issues, with what their reports say; to be narrowed to a cluster.

    ``facet`` is one of ``FACETS`` or a tag, and its value.
    """
    seen_at, session_id = issue_sessions.c.last_observed_at, issue_sessions.c.session_id
    query = (
        select(
            issue_sessions,
            *[sessions.c[name] for name in ("site", "route", "started_at", "duration_ms", "report_status")],
            *[sessions.c[name] for name in ("visitor_id", "user_id", "browser", "os", "device", "country")],
            reports.c.confidence.label("report_confidence"),
            reports.c.basis.label("report_basis"),
            reports.c.symptom,
        )
        .join(sessions, _its_session())
        .outerjoin(
            reports,
            and_(reports.c.project_id == issue_sessions.c.project_id, reports.c.session_id == session_id),
        )
        .where(issue_sessions.c.project_id == project_id)
        .order_by(seen_at.desc(), session_id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(past(after, seen_at, session_id, names_fall=True))
    if status:
        query = query.where(sessions.c.report_status == status)
    if min_confidence > 0:
        query = query.where(reports.c.confidence >= min_confidence)
    if facet is not None:
        query = query.where(_of_facet(*facet))
    return query


def narrows(facet: str) -> bool:
    """Whether sessions can be narrowed by it."""
    return facet in FACETS or (facet.startswith(TAG) and len(facet) > len(TAG))


def _of_facet(facet: str, value: str) -> Any:
    if facet in FACETS:
        return sessions.c[facet] == value
    # The tag as it stands in the column's JSON text, where no value can imitate it: quotes within are escaped.
    written = msgspec.json.encode({facet.removeprefix(TAG): value}).decode()[1:-1]
    tags = type_coerce(sessions.c.tags, Text)
    return func.replace(tags, written, "") != tags


def _to_issue_session(row: Any) -> IssueSessionRow:
    return IssueSessionRow(
        session_id=row.session_id,
        cluster_key=row.cluster_key,
        site=row.site,
        route=row.route,
        started_at=row.started_at,
        duration_ms=row.duration_ms,
        last_observed_at=row.last_observed_at,
        marker_count=row.marker_count,
        counted=row.counted,
        jump_ms=row.jump_ms,
        user_id=row.user_id,
        visitor_id=row.visitor_id,
        browser=row.browser,
        os=row.os,
        device=row.device,
        country=row.country,
        report_status=row.report_status,
        confidence=row.report_confidence or 0.0,
        basis=row.report_basis or "",
        symptom=row.symptom or "",
    )


async def jump_of(connection: Connection, project_id: str, reach: Reach, session_id: str) -> int | None:
    """Where in that session's replay the failure of the issue with this reach is; None when the two don't belong together."""
    keys = [*reach.keys, *(cluster for cluster, name in reach.come if name == session_id)]
    jump: int | None = await connection.scalar(_JUMP, {"p": project_id, "s": session_id, "keys": keys})
    return jump


_JUMP = select(func.min(issue_sessions.c.jump_ms)).where(
    issue_sessions.c.project_id == bindparam("p"),
    issue_sessions.c.cluster_key.in_(bindparam("keys", expanding=True)),
    issue_sessions.c.session_id == bindparam("s"),
)


async def issues_of_session(connection: Connection, project_id: str, session_id: str) -> list[Issue]:
    """Promoted issues this session shows."""
    found = await connection.execute(ISSUES_OF_SESSION, {"p": project_id, "s": session_id})
    return list({row.key: to_tally(row).issue for row in found}.values())


def _issues_of_session() -> Select[Any]:
    moved = session_moves.alias("moved")
    return (
        select(issues)
        .select_from(
            issue_sessions.outerjoin(
                moved,
                and_(
                    moved.c.project_id == issue_sessions.c.project_id,
                    moved.c.session_id == issue_sessions.c.session_id,
                    moved.c.from_cluster == issue_sessions.c.cluster_key,
                ),
            )
            .join(
                clusters,
                and_(
                    clusters.c.project_id == issue_sessions.c.project_id,
                    clusters.c.key == func.coalesce(moved.c.to_cluster, issue_sessions.c.cluster_key),
                ),
            )
            .join(
                issues,
                and_(issues.c.project_id == clusters.c.project_id, issues.c.key == clusters.c.issue_key),
            )
        )
        .where(
            issue_sessions.c.project_id == bindparam("p"),
            issue_sessions.c.session_id == bindparam("s"),
            issues.c.promoted_at.is_not(None),
        )
    )


ISSUES_OF_SESSION = _issues_of_session()
"""By the session's few clusters, then each issue by its name."""
