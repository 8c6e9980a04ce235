"""What an accepted ingest call changes: the session's row, its markers, its place in their clusters.

One transaction per call, safe to repeat: a call that brings nothing new changes nothing.
"""

from collections.abc import Sequence
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
from retrospec.storage.upsert import upsert

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
    .where(sessions.c.project_id == bindparam("p"), sessions.c.id == bindparam("s"))
)
_UPLOAD = select(chunks.c.sha256, chunks.c.object_key, chunks.c.event_count, chunks.c.size_bytes).where(
    chunks.c.project_id == bindparam("p"),
    chunks.c.session_id == bindparam("s"),
    chunks.c.tab_id == "",
    chunks.c.seq == 0,
)

_ADD_SESSION = sessions.insert()
_ADD_MARKERS = markers.insert()


async def land(connection: Connection, arrival: Arrival, *, now: datetime, max_markers: int) -> Landed:
    """Store ``arrival``; markers past ``max_markers`` are counted as dropped, not kept."""
    named = {"p": arrival.project_id, "s": arrival.session_id}
    row = (await connection.execute(_EXISTING, named)).first()
    if row is None:
        return await _land_new(connection, arrival, now=now)
    added = await _add_markers(connection, arrival, room=max_markers - row.marker_count)
    is_changed = bool(added) or arrival.added_events > 0 or _upload_differs(row)
    values = _merged(row, arrival, added=added)
    if is_changed:
        values |= _due_again(row, arrival, now)
    await connection.execute(
        update(sessions)
        .where(sessions.c.project_id == bindparam("p"), sessions.c.id == bindparam("s"))
        .values(**values),
        named,
    )
    session = to_session(row)
    for name in set(values) & set(session.__struct_fields__):
        setattr(session, name, values[name])
    return Landed(session, added, is_new=False, is_changed=is_changed, watched_until=row.watched_until)


async def _land_new(connection: Connection, arrival: Arrival, *, now: datetime) -> Landed:
    upload = (await connection.execute(_UPLOAD, {"p": arrival.project_id, "s": arrival.session_id})).first()
    session = Session(
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
    stored = msgspec.structs.asdict(session)
    await connection.execute(
        _ADD_SESSION,
        stored
        | {
            "client_started_ms": arrival.client_started_ms,
            "events_sha256": upload.sha256 if upload else "",
            "not_before": now + arrival.wait,
            "rung_at": now if arrival.stage is Stage.ANALYSIS else None,
        },
    )
    await _insert_markers(connection, arrival, arrival.markers, has_earlier=False)
    return Landed(session, arrival.markers, is_new=True, is_changed=True)


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


async def _add_markers(connection: Connection, arrival: Arrival, *, room: int) -> list[Marker]:
    if not arrival.markers:
        return []
    known = await connection.execute(
        select(markers.c.id).where(
            markers.c.project_id == arrival.project_id,
            markers.c.session_id == arrival.session_id,
            markers.c.id.in_([marker.id for marker in arrival.markers]),
        )
    )
    known_ids = {row.id for row in known}
    fresh = [marker for marker in arrival.markers if marker.id not in known_ids]
    if len(fresh) > room:
        arrival.dropped["markers_past_limit"] = len(fresh) - max(0, room)
        fresh = fresh[: max(0, room)]
    await _insert_markers(connection, arrival, fresh, has_earlier=True)
    return fresh


async def _insert_markers(
    connection: Connection, arrival: Arrival, fresh: Sequence[Marker], *, has_earlier: bool
) -> None:
    if not fresh:
        return
    newest = await stats.newest_by_kind(connection, arrival.project_id, arrival.session_id) if has_earlier else {}
    await connection.execute(
        _ADD_MARKERS,
        [
            msgspec.structs.asdict(marker) | {"client_ms": arrival.client_ms.get(marker.id, 0)}
            for marker in fresh
        ],
    )
    await connection.execute(
        upsert(connection, issue_sessions, replaced=("last_observed_at",), added=("marker_count",)),
        _cluster_rows(fresh),
    )
    await stats.roll_up(connection, fresh, newest)


def _cluster_rows(fresh: Sequence[Marker]) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for marker in sorted(fresh, key=lambda each: each.observed_at):
        row = rows.setdefault(
            marker.cluster_key,
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
