"""Markers of a session."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update

from retrospec.domain.marker import Marker, MarkerKind
from retrospec.storage import stats
from retrospec.storage.database import Connection
from retrospec.storage.tables import markers
from retrospec.storage.upsert import insert_new

_FIELDS = [field.name for field in msgspec.structs.fields(Marker)]
_OF_SESSION = (
    select(*[markers.c[name] for name in _FIELDS], markers.c.client_ms)
    .where(markers.c.project_id == bindparam("p"), markers.c.session_id == bindparam("s"))
    .order_by(markers.c.replay_offset_ms, markers.c.id)
)

_OF_SESSIONS = select(*[markers.c[name] for name in _FIELDS]).where(
    markers.c.project_id == bindparam("p"), markers.c.session_id.in_(bindparam("names", expanding=True))
)
_NAMED = (
    (markers.c.project_id == bindparam("p"))
    & (markers.c.session_id == bindparam("s"))
    & (markers.c.id == bindparam("m"))
)
_SET_STATE = update(markers).where(_NAMED).values(state=bindparam("new"))
_PLACE = update(markers).where(_NAMED).values(replay_offset_ms=bindparam("new"))
_RENAME = (
    update(markers)
    .where(_NAMED, markers.c.state == "seen")
    .values(cluster_key=bindparam("key"), evidence=bindparam("new", type_=markers.c.evidence.type))
)


def _to_marker(row: Any) -> Marker:
    values = {name: row._mapping[name] for name in _FIELDS}
    values["kind"] = MarkerKind(values["kind"])
    return Marker(**values)


async def of_session(connection: Connection, project_id: str, session_id: str) -> list[Marker]:
    """The session's markers by offset."""
    found = await connection.execute(_OF_SESSION, {"p": project_id, "s": session_id})
    return [_to_marker(row) for row in found]


async def of_sessions(connection: Connection, project_id: str, session_ids: Sequence[str]) -> dict[str, list[Marker]]:
    """Markers by session, for those that have any."""
    by_session: dict[str, list[Marker]] = {}
    if not session_ids:
        return by_session
    found = await connection.execute(_OF_SESSIONS, {"p": project_id, "names": list(session_ids)})
    for row in found:
        by_session.setdefault(row.session_id, []).append(_to_marker(row))
    return by_session


async def with_client_times(
    connection: Connection, project_id: str, session_id: str
) -> tuple[list[Marker], dict[str, int]]:
    """The markers, and client epoch ms by marker id for those whose client sent that."""
    found = (await connection.execute(_OF_SESSION, {"p": project_id, "s": session_id})).all()
    return [_to_marker(row) for row in found], {row.id: row.client_ms for row in found if row.client_ms}


async def place(connection: Connection, project_id: str, session_id: str, offsets: Mapping[str, int]) -> None:
    """Set replay offsets, known once the recording's first event is."""
    if offsets:
        await connection.execute(
            _PLACE,
            [{"p": project_id, "s": session_id, "m": name, "new": at} for name, at in offsets.items()],
        )


async def set_states(
    connection: Connection, project_id: str, session_id: str, states: Mapping[str, str]
) -> None:
    """Write what became of each marker (``confirmed``, ``refuted``, ``symptom``)."""
    if states:
        await connection.execute(
            _SET_STATE,
            [{"p": project_id, "s": session_id, "m": name, "new": state} for name, state in states.items()],
        )


async def rename(connection: Connection, marker: Marker) -> None:
    """Write a marker's evidence and cluster key, unless it has been judged."""
    named = {"p": marker.project_id, "s": marker.session_id, "m": marker.id}
    await connection.execute(_RENAME, named | {"key": marker.cluster_key, "new": marker.evidence})


async def add_found(connection: Connection, found: Sequence[Marker]) -> None:
    """Add markers that analysis found in the recording; those already there stay."""
    if not found:
        return
    newest = await stats.newest_by_kind(connection, found[0].project_id, [found[0].session_id])
    fresh = []
    for marker in found:
        added = await connection.execute(insert_new(connection, markers), msgspec.structs.asdict(marker))
        fresh += [marker] if added.rowcount == 1 else []
    await stats.roll_up(connection, fresh, newest)
