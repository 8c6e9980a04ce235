"""A stored session's recording, read back for the screen."""

import asyncio

from retrospec.capture.compress import decompress
from retrospec.domain.errors import NotFound
from retrospec.domain.finding import Finding, Standing
from retrospec.domain.recording import Recording
from retrospec.domain.session import Session
from retrospec.storage import recordings, reports, sessions
from retrospec.storage.blobs import Blobs, blob_key
from retrospec.storage.database import Database
from retrospec.storage.recordings import StoredChunk
from retrospec.vault.store import Vault

MAX_INFLATED_BYTES = 1 << 30


async def read_session(
    database: Database, blobs: Blobs, vault: Vault, project_id: str, session_id: str
) -> tuple[Session, Recording, list[Finding]]:
    """The session, its recording as its visitor saw it, and what stage 1 still suspects.

    Raises NotFound, CorruptRecording, Unavailable.
    """
    async with database.read() as connection:
        session = await sessions.find(connection, project_id, session_id)
        if session is None:
            raise NotFound(f"There is no session {session_id!r} in this project, or it has expired.")
        rows = await recordings.of_session(connection, project_id, session_id)
        _, findings = await reports.with_findings(connection, project_id, session_id)
    recording = await vault.dress(session, await asyncio.to_thread(read_chunks, blobs, rows))
    return session, recording, [finding for finding in findings if finding.standing is not Standing.REFUTED]


def read_chunks(blobs: Blobs, rows: list[StoredChunk]) -> Recording:
    """The events behind ``rows``; blocks."""
    stored = (blobs.get_here(blob_key(row.object_key)) for row in rows)
    chunks = [decompress(blob, max_bytes=MAX_INFLATED_BYTES) for blob in stored]
    return Recording(chunks, [row.tab_id for row in rows])
