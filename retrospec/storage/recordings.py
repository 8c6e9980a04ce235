"""Recordings: the chunks of events a session consists of, as rows that point at blobs."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import bindparam, delete, literal, select, tuple_, update

from retrospec.storage.database import Connection
from retrospec.storage.tables import chunks, sessions
from retrospec.storage.upsert import insert_and_tell, upsert


class StoredChunk(msgspec.Struct, kw_only=True):
    """One stored piece of a recording; a v1 upload is chunk 0 of tab ``""``."""

    project_id: str
    session_id: str
    tab_id: str
    seq: int
    segment: int
    object_key: str
    """Where its compressed JSON array lies in the blob store."""
    sha256: str
    """Of the bytes as stored."""
    size_bytes: int
    inflated_bytes: int
    event_count: int
    first_ms: int
    """Client epoch ms of its earliest event; 0 where events carry no time."""
    last_ms: int
    snapshot_ms: int
    """Client epoch ms of its first whole picture of a page; 0 where it has none, -1 where that was not looked at."""
    created_at: datetime
    redactions: dict[str, int] = {}
    """What was replaced before it was stored, by kind."""


_FIELDS = [field.name for field in msgspec.structs.fields(StoredChunk)]
_OF_SESSION = (
    select(*[chunks.c[name] for name in _FIELDS])
    .where(chunks.c.project_id == bindparam("p"), chunks.c.session_id == bindparam("s"))
    .order_by(chunks.c.tab_id, chunks.c.seq)
)
_UPLOAD = select(chunks.c.object_key, chunks.c.sha256).where(
    chunks.c.project_id == bindparam("p"),
    chunks.c.session_id == bindparam("s"),
    chunks.c.tab_id == "",
    chunks.c.seq == 0,
)


async def of_session(connection: Connection, project_id: str, session_id: str) -> list[StoredChunk]:
    """The session's chunks, by tab and number."""
    found = await connection.execute(_OF_SESSION, {"p": project_id, "s": session_id})
    return [StoredChunk(**row._mapping) for row in found]


_REDACTIONS = select(chunks.c.redactions).where(chunks.c.project_id == bindparam("p"), chunks.c.session_id == bindparam("s"))


async def redaction_report(connection: Connection, project_id: str, session_id: str) -> dict[str, int]:
    """What was replaced in a session before it was stored, by kind, most first."""
    found = await connection.execute(_REDACTIONS, {"p": project_id, "s": session_id})
    total: Counter[str] = Counter()
    for row in found:
        total.update(row.redactions)
    return dict(total.most_common())


async def of_project(
    connection: Connection, project_id: str, *, after: tuple[str, str, int], limit: int
) -> list[StoredChunk]:
    """A project's chunks past ``(session, tab, number)``, in that order."""
    place = tuple_(chunks.c.session_id, chunks.c.tab_id, chunks.c.seq)
    found = await connection.execute(
        select(*[chunks.c[name] for name in _FIELDS])
        .where(chunks.c.project_id == project_id, place > tuple_(*map(literal, after)))
        .order_by(chunks.c.session_id, chunks.c.tab_id, chunks.c.seq)
        .limit(limit)
    )
    return [StoredChunk(**row._mapping) for row in found]


async def note_mended(
    connection: Connection, chunk: StoredChunk, stored: bytes, counts: dict[str, int]
) -> None:
    """A chunk's blob was replaced by ``stored``, from which ``counts`` more were removed."""
    total = Counter(chunk.redactions)
    total.update(counts)
    await connection.execute(
        update(chunks)
        .where(
            chunks.c.project_id == chunk.project_id,
            chunks.c.session_id == chunk.session_id,
            chunks.c.tab_id == chunk.tab_id,
            chunks.c.seq == chunk.seq,
        )
        .values(
            sha256=hashlib.sha256(stored).hexdigest(), size_bytes=len(stored), redactions=dict(total)
        )
    )


async def replace_uploads(connection: Connection, uploads: Sequence[StoredChunk]) -> list[str]:
    """Make each its session's v1 upload; the key of the blob it replaces when that is another, else ``""``."""
    is_new = await add_chunks(connection, uploads)
    return ["" if new else await _replace_upload(connection, chunk) for chunk, new in zip(uploads, is_new, strict=True)]


async def _replace_upload(connection: Connection, chunk: StoredChunk) -> str:
    old = (await connection.execute(_UPLOAD, {"p": chunk.project_id, "s": chunk.session_id})).first()
    await connection.execute(
        upsert(connection, chunks, replaced=tuple(_FIELDS)), msgspec.structs.asdict(chunk)
    )
    if old is None or old.object_key == chunk.object_key:
        return ""
    await connection.execute(
        update(sessions)
        .where(sessions.c.project_id == chunk.project_id, sessions.c.id == chunk.session_id)
        .values(events_object_key=chunk.object_key)
    )
    return str(old.object_key)


async def add_chunks(connection: Connection, added: Sequence[StoredChunk]) -> list[bool]:
    """Add numbered chunks of a project; False for each whose number is already stored."""
    told = await connection.execute(
        insert_and_tell(connection, chunks, told=("session_id", "tab_id", "seq")), [msgspec.structs.asdict(chunk) for chunk in added]
    )
    new = {(row.session_id, row.tab_id, row.seq) for row in told}
    is_new = []
    for chunk in added:
        name = chunk.session_id, chunk.tab_id, chunk.seq
        is_new.append(name in new)
        new.discard(name)  # of two of one number that came together, the first was stored
    return is_new


async def abandoned_uploads(connection: Connection, *, before: datetime, limit: int) -> list[StoredChunk]:
    """Chunks older than ``before`` whose session never came."""
    known = select(sessions.c.id).where(
        sessions.c.project_id == chunks.c.project_id, sessions.c.id == chunks.c.session_id
    )
    found = await connection.execute(
        select(*[chunks.c[name] for name in _FIELDS])
        .where(chunks.c.created_at < before, ~known.exists())
        .order_by(chunks.c.created_at)
        .limit(limit)
    )
    return [StoredChunk(**row._mapping) for row in found]


async def forget_chunks(connection: Connection, named: Sequence[StoredChunk]) -> None:
    """Remove the rows of these chunks."""
    for chunk in named:
        await connection.execute(
            delete(chunks).where(
                chunks.c.project_id == chunk.project_id,
                chunks.c.session_id == chunk.session_id,
                chunks.c.tab_id == chunk.tab_id,
                chunks.c.seq == chunk.seq,
            )
        )
