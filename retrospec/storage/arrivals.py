"""What an accepted ingest call changes: the session's row, its markers, its place in their clusters.

One transaction per call, safe to repeat: a call that brings nothing new changes nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update

from retrospec.domain.marker import Marker
from retrospec.domain.session import Session, Stage
from retrospec.storage import stats
from retrospec.storage.database import Connection
from retrospec.storage.sessions import to_session
from retrospec.storage.tables import chunks, issue_sessions, markers, sessions
from retrospec.storage.upsert import upsert_all

_MOST_LOST = 1_000
"""Ids of lost markers a session remembers."""


class Arrival(msgspec.Struct, kw_only=True):
    """A call's content, checked and redacted. Empty fields leave what is stored."""

    project_id: str
    session_id: str
    site: str
    route: str
    started_at: datetime
    duration_ms: int
    events_object_key: str
    visitor_id: str = ""
    user_id: str = ""
    release: str = ""
    environment: str = ""
    browser: str = ""
    os: str = ""
    device: str = ""
    country: str = ""
    tags: dict[str, str] = {}
    dropped: dict[str, int] = msgspec.field(default_factory=dict)
    lost_markers: dict[str, str] = {}
    overhead_ms: int = 0
    client_started_ms: int = 0
    markers: list[Marker] = []
    client_ms: dict[str, int] = {}
    """Client epoch ms by marker id, where the client sent that instead of an offset."""
    added_events: int = 0
    added_bytes: int = 0
    stage: Stage = Stage.ANALYSIS
    wait: timedelta = timedelta(0)
    """How long to wait for more before the session is analysed."""


class Landed(msgspec.Struct):
    """What came of an arrival."""

    session: Session
    markers: list[Marker]
    """Those this arrival added."""
    is_new: bool
    is_changed: bool
    """Whether the session is due for analysis because of it."""
    watched_until: datetime | None = None
    """Somebody looks on while it is recorded, so far as is known."""


_OF_SESSIONS: Any = bindparam("sessions", expanding=True)
_EXISTING = (
    select(sessions, chunks.c.sha256.label("upload_sha256"), chunks.c.object_key.label("upload_key"))
    .select_from(
        sessions.outerjoin(
            chunks,
            (chunks.c.project_id == sessions.c.project_id)
            & (chunks.c.session_id == sessions.c.id)
            & (chunks.c.tab_id == "")
            & (chunks.c.seq == 0),
        )
    )
    .where(sessions.c.project_id == bindparam("p"), sessions.c.id.in_(_OF_SESSIONS))
)
_UPLOADS = select(chunks.c.session_id, chunks.c.sha256, chunks.c.object_key, chunks.c.event_count, chunks.c.size_bytes).where(
    chunks.c.project_id == bindparam("p"),
    chunks.c.session_id.in_(_OF_SESSIONS),
    chunks.c.tab_id == "",
    chunks.c.seq == 0,
)
_KNOWN_MARKERS = select(markers.c.session_id, markers.c.id).where(
    markers.c.project_id == bindparam("p"),
    markers.c.session_id.in_(_OF_SESSIONS),
    markers.c.id.in_(bindparam("ids", expanding=True)),
)
_CHANGING = (
    "duration_ms", "marker_count", "event_count", "size_bytes", "overhead_ms",
    "visitor_id", "user_id", "release", "environment", "browser", "os", "device", "country", "tags", "dropped", "lost_markers",
    "events_sha256", "events_object_key",
    "stage", "revision", "attempt", "not_before", "rung_at", "last_error", "updated_at",
)  # fmt: skip
"""What more of a session may change in its row. All are written, so that one statement serves for all sessions."""
_CHANGE = (
    update(sessions)
    .where(sessions.c.project_id == bindparam("p"), sessions.c.id == bindparam("s"))
    .values({name: bindparam(f"new_{name}", type_=sessions.c[name].type) for name in _CHANGING})
)

_ADD_SESSION = sessions.insert()
_ADD_MARKERS = markers.insert()


async def land(connection: Connection, arrival: Arrival, *, now: datetime, max_markers: int) -> Landed:
    """Store ``arrival``; markers past ``max_markers`` are counted as dropped, not kept."""
    (landed,) = await land_all(connection, [arrival], now=now, max_markers=max_markers)
    return landed


