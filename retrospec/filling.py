"""Documents for sessions that were judged before there were any, or were given up: searched like the others.

Newest first and in small steps, so that a large installation stays usable while it catches up after an upgrade.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import structlog

from retrospec.capture.compress import decompress
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import RetroSpecError
from retrospec.domain.finding import Finding
from retrospec.domain.search import Document
from retrospec.domain.session import Session
from retrospec.domain.trace import Trace
from retrospec.search.documents import document_of
from retrospec.storage import markers, reports, search
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Connection, Database

log = structlog.get_logger()

AT_ONCE = 100
PAUSE_S = 0.2
AGAIN_S = 3_600.0
FIRST_S = 5.0
GIVEN_UP_WITHIN = timedelta(days=2)
"""Of its arrival a session has spent its attempts: none older lacks a document once all had one."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
MAX_ANALYSIS_BYTES = 64 << 20


class _Story(msgspec.Struct):
    """What of a stored analysis is searched."""

    trace: Trace | None = None
    findings: list[Finding] = []


async def fill(database: Database, blobs: Blobs, *, since: datetime = LONG_AGO, pause_s: float = 0.0) -> int:
    """Give every judged session that came ``since`` and lacks one its document; how many were given."""
    before: tuple[datetime, str] | None = (utc_now() + timedelta(days=1), "")
    filled = 0
    while before is not None and before[0] >= since:
        lacking, before = await database.read_once(partial(search.without_document, before=before, limit=AT_ONCE))
        for session in lacking:
            filled += await _give(database, blobs, session)
        await asyncio.sleep(pause_s)
    return filled


async def _give(database: Database, blobs: Blobs, session: Session) -> bool:
    async def read(connection: Connection) -> Any:
        named = connection, session.project_id, session.id
        return await markers.of_session(*named), await reports.of_session(*named), await reports.latest_artifact(*named, "analysis_json")

    seen, report, artifact = await database.read_once(read)
    story = await asyncio.to_thread(_story, blobs, f"{artifact.artifact_key}.zst") if artifact is not None else _Story()
    document: Document = document_of(session, seen, story.findings, story.trace, report.symptom if report else "")

    async def write(connection: Connection) -> None:
        await search.save(connection, document)

    await database.write_soon(write)
    return True


def _story(blobs: Blobs, key: str) -> _Story:
    """The stored story; nothing where it has gone or cannot be read: the rest is searched all the same."""
    try:
        stored: Mapping[str, Any] = msgspec.json.decode(decompress(blobs.get_here(key), max_bytes=MAX_ANALYSIS_BYTES))
        return msgspec.convert(stored, _Story)
    except (RetroSpecError, msgspec.MsgspecError, OSError, ValueError):
        return _Story()


async def fill_forever(database: Database, blobs: Blobs) -> None:
    """After the start all of them, and now and then the latest: a session that was given up is filled in as well."""
    await asyncio.sleep(FIRST_S)
    since = LONG_AGO
    while True:
        began = utc_now()
        try:
            async with database.alone("fill_search") as is_ours:
                filled = await fill(database, blobs, since=since, pause_s=PAUSE_S) if is_ours else 0
            since = began - GIVEN_UP_WITHIN if is_ours else since
            if filled:
                log.info("search_filled", sessions=filled)
        except RetroSpecError as error:
            log.warning("search_filling_postponed", reason=str(error))
        await asyncio.sleep(AGAIN_S)
