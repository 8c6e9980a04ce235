"""Making a stored session's capsule."""

import asyncio

from retrospec.capsule.events import trim
from retrospec.capsule.page import Capsule, Tick, capsule_page
from retrospec.domain.receipt import losses_of
from retrospec.reproducing import lead_reproduction, python_test, stored_trace
from retrospec.screening.stored import read_session
from retrospec.storage import markers, receipts, recordings, reports
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.vault.store import Vault


async def make_capsule(database: Database, blobs: Blobs, vault: Vault, project_id: str, session_id: str, *, whole: bool = False) -> bytes:
    """The HTML file. Raises NotFound, CorruptRecording, Unavailable."""
    session, recording, findings = await read_session(database, blobs, vault, project_id, session_id)
    async with database.read() as connection:
        report = await reports.of_session(connection, project_id, session_id)
        seen, _ = await markers.with_client_times(connection, project_id, session_id)
        redactions = await recordings.redaction_report(connection, project_id, session_id)
        kept = await receipts.kept_of(connection, session)
        made = await reports.artifacts_of(connection, project_id, session_id)
    trace = await stored_trace(blobs, made)
    way = lead_reproduction(trace, findings) if trace is not None else None
    ticks = [Tick(t_ms=one.replay_offset_ms, kind=one.kind.value, label=one.label, state=one.state) for one in seen]
    shown = [tick.t_ms for tick in ticks if tick.state != "refuted"] or [tick.t_ms for tick in ticks]
    trimmed = await asyncio.to_thread(trim, recording, shown, whole=whole)
    capsule = Capsule(
        session=session,
        report=report,
        ticks=ticks,
        way=way,
        test=python_test(way, session_id=session_id, symptom=report.symptom if report else "") if way else "",
        redactions=redactions,
        losses=losses_of(kept),
        recording=trimmed,
    )
    return await asyncio.to_thread(capsule_page, capsule)