async def land_all(connection: Connection, all_of_them: Sequence[Arrival], *, now: datetime, max_markers: int) -> list[Landed]:
    """``land`` for calls of one project that came together, about as many statements as for one."""
    landed: dict[int, Landed] = {}
    while left := [place for place in range(len(all_of_them)) if place not in landed]:
        first = {all_of_them[place].session_id: place for place in reversed(left)}
        stored = await _land_of_each(connection, [all_of_them[place] for place in first.values()], now, max_markers)
        landed.update(zip(first.values(), stored, strict=True))
    return [landed[place] for place in range(len(all_of_them))]


async def _land_of_each(connection: Connection, each: Sequence[Arrival], now: datetime, max_markers: int) -> list[Landed]:
    """Each of another session."""
    project_id, ids = each[0].project_id, [arrival.session_id for arrival in each]
    known = {row.id: row for row in await connection.execute(_EXISTING, {"p": project_id, "sessions": ids})}
    new = [arrival for arrival in each if arrival.session_id not in known]
    more = [arrival for arrival in each if arrival.session_id in known]
    added = {arrival.session_id: arrival.markers for arrival in new} | await _unknown_markers(connection, more, known, max_markers)
    counted = [name for name in known if added[name]]
    newest = await stats.newest_by_kind(connection, project_id, counted) if counted else {}
    stored = await _add_sessions(connection, new, now) | await _change_sessions(connection, more, known, added, now)
    await _insert_markers(connection, each, added, newest)
    return [stored[name] for name in ids]


async def _add_sessions(connection: Connection, new: Sequence[Arrival], now: datetime) -> dict[str, Landed]:
    if not new:
        return {}
    named = {"p": new[0].project_id, "sessions": [arrival.session_id for arrival in new]}
    uploads = {row.session_id: row for row in await connection.execute(_UPLOADS, named)}
    stored = [_new_session(arrival, uploads.get(arrival.session_id), now) for arrival in new]
    rows = [
        msgspec.structs.asdict(session)
        | {
            "client_started_ms": arrival.client_started_ms,
            "events_sha256": uploads[session.id].sha256 if session.id in uploads else "",
            "not_before": now + arrival.wait,
            "rung_at": now if arrival.stage is Stage.ANALYSIS else None,
        }
        for arrival, session in zip(new, stored, strict=True)
    ]
    await connection.execute(_ADD_SESSION, rows)
    return {
        session.id: Landed(session, arrival.markers, is_new=True, is_changed=True)
        for arrival, session in zip(new, stored, strict=True)
    }


def _new_session(arrival: Arrival, upload: Any, now: datetime) -> Session:
    return Session(
        id=arrival.session_id,
        project_id=arrival.project_id,
        site=arrival.site,
        route=arrival.route,
        started_at=arrival.started_at,
        duration_ms=arrival.duration_ms,
        events_object_key=upload.object_key if upload else arrival.events_object_key,
        created_at=now,
        updated_at=now,
        stage=arrival.stage,
        visitor_id=arrival.visitor_id,
        user_id=arrival.user_id,
        release=arrival.release,
        environment=arrival.environment,
        browser=arrival.browser,
        os=arrival.os,
        device=arrival.device,
        country=arrival.country,
        tags=arrival.tags,
        dropped=arrival.dropped,
        lost_markers=arrival.lost_markers,
        overhead_ms=arrival.overhead_ms,
        marker_count=len(arrival.markers),
        event_count=arrival.added_events or (upload.event_count if upload else 0),
        size_bytes=arrival.added_bytes or (upload.size_bytes if upload else 0),
    )


async def _change_sessions(
    connection: Connection, more: Sequence[Arrival], known: Mapping[str, Any], added: Mapping[str, Sequence[Marker]], now: datetime
) -> dict[str, Landed]:
    landed, changes = {}, []
    for arrival in more:
        row, markers_added = known[arrival.session_id], list(added[arrival.session_id])
        is_changed = bool(markers_added) or arrival.added_events > 0 or _upload_differs(row)
        values = _merged(row, arrival, added=markers_added) | (_due_again(row, arrival, now) if is_changed else {})
        session = to_session(row)
        for name in set(values) & set(session.__struct_fields__):
            setattr(session, name, values[name])
        landed[session.id] = Landed(session, markers_added, is_new=False, is_changed=is_changed, watched_until=row.watched_until)
        new_values = {f"new_{name}": values.get(name, row._mapping[name]) for name in _CHANGING}
        changes.append({"p": arrival.project_id, "s": arrival.session_id, **new_values})
    if changes:
        await connection.execute(_CHANGE, changes)
    return landed


