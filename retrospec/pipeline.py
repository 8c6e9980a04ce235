"""The whole story of a session after it was accepted, one function per stage.

Every stage: claim, load, compute, save, name the next. A stage may run twice; its result is saved
only while the claim is held and nothing was added to the session meanwhile.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import msgspec
import structlog

from retrospec import reactions
from retrospec.analysis import Analysis, analyse
from retrospec.breather import collector_at_rest
from retrospec.capture.compress import compress, decompress
from retrospec.confirmation.ruling import Ruling, rule
from retrospec.domain.artifact import Artifact, new_artifact
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import NotFound, Unavailable
from retrospec.domain.finding import Finding, Standing
from retrospec.domain.marker import Marker
from retrospec.domain.recording import Recording
from retrospec.domain.report import ReportCard, ReportStatus
from retrospec.domain.search import Document
from retrospec.domain.session import Session, Stage
from retrospec.domain.settings import Settings
from retrospec.domain.visual import VisualResult
from retrospec.domain.window import Window, windows_around
from retrospec.issues.footmarks import UNREAD, Trail, trail_of
from retrospec.issues.judging import judge_session
from retrospec.issues.placing import place_sightings
from retrospec.issues.sightings import count
from retrospec.issues.tally import add_sighting
from retrospec.lookout import Seen
from retrospec.model_line import ModelAnswerRefused
from retrospec.report_cards import (
    analysis_document,
    apply_ruling,
    failed_report,
    text_report,
    with_outside_words,
)
from retrospec.search.documents import document_of
from retrospec.source_names import SourceNames
from retrospec.stage_claims import bury_or_postpone, kept, next_claim, seized
from retrospec.storage import issues, markers, recordings, reports, search, sessions
from retrospec.storage.blobs import Blobs, blob_key
from retrospec.storage.database import Connection, Database
from retrospec.storage.issues import Sighting, Tally
from retrospec.storage.one_writer import write_about
from retrospec.storage.recordings import StoredChunk
from retrospec.storage.reports import artifact_folder
from retrospec.storage.sessions import Claim
from retrospec.telemetry import Metrics
from retrospec.tracing import note_failure, span
from retrospec.traffic import Traffic

log = structlog.get_logger()

MAX_INFLATED_BYTES = 1 << 30

Word = Callable[[Session, Sequence[Marker], Analysis, Callable[[], Recording]], Awaitable[Analysis]]
Look = Callable[[Session, Recording, Sequence[Finding], Sequence[Window]], Awaitable[Seen]]


class Loaded(msgspec.Struct):
    """What stage 1 reads."""

    session: Session
    rows: list[StoredChunk]
    markers: list[Marker]
    offsets: dict[str, int]
    """Replay offsets by marker id, for markers that came with the client's clock."""
    trail: Trail = UNREAD
    """What the visitor used and where it came to nothing; known once the story was read."""
    document: Document | None = None
    """What the session is searched by; known then as well."""


class Judged(msgspec.Struct):
    """What stage 2 reads: stage 1's conclusions."""

    report: ReportCard | None
    findings: list[Finding]
    markers: list[Marker]


