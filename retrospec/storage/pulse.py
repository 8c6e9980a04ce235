"""How a project is doing, for its Home page: visits, people hit, and what came back. Bounded reads of indexes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, func, select

from retrospec.storage.database import Connection
from retrospec.storage.tables import issue_activity, sessions

_NO_FAILURE, _FAILED, _WAITING = "discarded", "ready", "pending"


class Pulse(msgspec.Struct, kw_only=True):
    """Visits that began within a stretch of time."""

    healthy: int
    """Judged, and nothing stood."""
    failed: int
    waiting: int
    people_hit: int
    """Distinct people among the failed."""

    @property
    def judged(self) -> int:
        """Visits that were read to the end."""
        return self.healthy + self.failed

    @property
    def healthy_share(self) -> float | None:
        """0…1; None where nothing was judged."""
        return self.healthy / self.judged if self.judged else None


async def pulse(connection: Connection, project_id: str, *, since: datetime, until: datetime) -> Pulse:
    """Of the visits begun from ``since`` up to ``until``."""
    counts = {
        status: await connection.scalar(visits_query(project_id, status, since=since, until=until)) or 0
        for status in (_NO_FAILURE, _FAILED, _WAITING)
    }
    people = await connection.scalar(people_query(project_id, since=since, until=until)) or 0
    return Pulse(healthy=counts[_NO_FAILURE], failed=counts[_FAILED], waiting=counts[_WAITING], people_hit=people)


def visits_query(project_id: str, status: str, *, since: datetime, until: datetime) -> Select[Any]:
    """How many visits have a report of that status; read from the index alone."""
    return select(func.count()).where(
        sessions.c.project_id == project_id,
        sessions.c.report_status == status,
        sessions.c.started_at >= since,
        sessions.c.started_at < until,
    )


def people_query(project_id: str, *, since: datetime, until: datetime) -> Select[Any]:
    """Distinct people of the failed visits: the identified user, else the visitor, else the visit."""
    whom = func.coalesce(func.nullif(sessions.c.user_id, ""), func.nullif(sessions.c.visitor_id, ""), sessions.c.id)
    return select(func.count(whom.distinct())).where(
        sessions.c.project_id == project_id,
        sessions.c.report_status == _FAILED,
        sessions.c.started_at >= since,
        sessions.c.started_at < until,
    )


async def came_back(connection: Connection, project_id: str, keys: Sequence[str], *, since: datetime) -> dict[str, str]:
    """Those of these issues that were met again with their fix in place since then, and how, by key."""
    if not keys:
        return {}
    found = await connection.execute(came_back_query(project_id, keys, since=since))
    return {row.issue_key: row.detail for row in sorted(found, key=lambda row: row.at)}


def came_back_query(project_id: str, keys: Sequence[str], *, since: datetime) -> Select[Any]:
    """By each issue's few lines of activity."""
    return select(issue_activity.c.issue_key, issue_activity.c.detail, issue_activity.c.at).where(
        issue_activity.c.project_id == project_id,
        issue_activity.c.issue_key.in_(list(keys)),
        issue_activity.c.kind == "regressed",
        issue_activity.c.at >= since,
    )
