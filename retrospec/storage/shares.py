"""Share links: what each shows, for how long, and how often it was opened."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select, update

from retrospec.storage.database import Connection
from retrospec.storage.tables import share_links


class ShareLink(msgspec.Struct, kw_only=True):
    """Shows one session or one issue to whoever has the link."""

    id: str
    project_id: str
    kind: str
    """``session`` or ``issue``."""
    subject_id: str
    made_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    password_hash: str = ""
    views: int = 0
    last_viewed_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether it shows anything now."""
        return self.revoked_at is None and now < self.expires_at

    @property
    def path(self) -> str:
        """The address of what it shows."""
        return f"/p/{self.project_id}/{self.kind}s/{self.subject_id}"


async def add(connection: Connection, link: ShareLink) -> None:
    """Remember a link; the link itself is signed and not stored."""
    await connection.execute(share_links.insert(), msgspec.structs.asdict(link))


async def find(connection: Connection, share_id: str) -> ShareLink | None:
    """The link, in force or not; None if unknown."""
    row = (await connection.execute(select(share_links).where(share_links.c.id == share_id))).first()
    return None if row is None else _to_link(row)


async def of_project(
    connection: Connection, project_id: str, *, limit: int, kind: str = "", subject_id: str = ""
) -> list[ShareLink]:
    """A project's latest links, or those of one thing in it."""
    query = select(share_links).where(share_links.c.project_id == project_id)
    if kind:
        query = query.where(share_links.c.kind == kind, share_links.c.subject_id == subject_id)
    found = await connection.execute(query.order_by(share_links.c.created_at.desc()).limit(limit))
    return [_to_link(row) for row in found]


async def revoke(connection: Connection, project_id: str, share_id: str, *, now: datetime) -> bool:
    """End a link at once; False when the project has no such one in force."""
    ended = await connection.execute(
        update(share_links)
        .where(
            share_links.c.project_id == project_id,
            share_links.c.id == share_id,
            share_links.c.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )
    return ended.rowcount == 1


async def note_view(connection: Connection, share_id: str, *, now: datetime) -> None:
    """It was opened once more."""
    await connection.execute(
        update(share_links)
        .where(share_links.c.id == share_id)
        .values(views=share_links.c.views + 1, last_viewed_at=now)
    )


def _to_link(row: Any) -> ShareLink:
    return ShareLink(**row._mapping)
