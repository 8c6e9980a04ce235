"""What is stored of sessions' recordings, for their receipts."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import BindParameter, bindparam, func, select

from retrospec.domain.receipt import Kept, Piece, Receipt, expired_receipt, session_receipt
from retrospec.domain.session import Session, Stage
from retrospec.storage.database import Connection
from retrospec.storage.tables import chunks, expired_sessions, sessions

_FIELDS = [field.name for field in msgspec.structs.fields(Piece)]
_PIECES = (
    select(*[chunks.c[name] for name in _FIELDS])
    .where(chunks.c.project_id == bindparam("p"), chunks.c.session_id == bindparam("s"))
    .order_by(chunks.c.tab_id, chunks.c.seq)
)


async def kept_of(connection: Connection, session: Session) -> Kept:
    """What is stored of one session."""
    found = await connection.execute(_PIECES, {"p": session.project_id, "s": session.id})
    return Kept(
        pieces=[Piece(**row._mapping) for row in found], dropped=session.dropped, damaged=_damage(session)
    )


_NAMED: BindParameter[str] = bindparam("names", expanding=True)
_KEPT = (
    select(
        sessions.c.id,
        sessions.c.dropped,
        sessions.c.stage,
        sessions.c.last_error,
        func.max(func.abs(chunks.c.snapshot_ms)).label("snapshot_ms"),
        func.max(chunks.c.first_ms).label("first_ms"),
    )
    .outerjoin(chunks, (chunks.c.project_id == sessions.c.project_id) & (chunks.c.session_id == sessions.c.id))
    .where(sessions.c.project_id == bindparam("p"), sessions.c.id.in_(_NAMED))
    .group_by(sessions.c.id, sessions.c.dropped, sessions.c.stage, sessions.c.last_error)
)
_GONE = select(expired_sessions.c.session_id, expired_sessions.c.expired_at).where(
    expired_sessions.c.project_id == bindparam("p"), expired_sessions.c.session_id.in_(_NAMED)
)


async def receipts_of(connection: Connection, project_id: str, session_ids: Sequence[str]) -> dict[str, Receipt]:
    """Whether there is anything to play, for each session that is or was there; others are left out."""
    if not session_ids:
        return {}
    named = {"p": project_id, "names": list(session_ids)}
    known = await connection.execute(_KEPT, named)
    found = {row.id: session_receipt(_summary(row)) for row in known}
    gone = await connection.execute(_GONE, named)
    return {row.session_id: expired_receipt(row.expired_at) for row in gone} | found


def _summary(row: object) -> Kept:
    """A session as if it were one chunk: enough to tell whether anything can be played."""
    values = row._mapping  # type: ignore[attr-defined]
    piece = Piece(
        tab_id="", seq=0, first_ms=values["first_ms"] or 0, last_ms=0, snapshot_ms=values["snapshot_ms"] or 0
    )
    is_dead = values["stage"] == Stage.DEAD
    pieces = [] if values["first_ms"] is None else [piece]
    return Kept(pieces=pieces, dropped=values["dropped"], damaged=_unreadable(values["last_error"]) if is_dead else "")


def _damage(session: Session) -> str:
    return _unreadable(session.last_error) if session.stage is Stage.DEAD else ""


def _unreadable(last_error: str) -> str:
    """``last_error`` where it says that the recording cannot be read, which a retry does not help."""
    signs = ("the stored recording", "not in the blob store", "not a JSON array")
    return last_error if any(sign in last_error for sign in signs) else ""
