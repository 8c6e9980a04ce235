"""A stored session's reproduction: its trace from the blob store, its findings from the database."""

import asyncio

import msgspec

from retrospec.analysis.stage import lead_of
from retrospec.capture.compress import decompress
from retrospec.domain.artifact import Artifact
from retrospec.domain.errors import CorruptRecording, NotFound
from retrospec.domain.finding import Finding, Standing
from retrospec.domain.trace import Trace
from retrospec.domain.visual import VisualResult
from retrospec.reproduction import Reproduction, python_test, reproduce
from retrospec.storage import reports
from retrospec.storage.blobs import Blobs, blob_key
from retrospec.storage.database import Database

MAX_ANALYSIS_BYTES = 1 << 28


class Analysed(msgspec.Struct, forbid_unknown_fields=False):
    """What is kept of a session's analysis."""

    trace: Trace = msgspec.field(default_factory=Trace)
    visual: VisualResult | None = None
    """None where the screen was not looked at."""


def lead_reproduction(trace: Trace, findings: list[Finding], finding_id: str = "") -> Reproduction | None:
    """Of the finding asked for, else of the strongest that stands; None where none stands or no page was recorded."""
    standing = [finding for finding in findings if finding.standing is not Standing.REFUTED]
    chosen = next((f for f in standing if f.id == finding_id), None) if finding_id else lead_of(standing)
    return reproduce(trace, chosen) if chosen is not None else None


async def stored_reproduction(database: Database, blobs: Blobs, project_id: str, session_id: str, finding_id: str = "") -> tuple[Reproduction, str]:
    """The plan, and the symptom of the session's report. Raises NotFound where there is nothing to reproduce."""
    async with database.read() as connection:
        report, findings = await reports.with_findings(connection, project_id, session_id)
        made = await reports.artifacts_of(connection, project_id, session_id)
    trace = await stored_trace(blobs, made)
    plan = lead_reproduction(trace, findings, finding_id) if trace is not None else None
    if plan is None:
        raise NotFound(f"There is no failure in session {session_id} whose way could be told.", hint="Its story may still be written, or nothing failed.")
    return plan, report.symptom if report else ""


async def stored_trace(blobs: Blobs, made: list[Artifact]) -> Trace | None:
    """The newest trace of a session, by its artifacts; None where none is kept or can be read."""
    analysed = await stored_analysis(blobs, made)
    return analysed.trace if analysed else None


async def stored_analysis(blobs: Blobs, made: list[Artifact]) -> Analysed | None:
    """The newest analysis of a session, by its artifacts; None where none is kept or can be read."""
    newest = next((one for one in made if one.artifact_type == "analysis_json" and one.status == "ready"), None)
    if newest is None:
        return None
    try:
        stored = await blobs.get(blob_key(newest.artifact_key))
        document = await asyncio.to_thread(decompress, stored, max_bytes=MAX_ANALYSIS_BYTES)
        return msgspec.json.decode(document, type=Analysed)
    except (NotFound, CorruptRecording, msgspec.MsgspecError):
        return None


def test_file_name(session_id: str) -> str:
    """A name that pytest collects."""
    return f"test_{''.join(letter if letter.isascii() and letter.isalnum() else '_' for letter in session_id)[:60]}.py"


__all__ = ["Analysed", "lead_reproduction", "python_test", "stored_analysis", "stored_reproduction", "stored_trace", "test_file_name"]
