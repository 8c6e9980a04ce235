"""Source maps by release: which there are, and when each was last of use. Their content lies in the blob store."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, func, select, update

from retrospec.storage.database import Connection
from retrospec.storage.tables import source_maps
from retrospec.storage.upsert import upsert

MAX_MAPS_A_RELEASE = 5_000
"""Read of one release at most; a site split into more pieces has maps that go unused."""

_T = source_maps.c
_NAMED = (_T.project_id == bindparam("p")) & (_T.release == bindparam("r")) & (_T.name == bindparam("n"))
_FIND = select(source_maps).where(_NAMED)
_OF_RELEASE = (
    select(source_maps)
    .where(_T.project_id == bindparam("p"), _T.release == bindparam("r"))
    .order_by(_T.name)
    .limit(MAX_MAPS_A_RELEASE)
)
_USED = update(source_maps).where(_NAMED).values(last_used_at=bindparam("now"))


class StoredMap(msgspec.Struct, kw_only=True, frozen=True):
    """One minified file's map."""

    project_id: str
    release: str
    name: str
    """The minified file's path or address, without scheme, query and leading slashes."""
    debug_id: str
    object_key: str
    size_bytes: int
    """As stored."""
    inflated_bytes: int
    has_sources: bool
    """Whether the map carries the sources' text, so that lines can be shown."""
    created_at: datetime
    last_used_at: datetime | None = None


class MappedRelease(msgspec.Struct, kw_only=True, frozen=True, rename="camel"):
    """A release with maps."""

    release: str
    map_count: int
    size_bytes: int
    uploaded_at: datetime
    """When its newest map came."""
    last_used_at: datetime | None


async def save(connection: Connection, stored: StoredMap) -> str:
    """Keep a map's row; the object key of the one it replaces, or nothing."""
    named = {"p": stored.project_id, "r": stored.release, "n": stored.name}
    old = (await connection.execute(_FIND, named)).first()
    replaced = ("debug_id", "object_key", "size_bytes", "inflated_bytes", "has_sources", "created_at")
    await connection.execute(upsert(connection, source_maps, replaced=replaced), msgspec.structs.asdict(stored))
    return "" if old is None else str(old.object_key)


async def of_release(connection: Connection, project_id: str, release: str) -> list[StoredMap]:
    """The release's maps by name."""
    found = await connection.execute(_OF_RELEASE, {"p": project_id, "r": release})
    return [StoredMap(**row._mapping) for row in found]


async def with_debug_ids(connection: Connection, project_id: str, debug_ids: Collection[str]) -> list[StoredMap]:
    """Maps of any release that carry one of these ids, the newest last."""
    query = select(source_maps).where(_T.project_id == project_id, _T.debug_id.in_(sorted(debug_ids)))
    found = await connection.execute(query.order_by(_T.created_at).limit(100))
    return [StoredMap(**row._mapping) for row in found]


async def releases(connection: Connection, project_id: str) -> list[MappedRelease]:
    """Releases that have maps, the newest upload first."""
    newest = func.max(_T.created_at, type_=_T.created_at.type)
    found = await connection.execute(
        select(
            _T.release,
            func.count().label("map_count"),
            func.sum(_T.size_bytes).label("size_bytes"),
            newest.label("uploaded_at"),
            func.max(_T.last_used_at, type_=_T.last_used_at.type).label("last_used_at"),
        )
        .where(_T.project_id == project_id)
        .group_by(_T.release)
        .order_by(newest.desc())
        .limit(1_000)
    )
    return [MappedRelease(**{**row._mapping, "size_bytes": int(row.size_bytes)}) for row in found]


async def forget(connection: Connection, project_id: str, release: str, name: str = "") -> list[str]:
    """Delete a release's maps, or the one called ``name``; the object keys they had."""
    chosen = (_T.project_id == project_id) & (_T.release == release)
    if name:
        chosen &= _T.name == name
    keys = [row.object_key for row in await connection.execute(select(_T.object_key).where(chosen))]
    await connection.execute(delete(source_maps).where(chosen))
    return keys


async def unused_releases(connection: Connection, *, before: datetime, limit: int) -> list[tuple[str, str]]:
    """``(project, release)`` whose maps were all uploaded, and last used, before ``before``."""
    latest = func.max(func.coalesce(_T.last_used_at, _T.created_at), type_=_T.created_at.type)
    found = await connection.execute(
        select(_T.project_id, _T.release)
        .group_by(_T.project_id, _T.release)
        .having(latest < before, func.max(_T.created_at, type_=_T.created_at.type) < before)
        .limit(limit)
    )
    return [(row.project_id, row.release) for row in found]


async def note_use(connection: Connection, used: Collection[StoredMap], *, now: datetime) -> None:
    """Write down that these maps named something."""
    if used:
        rows: list[dict[str, Any]] = [{"p": each.project_id, "r": each.release, "n": each.name, "now": now} for each in used]
        await connection.execute(_USED, rows)
