"""The audit log: rows are added and, past their time, deleted whole; never changed."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, or_, select

from retrospec.domain.audit import Actor, AuditEntry
from retrospec.domain.ids import new_id
from retrospec.storage.database import Connection
from retrospec.storage.tables import audit_entries

_ADD = audit_entries.insert()


class AuditFilter(msgspec.Struct, kw_only=True):
    """What a reader of the log asks for; empty fields ask for everything."""

    action: str = ""
    text: str = ""
    """Part of the actor's name or of the subject."""


async def note(
    connection: Connection,
    actor: Actor,
    action: str,
    *,
    now: datetime,
    project_id: str = "",
    subject: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """Write one entry, in the transaction of what it tells about."""
    await connection.execute(
        _ADD,
        {
            "id": new_id("audit"),
            "at": now,
            "project_id": project_id,
            "actor_id": actor.id,
            "actor": actor.name[:254],
            "action": action,
            "subject": subject[:254],
            "detail": detail or {},
            "address": actor.address,
        },
    )


async def entries(
    connection: Connection, project_id: str, asked: AuditFilter, *, before: str = "", limit: int
) -> list[AuditEntry]:
    """A project's entries (``""``: those of the installation), newest first, older than the id ``before``."""
    query = select(audit_entries).where(audit_entries.c.project_id == project_id)
    if asked.action:
        query = query.where(audit_entries.c.action == asked.action)
    if asked.text:
        pattern = f"%{_literal(asked.text)}%"
        query = query.where(
            or_(
                audit_entries.c.actor.ilike(pattern, escape="\\"),
                audit_entries.c.subject.ilike(pattern, escape="\\"),
            )
        )
    if before:
        query = query.where(audit_entries.c.id < before)
    found = await connection.execute(query.order_by(audit_entries.c.id.desc()).limit(limit))
    return [_to_entry(row) for row in found]


async def actions(connection: Connection, project_id: str) -> list[str]:
    """The actions that occur in a project's log, by name."""
    found = await connection.execute(
        select(audit_entries.c.action)
        .where(audit_entries.c.project_id == project_id)
        .distinct()
        .order_by(audit_entries.c.action)
    )
    return [row.action for row in found]


async def forget_before(connection: Connection, moment: datetime) -> int:
    """Delete what is older than ``moment``; how many entries went."""
    gone = await connection.execute(delete(audit_entries).where(audit_entries.c.at < moment))
    return gone.rowcount


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _to_entry(row: Any) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        at=row.at,
        actor=Actor(name=row.actor, id=row.actor_id, address=row.address),
        action=row.action,
        project_id=row.project_id,
        subject=row.subject,
        detail=row.detail,
    )
