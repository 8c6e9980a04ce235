"""The asset vault's rows: which contents a project has, and which address meant which in a session."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import bindparam, delete, func, select

from retrospec.storage.database import Connection
from retrospec.storage.tables import assets, session_assets, sessions
from retrospec.storage.upsert import insert_new

MOST_ASKED = 500
"""Digests looked up in one statement: SQLite allows some 32,000 parameters."""


class Asset(msgspec.Struct, kw_only=True):
    """A stored picture, font or stylesheet; ``(project_id, sha256)`` names it."""

    project_id: str
    sha256: str
    content_type: str
    size_bytes: int
    created_at: datetime


class Mapped(msgspec.Struct, kw_only=True, frozen=True):
    """One address of a session's recording whose content the vault has."""

    url: str
    """As it stands in the recording: absolute, redacted, without fragment."""
    sha256: str
    content_type: str


_FIELDS = [field.name for field in msgspec.structs.fields(Asset)]
_OF_SESSION = (
    select(session_assets.c.url, session_assets.c.sha256, assets.c.content_type)
    .join(
        assets,
        (assets.c.project_id == session_assets.c.project_id) & (assets.c.sha256 == session_assets.c.sha256),
    )
    .where(session_assets.c.project_id == bindparam("p"), session_assets.c.session_id == bindparam("s"))
    .order_by(session_assets.c.url_key)
)
_MAPPED_COUNT = select(func.count()).where(
    session_assets.c.project_id == bindparam("p"), session_assets.c.session_id == bindparam("s")
)
_STORED_BYTES = select(func.coalesce(func.sum(assets.c.size_bytes), 0)).where(
    assets.c.project_id == bindparam("p")
)


def asset_key(project_id: str, sha256: str) -> str:
    """Where a content lies in the blob store."""
    return f"assets/{project_id}/{sha256[:2]}/{sha256}"


def url_key(url: str) -> str:
    """What an address is known by: as long as a digest, whatever the address."""
    return hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()


async def of_session(connection: Connection, project_id: str, session_id: str) -> list[Mapped]:
    """The session's addresses whose content is stored."""
    found = await connection.execute(_OF_SESSION, {"p": project_id, "s": session_id})
    return [Mapped(**row._mapping) for row in found]


async def map_urls(
    connection: Connection, project_id: str, session_id: str, urls: dict[str, str], *, now: datetime, most: int
) -> int:
    """Remember what each address (``urls``: address → sha256) meant in the session; how many were new.

    The first content of an address stays; past ``most`` addresses a session gets no more.
    """
    named = {"p": project_id, "s": session_id}
    room = most - int(await connection.scalar(_MAPPED_COUNT, named))
    rows = [
        {"project_id": project_id, "session_id": session_id, "url_key": url_key(url), "url": url}
        | {"sha256": sha256, "created_at": now}
        for url, sha256 in list(urls.items())[: max(0, room)]
    ]
    if not rows:
        return 0
    return (await connection.execute(insert_new(connection, session_assets), rows)).rowcount


async def known_among(connection: Connection, project_id: str, digests: Iterable[str]) -> set[str]:
    """Which of these contents the project has."""
    wanted, known = list(digests), set[str]()
    for start in range(0, len(wanted), MOST_ASKED):
        found = await connection.execute(
            select(assets.c.sha256).where(
                assets.c.project_id == project_id, assets.c.sha256.in_(wanted[start : start + MOST_ASKED])
            )
        )
        known |= {row.sha256 for row in found}
    return known


async def stored_bytes(connection: Connection, project_id: str) -> int:
    """How much the project's vault holds."""
    return int(await connection.scalar(_STORED_BYTES, {"p": project_id}))


async def add(connection: Connection, asset: Asset) -> bool:
    """Add a content whose blob is stored; False when the project has it."""
    added = await connection.execute(insert_new(connection, assets), msgspec.structs.asdict(asset))
    return added.rowcount == 1


async def find(connection: Connection, project_id: str, sha256: str) -> Asset | None:
    """One content of the project."""
    found = await connection.execute(
        select(*[assets.c[name] for name in _FIELDS]).where(
            assets.c.project_id == project_id, assets.c.sha256 == sha256
        )
    )
    row = found.first()
    return Asset(**row._mapping) if row else None


async def forget_strays(connection: Connection, *, before: datetime, limit: int) -> int:
    """Delete addresses older than ``before`` of sessions that never came or are gone; how many."""
    known = select(sessions.c.id).where(
        sessions.c.project_id == session_assets.c.project_id, sessions.c.id == session_assets.c.session_id
    )
    found = await connection.execute(
        select(session_assets.c.project_id, session_assets.c.session_id)
        .where(session_assets.c.created_at < before, ~known.exists())
        .distinct()
        .limit(limit)
    )
    gone = 0
    for row in found:
        removed = await connection.execute(
            delete(session_assets).where(
                session_assets.c.project_id == row.project_id, session_assets.c.session_id == row.session_id
            )
        )
        gone += removed.rowcount
    return gone


async def forget_unused(
    connection: Connection, *, before: datetime, limit: int, project_id: str = ""
) -> list[Asset]:
    """Delete the rows of contents older than ``before`` that no session refers to; what went."""
    used = select(session_assets.c.sha256).where(
        session_assets.c.project_id == assets.c.project_id, session_assets.c.sha256 == assets.c.sha256
    )
    query = (
        select(*[assets.c[name] for name in _FIELDS])
        .where(assets.c.created_at < before, ~used.exists())
        .order_by(assets.c.created_at)
        .limit(limit)
    )
    if project_id:
        query = query.where(assets.c.project_id == project_id)
    unused = [Asset(**row._mapping) for row in await connection.execute(query)]
    await forget(connection, unused)
    return unused


async def forget(connection: Connection, gone: Sequence[Asset]) -> None:
    """Delete the rows of these contents."""
    for asset in gone:
        await connection.execute(
            delete(assets).where(
                assets.c.project_id == asset.project_id, assets.c.sha256 == asset.sha256
            )
        )