class Pipeline:
    """Walks sessions through their stages.

    ``word`` has a model word stage 1's conclusions; None where none is configured. ``look`` replays and
    judges; None where nothing can.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        blobs: Blobs,
        metrics: Metrics,
        names: SourceNames,
        word: Word | None,
        look: Look | None,
        no_look: str,
        traffic: Traffic,
        ring_courier: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._database = database
        self._blobs = blobs
        self._metrics = metrics
        self._names, self._word = names, word
        self._look = look
        self._no_look = no_look
        """Why nothing looks, in one sentence."""
        self._traffic = traffic
        self._ring_courier = ring_courier
        self._reading = asyncio.Semaphore(1)
        """Reading is the interpreter's own work: two at once would only take turns, with twice the memory."""

    async def advance(self, project_id: str, session_id: str) -> bool:
        """Do every stage that is due for this session, until none is or another worker has it; whether any was."""
        await self._traffic.calm()
        write_about(project_id)
        was_due = False
        while claim := await next_claim(self._database, self._settings.worker, project_id, session_id):
            stage = Stage.CONFIRMATION if claim.session.stage is Stage.CONFIRMATION else Stage.ANALYSIS
            named = {"project": project_id, "session": session_id, "stage": str(stage), "job": claim.owner}
            with span(f"stage {stage}", **named), structlog.contextvars.bound_contextvars(**named):
                if not await self._attempt(claim, stage):
                    return True
            was_due = True
        return was_due

    async def _attempt(self, claim: Claim, stage: Stage) -> bool:
        """Whether the session may be due again at once."""
        started = time.perf_counter()
        run = self._confirm if stage is Stage.CONFIRMATION else self._analyse
        try:
            async with kept(self._database, self._settings.worker, claim):
                return await run(claim)
        except Exception as error:  # the stage's border: recorded, retried, at last buried
            await self._fail(claim, stage, error)
            return False
        finally:
            self._metrics.stage_seconds.labels(str(stage)).observe(time.perf_counter() - started)

    async def _fail(self, claim: Claim, stage: Stage, error: Exception) -> None:
        self._metrics.stage_failures.labels(str(stage)).inc()
        note_failure(error)
        judged = await self._judged(claim.session)
        await bury_or_postpone(self._database, self._settings.worker, claim, judged.report, error)

    # ── stage 1: what happened, by the text of it ─────────────────────────────────────────

    async def _analyse(self, claim: Claim) -> bool:
        loaded = await self._load(claim.session)
        await self._names.name_waiting(claim.session, loaded.markers)
        async with self._reading:
            analysis, artifact = await asyncio.to_thread(self._read_story, loaded)
        if self._word is not None:
            said = loaded.session, loaded.markers, analysis, lambda: self._recording(loaded)
            analysis = await self._word(*said)
            artifact = await asyncio.to_thread(self._store_analysis, loaded.session, analysis)
        report = text_report(claim.session, analysis)
        if self._look is None and report.status is ReportStatus.PENDING:
            return await self._confirm_unseen(claim, report, analysis, loaded, artifact)
        stage = Stage.DONE if report.status is ReportStatus.DISCARDED else Stage.CONFIRMATION

        async def save(connection: Connection) -> bool:
            if not await self._move_on(connection, claim, stage, report):
                return False
            await markers.place(connection, claim.session.project_id, claim.session.id, loaded.offsets)
            await reports.save(connection, report, analysis.findings)
            await search.note(connection, report, loaded.document)
            if stage is Stage.DONE:
                said = connection, claim.session, report, analysis.findings, loaded.markers
                await judge_session(*said, self._settings, utc_now())
            await reports.save_artifact(connection, artifact)
            await reactions.note_session(connection, loaded.session, loaded.trail, loaded.markers, now=utc_now())
            return True

        is_saved = await self._save_or_release(claim, save, report)
        return not is_saved or stage is Stage.CONFIRMATION

    async def _load(self, session: Session) -> Loaded:
        """Rows of the session; its events stay in the blob store until a thread reads them."""

        async def read(connection: Connection) -> Loaded:
            named = connection, session.project_id, session.id
            return Loaded(
                session, await recordings.of_session(*named), *await markers.with_client_times(*named)
            )

        loaded = await self._database.read_once(read)
        first_ms = min((row.first_ms for row in loaded.rows if row.first_ms > 0), default=0)
        loaded.offsets = (
            {name: max(0, at - first_ms) for name, at in loaded.offsets.items()} if first_ms else {}
        )
        for marker in loaded.markers:
            marker.replay_offset_ms = loaded.offsets.get(marker.id, marker.replay_offset_ms)
        return loaded

    def _recording(self, loaded: Loaded) -> Recording:
        stored = (self._blobs.get_here(blob_key(row.object_key)) for row in loaded.rows)
        chunks = [decompress(blob, max_bytes=MAX_INFLATED_BYTES) for blob in stored]
        return Recording(chunks, [row.tab_id for row in loaded.rows])

    def _read_story(self, loaded: Loaded) -> tuple[Analysis, Artifact]:
        """Read the recording, judge it and store the analysis: all in one thread."""
        minimum = self._settings.analysis.min_confidence
        recording = self._recording(loaded)
        with collector_at_rest(recording.size_bytes):
            analysis = analyse(recording, loaded.markers, loaded.session, min_confidence=minimum)
        loaded.trail = trail_of(analysis.trace, analysis.footprint, loaded.session.route)
        loaded.document = document_of(loaded.session, loaded.markers, analysis.findings, analysis.trace, analysis.symptom)
        return analysis, self._store_analysis(loaded.session, analysis)

    def _store_analysis(self, session: Session, analysis: Analysis) -> Artifact:
        windows = windows_around(
            finding.t_ms for finding in analysis.findings if finding.standing is not Standing.REFUTED
        )
        document = analysis_document(session, analysis, windows, _skipped(self._no_look))
        stored = compress(msgspec.json.encode(document))
        key = f"{artifact_folder(session)}/analysis.json"
        self._blobs.put_here(blob_key(key), stored)
        return new_artifact(
            session, "analysis_json", key, windows=windows, trigger=str(document["trigger"]), size_bytes=len(stored)
        )

    # ── stage 2: did it really happen, on screen ──────────────────────────────────────────

    async def _confirm_unseen(
        self, claim: Claim, report: ReportCard, analysis: Analysis, loaded: Loaded, artifact: Artifact
    ) -> bool:
        """Stage 2 where nothing can look: it has no work of its own, so both stages end in one commit."""
        unseen = _skipped(self._no_look)
        ruling = rule(analysis.findings, unseen, self._settings.confirmation)
        apply_ruling(ruling, report, unseen)
        return await self._finish(claim, report, ruling.findings, loaded.markers, [artifact], read=loaded)

    async def _confirm(self, claim: Claim) -> bool:
        judged = await self._judged(claim.session)
        if judged.report is None:
            raise NotFound(f"Session {claim.session.id} has no report to confirm.")
        seen = await self._look_at(claim.session, judged.findings)
        ruling = rule(judged.findings, seen.result, self._settings.confirmation)
        apply_ruling(ruling, judged.report, seen.result)
        await asyncio.to_thread(self._add_verdict, claim.session, seen.result, ruling)
        return await self._finish(claim, judged.report, ruling.findings, judged.markers, seen.artifacts)

    def _add_verdict(self, session: Session, result: VisualResult, ruling: Ruling) -> None:
        """Write what the screen showed into the stored analysis."""
        key = blob_key(f"{artifact_folder(session)}/analysis.json")
        document = msgspec.json.decode(decompress(self._blobs.get_here(key), max_bytes=MAX_INFLATED_BYTES))
        document |= {
            "render": {"status": result.status, "reason": result.reason},
            "visual": result,
            "findings": ruling.findings,
            "verdict": {"status": ruling.status, "confidence": ruling.confidence, "reason": ruling.reason},
        }
        self._blobs.put_here(key, compress(msgspec.json.encode(document)))

    async def _judged(self, session: Session) -> Judged:
        async def read(connection: Connection) -> Judged:
            named = connection, session.project_id, session.id
            return Judged(*await reports.with_findings(*named), await markers.of_session(*named))

        return await self._database.read_once(read)

    async def _look_at(self, session: Session, findings: Sequence[Finding]) -> Seen:
        suspects = [finding for finding in findings if finding.standing is not Standing.REFUTED]
        if self._look is None or not suspects:
            return Seen(_skipped(self._no_look), [])
        loaded = await self._load(session)
        recording = await asyncio.to_thread(self._recording, loaded)
        windows = windows_around(f.t_ms for f in suspects)
        try:
            return await self._look(session, recording, suspects, windows)
        except (Unavailable, ModelAnswerRefused) as error:
            if session.attempt < self._settings.worker.max_attempts:
                raise
            # The text already stands: the session is not lost for want of a second opinion.
            return Seen(_skipped(f"The visual check gave no answer: {error}."), [])

    async def _finish(
        self,
        claim: Claim,
        report: ReportCard,
        findings: Sequence[Finding],
        own_markers: Sequence[Marker],
        made: Sequence[Artifact] = (),
        *,
        read: Loaded | None = None,
    ) -> bool:
        """Save the final report and, when it is ready, count the session towards its issues.

        ``read`` is what stage 1 read, where it ends in the same commit; None where that was saved before. Whether the
        session may be due again, since something arrived meanwhile.
        """
        session = claim.session
        offsets, trail, document = (read.offsets, read.trail, read.document) if read else ({}, UNREAD, None)
        counted = count(session, report, findings, own_markers, self._settings.rules)
        now, is_told = utc_now(), []

        def combine(old: Tally | None, new: Sighting) -> Tally:
            return add_sighting(old, new, self._settings.promote, now)

        async def save(connection: Connection) -> bool:
            if not await self._move_on(connection, claim, Stage.DONE, report):
                return False
            await reports.save(connection, report, list(findings))
            await search.note(connection, report, document)
            await markers.place(connection, session.project_id, session.id, offsets)
            for artifact in made:
                await reports.save_artifact(connection, artifact)
            await markers.add_found(connection, counted.found)
            await markers.set_states(connection, session.project_id, session.id, counted.states)
            await judge_session(connection, session, report, findings, own_markers, self._settings, now)
            await reactions.note_session(connection, session, trail, own_markers, now=now)
            await place_sightings(connection, counted.sightings, self._settings.promote, now)
            for sighting in counted.sightings:
                change = await issues.count_sighting(connection, sighting, combine=combine)
                is_told.append(await reactions.react(connection, session, sighting, change, findings, self._settings, now=now))
            return True

        is_saved = await self._save_or_release(claim, save, report)
        if is_saved and any(is_told):
            self._ring_courier()
        return not is_saved

    async def accept_report(self, sent: Any) -> ReportCard:
        """An outside analyzer's card: empty fields keep what was there; any status but pending settles it."""
        claim = await seized(self._database, self._settings.worker, sent.project_id, sent.session_id)
        judged = await self._judged(claim.session)
        report = with_outside_words(judged.report or failed_report(claim.session, None, ""), sent)
        if report.status is not ReportStatus.PENDING:
            await self._finish(claim, report, judged.findings, judged.markers)
            return report

        async def save(connection: Connection) -> bool:
            if not await self._move_on(connection, claim, Stage.CONFIRMATION, report):
                return False
            await reports.save(connection, report)
            return True

        await self._save_or_release(claim, save, report)
        return report

    async def _move_on(self, connection: Connection, claim: Claim, stage: Stage, report: ReportCard) -> bool:
        return await sessions.move_on(
            connection, claim, stage=stage, report_status=str(report.status), now=utc_now()
        )

    async def _save_or_release(
        self, claim: Claim, save: Callable[[Connection], Coroutine[Any, Any, bool]], report: ReportCard
    ) -> bool:
        if await self._database.write_soon(save):
            self._metrics.reports.labels(str(report.status)).inc()
            self._database.changes.note(claim.session.project_id)
            return True
        async with self._database.write() as connection:
            await sessions.release(connection, claim, now=utc_now())
        return False


def _skipped(reason: str) -> VisualResult:
    return VisualResult(status="skipped", reason=reason)
