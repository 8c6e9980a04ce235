"""Markers of a session, and the statistics over all of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from retrospec.domain.marker import Marker, MarkerKind
from retrospec.storage.tables import markers
from retrospec.storage.upsert import insert_into

_FIELDS = [field.name for field in msgspec.structs.fields(Marker)]
_OF_SESSION = (
    select(*[markers.c[name] for name in _FIELDS], markers.c.client_ms)
    .where(markers.c.project_id == bindparam("p"), markers.c.session_id == bindparam("s"))
    .order_by(markers.c.replay_offset_ms, markers.c.id)
)


class KindStats(msgspec.Struct, rename="camel"):
    """What one kind of failure did within the time looked at."""

    kind: str
    marker_count: int
    session_count: int
    cluster_count: int
    last_seen_at: datetime


def _to_marker(row: Any) -> Marker:
    values = {name: row._mapping[name] for name in _FIELDS}
    values["kind"] = MarkerKind(values["kind"])
    return Marker(**values)


async def of_session(connection: AsyncConnection, project_id: str, session_id: str) -> list[Marker]:
    """The session's markers by offset."""
    found = await connection.execute(_OF_SESSION, {"p": project_id, "s": session_id})
    return [_to_marker(row) for row in found]


async def client_times(connection: AsyncConnection, project_id: str, session_id: str) -> dict[str, int]:
    """Client epoch ms by marker id, for the markers whose client sent that."""
    found = await connection.execute(_OF_SESSION, {"p": project_id, "s": session_id})
    return {row.id: row.client_ms for row in found if row.client_ms}


async def place(
    connection: AsyncConnection, project_id: str, session_id: str, offsets: Mapping[str, int]
) -> None:
    """Set replay offsets, known once the recording's first event is."""
    for marker_id, offset_ms in offsets.items():
        await connection.execute(
            update(markers)
            .where(
                markers.c.project_id == project_id,
                markers.c.session_id == session_id,
                markers.c.id == marker_id,
            )
            .values(replay_offset_ms=offset_ms)
        )


async def set_states(
    connection: AsyncConnection, project_id: str, session_id: str, states: Mapping[str, str]
) -> None:
    """Write what became of each marker (``confirmed``, ``refuted``, ``symptom``)."""
    for state in sorted(set(states.values())):
        ids = [marker_id for marker_id, its in states.items() if its == state]
        await connection.execute(
            update(markers)
            .where(
                markers.c.project_id == project_id,
                markers.c.session_id == session_id,
                markers.c.id.in_(ids),
            )
            .values(state=state)
        )


async def add_found(connection: AsyncConnection, found: Sequence[Marker]) -> None:
    """Add markers that analysis found in the recording; those already there stay."""
    for marker in found:
        await connection.execute(
            insert_into(connection, markers).values(**msgspec.structs.asdict(marker)).on_conflict_do_nothing()
        )


async def stats_by_kind(connection: AsyncConnection, project_id: str, *, since: datetime) -> list[KindStats]:
    """Per kind, most markers first."""
    count = func.count().label("marker_count")
    found = await connection.execute(
        select(
            markers.c.kind,
            count,
            func.count(markers.c.session_id.distinct()).label("session_count"),
            func.count(markers.c.cluster_key.distinct()).label("cluster_count"),
            func.max(markers.c.observed_at, type_=markers.c.observed_at.type).label("last_seen_at"),
        )
        .where(markers.c.project_id == project_id, markers.c.observed_at >= since)
        .group_by(markers.c.kind)
        .order_by(count.desc())
    )
    return [KindStats(**row._mapping) for row in found]