def _upload_differs(row: Any) -> bool:
    return row.upload_sha256 is not None and row.upload_sha256 != row.events_sha256


def _merged(row: Any, arrival: Arrival, *, added: Sequence[Marker]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "duration_ms": max(row.duration_ms, arrival.duration_ms),
        "marker_count": row.marker_count + len(added),
        "event_count": row.event_count + arrival.added_events,
        "size_bytes": row.size_bytes + arrival.added_bytes,
        "overhead_ms": max(row.overhead_ms, arrival.overhead_ms),
    }
    for name in ("visitor_id", "user_id", "release", "environment", "browser", "os", "device", "country"):
        if getattr(arrival, name):
            values[name] = getattr(arrival, name)
    if arrival.tags:
        values["tags"] = row.tags | arrival.tags
    if arrival.dropped:
        values["dropped"] = {
            reason: row.dropped.get(reason, 0) + arrival.dropped.get(reason, 0)
            for reason in {*row.dropped, *arrival.dropped}
        }
    if arrival.lost_markers:
        values["lost_markers"] = dict([*(arrival.lost_markers | row.lost_markers).items()][:_MOST_LOST])
    if row.upload_sha256 is not None:
        values["events_sha256"] = row.upload_sha256
        values["events_object_key"] = row.upload_key
    return values


def _due_again(row: Any, arrival: Arrival, now: datetime) -> dict[str, Any]:
    return {
        "stage": arrival.stage,
        "revision": row.revision + 1,
        "attempt": 0,
        "not_before": now + arrival.wait,
        "rung_at": now if arrival.stage is Stage.ANALYSIS else None,
        "last_error": "",
        "updated_at": now,
    }


async def _unknown_markers(
    connection: Connection, more: Sequence[Arrival], known: Mapping[str, Any], max_markers: int
) -> dict[str, list[Marker]]:
    """By session: markers that are not stored yet, as many as there is room for; those past that count as dropped."""
    asked = [marker for arrival in more for marker in arrival.markers]
    stored: set[tuple[str, str]] = set()
    if asked:
        ids = {"sessions": sorted({marker.session_id for marker in asked}), "ids": [marker.id for marker in asked]}
        found = await connection.execute(_KNOWN_MARKERS, {"p": asked[0].project_id, **ids})
        stored = {(row.session_id, row.id) for row in found}
    by_session = {}
    for arrival in more:
        room = max(0, max_markers - known[arrival.session_id].marker_count)
        fresh = [marker for marker in arrival.markers if (marker.session_id, marker.id) not in stored]
        if len(fresh) > room:
            arrival.dropped["markers_past_limit"] = len(fresh) - room
        by_session[arrival.session_id] = fresh[:room]
    return by_session


async def _insert_markers(
    connection: Connection, each: Sequence[Arrival], added: Mapping[str, Sequence[Marker]], newest: stats.Newest
) -> None:
    client_ms = {(arrival.session_id, name): ms for arrival in each for name, ms in arrival.client_ms.items()}
    fresh = [marker for arrival in each for marker in added[arrival.session_id]]
    if not fresh:
        return
    await connection.execute(
        _ADD_MARKERS,
        [msgspec.structs.asdict(marker) | {"client_ms": client_ms.get((marker.session_id, marker.id), 0)} for marker in fresh],
    )
    await connection.execute(
        upsert_all(connection, issue_sessions, replaced=("last_observed_at",), added=("marker_count",)),
        _cluster_rows(fresh),
    )
    await stats.roll_up(connection, fresh, newest)


def _cluster_rows(fresh: Sequence[Marker]) -> list[dict[str, Any]]:
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for marker in sorted(fresh, key=lambda each: each.observed_at):
        row = rows.setdefault(
            (marker.session_id, marker.cluster_key),
            {
                "project_id": marker.project_id,
                "cluster_key": marker.cluster_key,
                "session_id": marker.session_id,
                "marker_count": 0,
                "first_observed_at": marker.observed_at,
                "jump_ms": marker.replay_offset_ms,
            },
        )
        row["marker_count"] += 1
        row["last_observed_at"] = marker.observed_at
    return list(rows.values())
