"""What the team says of an issue: its state, who looks at it, a note; one at a time or many."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select, update

from retrospec.domain.issue import IssueState
from retrospec.domain.workflow import FixIn
from retrospec.storage import activity, work
from retrospec.storage.database import Connection
from retrospec.storage.tables import issues


class Triage(msgspec.Struct, kw_only=True):
    """The new standing of an issue; everything a person may set on it."""

    state: IssueState
    assignee: str
    note: str
    muted_until: datetime | None = None
    """Only with ``muted``; None there is for ever, unless a count or a rate ends it."""
    mute_more_sessions: int | None = None
    mute_per_hour: int | None = None
    fix_in: FixIn = FixIn.NOW
    """Only with ``resolved``."""
    fix_release: str = ""


async def set_triage(
    connection: Connection,
    project_id: str,
    key: str,
    triage: Triage,
    *,
    seen_state: IssueState,
    now: datetime,
    author: str = "",
) -> bool:
    """Change it, provided its state is still the one the person saw; False when someone was faster."""
    old = (
        await connection.execute(
            select(issues.c.state, issues.c.assignee, issues.c.state_note, issues.c.session_count).where(
                issues.c.project_id == project_id, issues.c.key == key, issues.c.promoted_at.is_not(None)
            )
        )
    ).first()
    if old is None or not await _swap(connection, project_id, key, triage, seen_state, now):
        return False
    if triage.state != old.state:
        await _enter_state(connection, project_id, key, triage, old.session_count, now)
        await activity.note(connection, project_id, key, "state", state_words(triage), author=author, now=now)
    if triage.assignee != old.assignee:
        await activity.note(connection, project_id, key, "assignee", triage.assignee, author=author, now=now)
    if triage.note != old.state_note:
        await activity.note(connection, project_id, key, "note", triage.note, author=author, now=now)
    return True


async def _swap(
    connection: Connection, project_id: str, key: str, triage: Triage, seen_state: IssueState, now: datetime
) -> bool:
    values: dict[str, Any] = {"assignee": triage.assignee, "state_note": triage.note}
    if triage.state != seen_state:
        values |= {"state": triage.state, "muted_until": triage.muted_until, "state_updated_at": now}
    changed = await connection.execute(
        update(issues)
        .where(
            issues.c.project_id == project_id,
            issues.c.key == key,
            issues.c.state == seen_state,
            issues.c.promoted_at.is_not(None),
        )
        .values(**values)
    )
    return changed.rowcount == 1


async def _enter_state(
    connection: Connection, project_id: str, key: str, triage: Triage, session_count: int, now: datetime
) -> None:
    """What the new state brings with it, and the end of what the old one had."""
    is_resolved, is_muted = triage.state is IssueState.RESOLVED, triage.state is IssueState.MUTED
    more = triage.mute_more_sessions if is_muted else None
    await work.change(
        connection,
        project_id,
        key,
        fix_in=triage.fix_in if is_resolved else "",
        fix_release=triage.fix_release if is_resolved else "",
        resolved_at=now if is_resolved else None,
        verified_at=None,
        clean_count=0,
        mute_total=session_count + more if more else None,
        mute_per_hour=triage.mute_per_hour if is_muted else None,
    )


def state_words(triage: Triage) -> str:
    """The new state as its log says it: ``resolved in 2.4.1``, ``muted for 20 more sessions``."""
    if triage.state is IssueState.RESOLVED and triage.fix_in is not FixIn.NOW:
        return f"resolved in {triage.fix_release or 'the next release'}"
    if triage.state is IssueState.MUTED:
        return f"muted {_mute_words(triage)}".strip()
    return str(triage.state)


def _mute_words(triage: Triage) -> str:
    if triage.mute_more_sessions:
        return f"for {triage.mute_more_sessions} more sessions"
    if triage.mute_per_hour:
        return f"below {triage.mute_per_hour} sessions an hour"
    if triage.muted_until is not None:
        return f"until {triage.muted_until.day} {triage.muted_until:%b %Y}"
    return ""


async def set_many(
    connection: Connection,
    project_id: str,
    keys: Sequence[str],
    *,
    state: IssueState | None,
    assignee: str | None,
    fix_in: FixIn,
    muted_until: datetime | None,
    now: datetime,
    author: str,
) -> int:
    """Change what is given on every shown issue of ``keys``; how many there were."""
    found = await connection.execute(
        select(issues.c.key, issues.c.state, issues.c.assignee, issues.c.state_note).where(
            issues.c.project_id == project_id, issues.c.key.in_(list(keys)), issues.c.promoted_at.is_not(None)
        )
    )
    count = 0
    for row in found.all():
        triage = Triage(
            state=state or IssueState(row.state),
            assignee=row.assignee if assignee is None else assignee,
            note=row.state_note,
            muted_until=muted_until,
            fix_in=fix_in,
        )
        seen = IssueState(row.state)
        count += await set_triage(
            connection, project_id, row.key, triage, seen_state=seen, now=now, author=author
        )
    return count


async def reopen(connection: Connection, project_id: str, key: str, *, was: IssueState, now: datetime) -> bool:
    """Back to active by itself; False when it no longer stood at ``was``."""
    changed = await connection.execute(
        update(issues)
        .where(issues.c.project_id == project_id, issues.c.key == key, issues.c.state == was)
        .values(state=IssueState.ACTIVE, muted_until=None, state_updated_at=now)
    )
    if not changed.rowcount:
        return False
    cleared = {"fix_in": "", "fix_release": "", "resolved_at": None, "verified_at": None, "clean_count": 0}
    await work.change(connection, project_id, key, **cleared, mute_total=None, mute_per_hour=None)
    return True
