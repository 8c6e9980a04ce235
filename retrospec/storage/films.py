"""Films somebody asked for, from the click to the file: the row is the truth, the bell only wakes."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import and_, bindparam, delete, or_, select, update

from retrospec.storage.database import Connection
from retrospec.storage.tables import films
from retrospec.storage.upsert import insert_new

WHOLE = "replay_video"
"""The id of a session's whole film; clips are ``clip-<start_ms>``."""
TO_THE_END = -1
WANTED, FILMING, READY, FAILED, SKIPPED = "wanted", "filming", "ready", "failed", "skipped"
OPEN = (WANTED, FILMING)


class WantedFilm(msgspec.Struct, kw_only=True):
    """One film asked for, and how it stands."""

    project_id: str
    session_id: str
    id: str
    start_ms: int
    end_ms: int
    """``TO_THE_END`` for the whole session."""
    status: str
    """``wanted``, ``filming``, ``ready``, ``failed`` or ``skipped``."""
    reason: str = ""
    progress: float = 0.0
    """0…1 while it is being filmed."""
    attempt: int = 0
    asked_at: datetime
    updated_at: datetime
    lease_owner: str = ""
    lease_until: datetime | None = None


def _named(film: WantedFilm) -> Any:
    return and_(
        films.c.project_id == film.project_id, films.c.session_id == film.session_id, films.c.id == film.id
    )


async def ask(connection: Connection, film: WantedFilm) -> bool:
    """Ask for a film; one that is wanted or being filmed already stays as it is (False)."""
    values = msgspec.structs.asdict(film)
    if (await connection.execute(insert_new(connection, films), values)).rowcount:
        return True
    again = update(films).where(_named(film), films.c.status.not_in(OPEN))
    return bool((await connection.execute(again.values(values))).rowcount)


_OF_SESSION = (
    select(films)
    .where(films.c.project_id == bindparam("p"), films.c.session_id == bindparam("s"))
    .order_by(films.c.end_ms != TO_THE_END, films.c.start_ms)
)


async def of_session(connection: Connection, project_id: str, session_id: str) -> list[WantedFilm]:
    """All that was asked for of a session, the whole film first, then by time."""
    found = await connection.execute(_OF_SESSION, {"p": project_id, "s": session_id})
    return [WantedFilm(**row._mapping) for row in found]


async def claim_next(
    connection: Connection, *, owner: str, now: datetime, until: datetime
) -> WantedFilm | None:
    """The film asked for first that nobody is filming, now ours until ``until``; None when there is none."""
    lapsed = and_(films.c.status == FILMING, films.c.lease_until <= now)
    free = or_(films.c.status == WANTED, lapsed)
    found = (await connection.execute(select(films).where(free).order_by(films.c.asked_at).limit(1))).first()
    if found is None:
        return None
    film = WantedFilm(**found._mapping)
    taken = {
        "status": FILMING,
        "lease_owner": owner,
        "lease_until": until,
        "attempt": film.attempt + 1,
        "progress": 0.0,
        "updated_at": now,
    }
    changed = await connection.execute(update(films).where(_named(film), free).values(taken))
    return msgspec.structs.replace(film, **taken) if changed.rowcount else None


async def note_progress(
    connection: Connection, film: WantedFilm, progress: float, *, until: datetime
) -> bool:
    """Tell how far it is and hold the claim; False when the claim was lost."""
    held = _named(film), films.c.lease_owner == film.lease_owner, films.c.status == FILMING
    changed = await connection.execute(
        update(films).where(*held).values(progress=progress, lease_until=until)
    )
    return bool(changed.rowcount)


async def settle(
    connection: Connection, film: WantedFilm, status: str, reason: str, *, now: datetime
) -> bool:
    """Write how it ended; False when the claim was lost, or its session went meanwhile."""
    held = _named(film), films.c.lease_owner == film.lease_owner, films.c.status == FILMING
    values = {"status": status, "reason": reason, "updated_at": now, "lease_owner": "", "lease_until": None}
    return bool((await connection.execute(update(films).where(*held).values(values))).rowcount)


async def release_all(connection: Connection) -> None:
    """Where only one process can film: at its start nothing is being filmed."""
    freed = {"status": WANTED, "lease_owner": "", "lease_until": None}
    await connection.execute(update(films).where(films.c.status == FILMING).values(freed))


async def forget(connection: Connection, project_id: str, session_id: str) -> None:
    """Forget what was asked for of a session."""
    await connection.execute(
        delete(films).where(films.c.project_id == project_id, films.c.session_id == session_id)
    )
