"""A recording in pieces, as lines of JSON: the player shows the first picture while the rest still comes.

The first line tells what there is: ``{"pieces": [{"first", "last", "snapshot", "bytes"}…], "open": …}``, by time. Each
further one is ``{"n": piece, "whole": is its last line, "events": […]}``, from the piece asked for to the end.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from retrospec.domain.errors import NotFound
from retrospec.domain.rrweb import EventType
from retrospec.domain.session import Stage
from retrospec.storage import recordings, sessions
from retrospec.storage.blobs import Blobs
from retrospec.storage.recordings import StoredChunk
from retrospec.vault.dressing import Dresser
from retrospec.web.pages.guard import blobs_of, database_of
from retrospec.web.pages.recording import FILE_HEADERS, inside, looks_note, vault_of
from retrospec.web.pages.rendering import AnyRequest, Frame

LINE_BYTES = 512 * 1024
"""Of events in a line, about: what a browser parses in a few milliseconds."""
LEVEL = 1
"""Of gzip: 100 MB/s here, where level 4 makes a tenth less of it at a third of the speed."""
MOST_PIECES = 100_000


class Piece(msgspec.Struct):
    """One stored chunk, for whoever must choose which to load."""

    first: int
    """Client epoch ms; 0 where its events carry no time."""
    last: int
    snapshot: int
    """Of its first whole picture; 0 none, -1 unknown."""
    bytes: int


class Head(msgspec.Struct):
    """The first line."""

    pieces: list[Piece]
    open: bool
    """Whether the visit goes on: more pieces may come."""


@get("/sessions/{session_id:str}/stream", opt={"packs_itself": True})
async def stream_pieces(
    request: AnyRequest,
    frame: NamedDependency[Frame],
    session_id: FromPath[str],
    start: FromQuery[int] = 0,
    end: FromQuery[int] = MOST_PIECES,
    at: FromQuery[int] = 0,
) -> Stream:
    """Pieces ``start`` up to but not with ``end``, dressed for showing. Raises NotFound.

    ``at``, ms from the session's first event, asks instead for the piece that its replay begins with and those after it.
    """
    assert frame.project is not None
    project_id = frame.project.id
    async with database_of(request).read() as connection:
        session = await sessions.find(connection, project_id, session_id)
        if session is None:
            raise NotFound("There is no such session in this project.")
        chunks = await recordings.of_session(connection, project_id, session_id)
    chunks.sort(key=lambda chunk: (chunk.first_ms, chunk.tab_id, chunk.seq))
    head = Head([Piece(c.first_ms, c.last_ms, c.snapshot_ms, c.inflated_bytes) for c in chunks], session.stage is Stage.RECORDING)
    prefix = f"/p/{project_id}/sessions/{session_id}/assets/"
    dresser = await vault_of(request).dresser(project_id, session_id, prefix=prefix)
    if at > 0:
        start = base_of(chunks, at)
    wanted = list(enumerate(chunks))[max(0, start) : max(0, end)]
    lines = _lines(blobs_of(request), head, wanted, dresser)
    headers = FILE_HEADERS | {"Cache-Control": "private, no-store", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        lines, headers = _packed(lines), headers | {"Content-Encoding": "gzip"}
    return Stream(lines, media_type="application/x-ndjson", headers=headers)


def base_of(chunks: Sequence[StoredChunk], at_ms: int) -> int:
    """Of chunks by time the last one before that moment that holds a whole picture; the first where none is known to."""
    zero = next((chunk.first_ms for chunk in chunks if chunk.first_ms > 0), 0)
    pictures = [n for n, chunk in enumerate(chunks) if 0 < chunk.snapshot_ms <= zero + at_ms]
    return pictures[-1] if pictures else 0


async def _lines(
    blobs: Blobs, head: Head, wanted: Sequence[tuple[int, StoredChunk]], dresser: Dresser
) -> AsyncIterator[bytes]:
    yield msgspec.json.encode(head) + b"\n"
    cut = picture_first
    for number, chunk in wanted:
        events = await asyncio.to_thread(dresser.dress, await inside(blobs, chunk))
        parts, cut = await asyncio.to_thread(cut, events), split_events
        for place, part in enumerate(parts, 1):
            yield b'{"n":%d,"whole":%b,"events":[%b]}\n' % (number, b"true" if place == len(parts) else b"false", part)
    if wanted and any(dresser.missing.values()):
        number, chunk = wanted[-1]
        yield b'{"n":%d,"whole":true,"events":[%b]}\n' % (number, looks_note(dresser, chunk.last_ms))


class _Kind(msgspec.Struct):
    type: int = -1


def picture_first(events: bytes) -> list[bytes]:
    """As ``split_events``, but the first part ends as soon as a replay can begin: with the event after the first whole picture."""
    each = msgspec.json.decode(b"[%b]" % events, type=list[msgspec.Raw])
    kinds = msgspec.json.Decoder(_Kind)
    picture = next((n for n, event in enumerate(each) if kinds.decode(event).type == EventType.FULL_SNAPSHOT), None)
    if picture is None or picture + 2 >= len(each):
        return split_events(events)
    return [b",".join(each[: picture + 2]), *split_events(b",".join(each[picture + 2 :]))]


def split_events(events: bytes) -> list[bytes]:
    """The inside of a JSON array, cut between events into parts of about ``LINE_BYTES``; at least one, maybe empty."""
    return [b",".join(part) for part in _parts(events)] if len(events) > 2 * LINE_BYTES else [events]


def _parts(events: bytes) -> Iterator[list[msgspec.Raw]]:
    part: list[msgspec.Raw] = []
    size = 0
    for event in msgspec.json.decode(b"[%b]" % events, type=list[msgspec.Raw]):
        part.append(event)
        size += len(memoryview(event))
        if size >= LINE_BYTES:
            yield part
            part, size = [], 0
    yield part


async def _packed(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """As gzip, each line readable as soon as it has come; what costs time is done in a thread."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16)

    def pack(line: bytes) -> bytes:
        return packer.compress(line) + packer.flush(zlib.Z_SYNC_FLUSH)

    async for line in lines:
        yield await asyncio.to_thread(pack, line)
    yield packer.flush()
