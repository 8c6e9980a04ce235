"""A session's events and files, for the player."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from retrospec.capture.compress import decompress
from retrospec.domain.artifact import Artifact
from retrospec.domain.errors import CorruptRecording, NotFound
from retrospec.storage import recordings, reports, sessions
from retrospec.storage.blobs import Blobs, blob_key
from retrospec.storage.recordings import StoredChunk
from retrospec.vault.dressing import Dresser
from retrospec.vault.store import Vault
from retrospec.web.pages.guard import blobs_of, database_of, settings_of
from retrospec.web.pages.rendering import AnyRequest, Frame
from retrospec.web.ranges import PACKS_ITSELF, packed_json, stored_file

MAX_INFLATED_BYTES = 1 << 30
GAP_TAG = "retrospec.gap"
"""Custom event in place of a chunk that is gone or damaged, so that the page can say so."""
LOOKS_TAG = "retrospec.looks"
"""Custom event at the end: how many pictures, fonts and styles the page had that the vault lacks."""
RAW = "raw"

SHOWN_TYPES = frozenset({"application/json", "image/webp", "image/png", "image/jpeg", "video/webm", "video/mp4"})
FILE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, max-age=3600",
}
ASSET_HEADERS = FILE_HEADERS | {"Cache-Control": "private, max-age=31536000, immutable"}


async def read_compressed(blobs: Blobs, object_key: str) -> bytes:
    """The content stored under ``object_key``. Raises NotFound or CorruptRecording."""
    stored = await blobs.get(blob_key(object_key))
    return await asyncio.to_thread(decompress, stored, max_bytes=MAX_INFLATED_BYTES)


def vault_of(request: AnyRequest) -> Vault:
    """The installation's vault."""
    return Vault(settings_of(request), database_of(request), blobs_of(request))


@get("/sessions/{session_id:str}/events.json")
async def stream_events(
    request: AnyRequest, frame: NamedDependency[Frame], session_id: FromPath[str], form: FromQuery[str] = ""
) -> Stream:
    """All events as one JSON array, chunk by chunk. Raises NotFound.

    For the player, with addresses of what the vault holds pointing there; ``form=raw`` is as stored.
    """
    assert frame.project is not None
    project_id = frame.project.id
    async with database_of(request).read() as connection:
        if await sessions.find(connection, project_id, session_id) is None:
            raise NotFound("There is no such session in this project.")
        chunks = await recordings.of_session(connection, project_id, session_id)
    headers = FILE_HEADERS | {"Cache-Control": "private, no-cache"}
    prefix = f"/p/{project_id}/sessions/{session_id}/assets/"
    dresser = None
    if form != RAW:
        dresser = await vault_of(request).dresser(project_id, session_id, prefix=prefix)
    return Stream(_joined(blobs_of(request), chunks, dresser), media_type="application/json", headers=headers)


async def _joined(blobs: Blobs, chunks: Sequence[StoredChunk], dresser: Dresser | None) -> AsyncIterator[bytes]:
    yield b"["
    is_first = True
    for chunk in chunks:
        events = await inside(blobs, chunk)
        if not events:
            continue
        if dresser is not None:
            events = await asyncio.to_thread(dresser.dress, events)
        yield events if is_first else b"," + events
        is_first = False
    if dresser is not None and any(dresser.missing.values()):
        yield (b"" if is_first else b",") + looks_note(dresser, max(chunk.last_ms for chunk in chunks))
    yield b"]"


def looks_note(dresser: Dresser, last_ms: int) -> bytes:
    """The event that tells how much of the page's looks the vault lacks."""
    payload = {sort: len(urls) for sort, urls in dresser.missing.items()}
    return msgspec.json.encode({"type": 5, "timestamp": last_ms, "data": {"tag": LOOKS_TAG, "payload": payload}})


@get("/sessions/{session_id:str}/assets/{sha256:str}")
async def show_asset(
    request: AnyRequest, frame: NamedDependency[Frame], session_id: FromPath[str], sha256: FromPath[str]
) -> Response[bytes]:
    """A picture, font or stylesheet of the recorded page, as the visitor's browser had it. Raises NotFound."""
    assert frame.project is not None
    content = await vault_of(request).open_asset(frame.project.id, session_id, sha256)
    return Response(content.body, media_type=content.content_type, headers=ASSET_HEADERS)


async def inside(blobs: Blobs, chunk: StoredChunk) -> bytes:
    """The events of a chunk without the brackets around them; a note in their place where they can't be read."""
    try:
        return (await read_compressed(blobs, chunk.object_key)).strip()[1:-1].strip()
    except (NotFound, CorruptRecording) as error:
        payload = {"events": chunk.event_count, "reason": error.message}
        gap = {"type": 5, "timestamp": chunk.first_ms, "data": {"tag": GAP_TAG, "payload": payload}}
        return msgspec.json.encode(gap)


@get("/sessions/{session_id:str}/artifacts/{artifact_id:str}", opt=PACKS_ITSELF)
async def show_artifact(
    request: AnyRequest, frame: NamedDependency[Frame], session_id: FromPath[str], artifact_id: FromPath[str]
) -> Response[bytes]:
    """A file made from the session; videos and pictures answer byte ranges, so that seeking works."""
    assert frame.project is not None
    async with database_of(request).read() as connection:
        made = await reports.artifacts_of(connection, frame.project.id, session_id)
    artifact = next((one for one in made if one.id == artifact_id and one.status == "ready"), None)
    if artifact is None:
        raise NotFound("There is no such file of this session.")
    if artifact.content_type == "application/json":
        content = await read_compressed(blobs_of(request), artifact.artifact_key)
        return await packed_json(content, request.headers.get("Accept-Encoding", ""), FILE_HEADERS)
    return await _media(blobs_of(request), artifact, request.headers.get("Range", ""))


async def _media(blobs: Blobs, artifact: Artifact, wanted: str) -> Response[bytes]:
    is_shown = artifact.content_type in SHOWN_TYPES
    media_type = artifact.content_type if is_shown else "application/octet-stream"
    return await stored_file(blobs, artifact, wanted, media_type=media_type, headers=FILE_HEADERS)
