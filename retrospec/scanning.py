"""Looks through what is stored for what today's redaction rules would have removed."""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from retrospec.capture.compress import compress, decompress
from retrospec.capture.redaction import redact_events
from retrospec.capture.rules import RedactionRules, RuleChanges, rules_of
from retrospec.domain.errors import CorruptRecording, NotFound
from retrospec.domain.settings import CaptureSettings
from retrospec.rulebook import changes_of
from retrospec.storage import projects, recordings
from retrospec.storage.blobs import Blobs, blob_key
from retrospec.storage.database import Database
from retrospec.storage.recordings import StoredChunk

MAX_INFLATED_BYTES = 1 << 30
BATCH = 200


class Scanned(msgspec.Struct):
    """One stored piece in which something was found, or that could not be read."""

    project_id: str
    session_id: str
    object_key: str
    counts: dict[str, int]
    problem: str = ""
    is_mended: bool = False


async def scan(
    database: Database, blobs: Blobs, capture: CaptureSettings, *, project_id: str, mend: bool
) -> AsyncIterator[Scanned]:
    """Every stored recording of a project in which today's rules find something.

    With ``mend`` the recording is replaced by its redacted self. Whoever has a server running may go on using it.
    """
    rules = await _rules(database, capture, project_id)
    after: tuple[str, str, int] = ("", "", -1)
    while True:
        async with database.read() as connection:
            chunks = await recordings.of_project(connection, project_id, after=after, limit=BATCH)
        if not chunks:
            return
        for chunk in chunks:
            found = await _scan_one(database, blobs, chunk, rules, mend=mend)
            if found.counts or found.problem:
                yield found
        after = (chunks[-1].session_id, chunks[-1].tab_id, chunks[-1].seq)


async def _rules(database: Database, capture: CaptureSettings, project_id: str) -> RedactionRules:
    async with database.read() as connection:
        if await projects.find_project(connection, project_id) is None:
            raise NotFound(f"There is no project {project_id!r}.", hint="retrospec project list shows them.")
        stored = await projects.redaction_of(connection, project_id)
    own = RuleChanges(
        fields=tuple(capture.redact_fields),
        patterns=tuple(capture.redact_patterns),
        without=tuple(capture.redact_except),
    )
    return rules_of(own, changes_of(stored))


async def _scan_one(
    database: Database, blobs: Blobs, chunk: StoredChunk, rules: RedactionRules, *, mend: bool
) -> Scanned:
    scanned = Scanned(chunk.project_id, chunk.session_id, chunk.object_key, {})
    try:
        stored = await blobs.get(blob_key(chunk.object_key))
        events = await asyncio.to_thread(decompress, stored, max_bytes=MAX_INFLATED_BYTES)
        redacted = await asyncio.to_thread(redact_events, events, rules)
    except (NotFound, CorruptRecording) as error:
        scanned.problem = error.message
        return scanned
    scanned.counts = redacted.counts
    if mend and redacted.counts:
        fresh = await asyncio.to_thread(compress, redacted.events_json)
        await blobs.put(blob_key(chunk.object_key), fresh)
        async with database.write() as connection:
            await recordings.note_mended(connection, chunk, fresh, redacted.counts)
        scanned.is_mended = True
    return scanned
