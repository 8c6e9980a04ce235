"""How a project is doing, for its Home page: visits, people hit, and what came back. Bounded reads of indexes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select

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
    row = (await connection.execute(PULSE, {"p": project_id, "since": since, "until": until})).one()
    return Pulse(healthy=row.healthy, failed=row.failed, waiting=row.waiting, people_hit=row.people)


_WITHIN = (sessions.c.project_id == bindparam("p")) & (sessions.c.started_at >= bindparam("since")) & (sessions.c.started_at < bindparam("until"))
_WHOM = func.coalesce(func.nullif(sessions.c.user_id, ""), func.nullif(sessions.c.visitor_id, ""), sessions.c.id)
"""The identified user, else the visitor, else the visit."""


def _visits(status: str, counted: Any = None) -> Any:
    """How many visits have a report of that status; read from the index alone."""
    return select(counted if counted is not None else func.count()).where(_WITHIN, sessions.c.report_status == status).scalar_subquery()


PULSE = select(
    _visits(_NO_FAILURE).label("healthy"), _visits(_FAILED).label("failed"), _visits(_WAITING).label("waiting"),
    _visits(_FAILED, func.count(_WHOM.distinct())).label("people"),
)  # fmt: skip


async def came_back(connection: Connection, project_id: str, keys: Sequence[str], *, since: datetime) -> dict[str, str]:
    """Those of these issues that were met again with their fix in place since then, and how, by key."""
    if not keys:
        return {}
    found = await connection.execute(CAME_BACK, {"p": project_id, "keys": list(keys), "since": since})
    return {row.issue_key: row.detail for row in sorted(found, key=lambda row: row.at)}


CAME_BACK = select(issue_activity.c.issue_key, issue_activity.c.detail, issue_activity.c.at).where(
    issue_activity.c.project_id == bindparam("p"),
    issue_activity.c.issue_key.in_(bindparam("keys", expanding=True)),
    issue_activity.c.kind == "regressed",
    issue_activity.c.at >= bindparam("since"),
)
"""By each issue's few lines of activity."""
