"""What the team says of an issue: its state, who looks at it, a note."""

from datetime import datetime

import msgspec
from sqlalchemy import update

from retrospec.domain.issue import IssueState
from retrospec.storage.database import Connection
from retrospec.storage.tables import issues


class Triage(msgspec.Struct, kw_only=True):
    """The new standing of an issue; everything a person may set on it."""

    state: IssueState
    assignee: str
    note: str
    muted_until: datetime | None = None
    """Only with ``muted``; None there is for ever."""


async def set_triage(
    connection: Connection,
    project_id: str,
    key: str,
    triage: Triage,
    *,
    seen_state: IssueState,
    now: datetime,
) -> bool:
    """Change it, provided its state is still the one the person saw; False when someone was faster."""
    changed = await connection.execute(
        update(issues)
        .where(
            issues.c.project_id == project_id,
            issues.c.key == key,
            issues.c.state == seen_state,
            issues.c.promoted_at.is_not(None),
        )
        .values(
            state=triage.state,
            assignee=triage.assignee,
            state_note=triage.note,
            muted_until=triage.muted_until,
            state_updated_at=now,
        )
    )
    return changed.rowcount == 1
