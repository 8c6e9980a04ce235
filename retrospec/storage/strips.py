"""Filmstrips of issues: a small copy of its best session's pictures that outlives that session."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import String, bindparam, or_, select, tuple_, update

from retrospec.domain.clock import to_epoch_ms
from retrospec.domain.visual import Frame, Strip
from retrospec.storage.database import Connection
from retrospec.storage.tables import issue_strips, issues, reports, sessions
from retrospec.storage.upsert import upsert

BEFORE_ALL = datetime.fromtimestamp(0, UTC)
Row = tuple[str, str, str]
"""``(project_id, cluster_key, session_id)``."""


_OF_ISSUES = select(issue_strips).where(
    issue_strips.c.project_id == bindparam("p"), issue_strips.c.cluster_key.in_(bindparam("keys", expanding=True)), issue_strips.c.frames != []
)


async def of_issues(connection: Connection, project_id: str, keys: Sequence[str]) -> dict[str, Strip]:
    """The strips of these issues by key; those without any picture are left out."""
    found = await connection.execute(_OF_ISSUES, {"p": project_id, "keys": list(keys)})
    return {row.cluster_key: _to_strip(row) for row in found}


async def save(
    connection: Connection, project_id: str, key: str, strip: Strip, *, now: datetime
) -> Strip | None:
    """Replace an issue's strip, if its session still represents the issue; the strip before, else None."""
    named = issues.c.project_id == project_id, issues.c.key == key
    best = await connection.scalar(select(issues.c.representative_session_id).where(*named))
    if best != strip.session_id:
        return None
    before = (
        await connection.execute(
            select(issue_strips).where(
                issue_strips.c.project_id == project_id, issue_strips.c.cluster_key == key
            )
        )
    ).first()
    values: dict[str, Any] = {
        "project_id": project_id,
        "cluster_key": key,
        "session_id": strip.session_id,
        "verdict": strip.verdict,
        "sentence": strip.sentence,
        "frames": msgspec.to_builtins(strip.frames),
        "made_at": now,
    }
    replaced = ("session_id", "verdict", "sentence", "frames", "made_at")
    await connection.execute(upsert(connection, issue_strips, replaced=replaced), values)
    return _to_strip(before) if before is not None else Strip(session_id=strip.session_id)


async def missing(connection: Connection, *, after: tuple[str, str]) -> tuple[list[Row], tuple[str, str] | None]:
    """Shown issues whose strip is not of their best session as last judged, that session being kept.

    Of a slice of the issues: those past ``after`` (project and key; two empty ones to begin). And where the next
    slice begins; None past the last.
    """
    edge = (await connection.execute(_EDGE, {"project": after[0], "key": after[1]})).first()
    until = (edge.project_id, edge.key) if edge is not None else None
    named = {"project": after[0], "key": after[1]} | ({"last_project": until[0], "last_key": until[1]} if until else {})
    found = await connection.execute(_MISSING_UNTIL if until else _MISSING, named)
    return [(row[0], row[1], row[2]) for row in found], until


SLICE = 500
_PLACE = tuple_(issues.c.project_id, issues.c.key)
_PAST = tuple_(bindparam("project", type_=String), bindparam("key", type_=String)) < _PLACE
_EDGE = select(issues.c.project_id, issues.c.key).where(_PAST).order_by(issues.c.project_id, issues.c.key).offset(SLICE - 1).limit(1)
_MISSING = (
    select(issues.c.project_id, issues.c.key, issues.c.representative_session_id)
    .join(sessions, (sessions.c.project_id == issues.c.project_id) & (sessions.c.id == issues.c.representative_session_id))
    .join(reports, (reports.c.project_id == sessions.c.project_id) & (reports.c.session_id == sessions.c.id))
    .outerjoin(issue_strips, (issue_strips.c.project_id == issues.c.project_id) & (issue_strips.c.cluster_key == issues.c.key))
    .where(
        _PAST,
        issues.c.promoted_at.is_not(None),
        sessions.c.stage == "done",
        or_(
            issue_strips.c.session_id.is_(None),
            issue_strips.c.session_id != issues.c.representative_session_id,
            issue_strips.c.made_at < reports.c.updated_at,
        ),
    )
)
_MISSING_UNTIL = _MISSING.where(tuple_(bindparam("last_project", type_=String), bindparam("last_key", type_=String)) >= _PLACE)


async def redraw(connection: Connection, project_id: str, keys: Sequence[str]) -> None:
    """What these issues hold has changed: their strips are to be drawn anew, and shown until then."""
    ours = issue_strips.c.project_id == project_id, issue_strips.c.cluster_key.in_(keys)
    await connection.execute(update(issue_strips).where(*ours).values(made_at=BEFORE_ALL))


def _to_strip(row: Any) -> Strip:
    return Strip(
        session_id=row.session_id,
        verdict=row.verdict,
        sentence=row.sentence,
        frames=msgspec.convert(row.frames, list[Frame]),
        made_ms=to_epoch_ms(row.made_at),
    )
