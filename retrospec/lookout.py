"""The lookout: replays a session's suspicious moments, judges what the screen showed, keeps the pictures."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import msgspec

from retrospec.domain.artifact import Artifact, new_artifact
from retrospec.domain.finding import Finding
from retrospec.domain.footage import Footage
from retrospec.domain.recording import Recording
from retrospec.domain.session import Session
from retrospec.domain.settings import Settings
from retrospec.domain.visual import FindingVerdict, Frame, VisualResult
from retrospec.domain.window import Window, windows_around
from retrospec.model_line import ModelLine
from retrospec.replay.found import find_browser, why_no_browser
from retrospec.screening.room import RenderRoom
from retrospec.storage.blobs import Blobs
from retrospec.storage.reports import artifact_folder

if TYPE_CHECKING:
    from retrospec.confirmation.models import ModelAnswer, VideoArtifact

# Playwright, PyAV, NumPy and Pillow cost 35 MB: they are imported at the first look, so that a server
# that never looks stays small.

BUILT_IN = "builtin"
MOST_ASKED = 3
"""A session's strongest findings are put to a visual model; the built-in verdict stays for the others."""

Publish = Callable[[Artifact], Awaitable[str]]
"""Saves the row of a stored artifact; answers the signed address at which a model can fetch it."""


class Seen(msgspec.Struct):
    """What was learnt, and the pictures it rests on (stored, their rows not yet)."""

    result: VisualResult
    artifacts: list[Artifact]


class Lookout:
    """Looks from the render room; see ``why_not`` before building one."""

    def __init__(
        self, settings: Settings, blobs: Blobs, line: ModelLine, room: RenderRoom, publish: Publish | None
    ) -> None:
        """``publish`` is None where no server could hand a video out: then none is filmed for a model."""
        self._settings = settings
        self._blobs = blobs
        self._line = line
        self._room = room
        self._publish = publish

    async def look(
        self,
        session: Session,
        recording: Recording,
        findings: Sequence[Finding],
        windows: Sequence[Window],
    ) -> Seen:
        """Replay and judge ``findings``. Never raises for what a recording or the browser does.

        A configured model that fails: ``Unavailable`` or ``ModelAnswerRefused``.
        """
        refusal = await self._room.spend(session.project_id)
        if refusal:
            return Seen(VisualResult(status="skipped", reason=refusal, windows=list(windows)), [])
        async with self._room.place() as renderer:
            footage = await renderer.look(recording, findings, windows)
        seen = await asyncio.to_thread(self._judge, session, footage, findings, windows)
        checker = self._settings.confirmation.checker
        if checker == "openai" and seen.result.verdicts:
            await self._ask_about_frames(seen.result, findings)
        elif checker == "remote_visual" and seen.result.verdicts and self._publish is not None:
            await self._ask_about_film(session, recording, findings, seen, self._publish)
        return seen

    # ── a second opinion, where a model is configured ─────────────────────────────────────

    async def _ask_about_frames(self, result: VisualResult, findings: Sequence[Finding]) -> None:
        """Show a chat model the pictures that the built-in checker chose."""
        from retrospec.confirmation.models import ask_openai_vision

        result.checker = "openai"
        framed = {verdict.finding_id: verdict.frames for verdict in result.verdicts if verdict.frames}
        for finding in strongest(findings):
            frames = framed.get(finding.id, [])
            if frames:
                pictures = [await self._blobs.get(frame.image) for frame in frames]
                confirmation = self._settings.confirmation
                answer = await ask_openai_vision(
                    self._line.client(), confirmation, finding, frames, pictures
                )
                self._take(answer, finding, result)

    async def _ask_about_film(
        self,
        session: Session,
        recording: Recording,
        findings: Sequence[Finding],
        seen: Seen,
        publish: Publish,
    ) -> None:
        """Film the strongest findings and have a ``retrospec.visual.v1`` endpoint watch; what a cut left out is not asked."""
        from retrospec.confirmation.models import VisualRequest, ask_remote_visual

        result = seen.result
        result.checker = "remote_visual"
        video = await self._film(session, recording, findings, result)
        if video is None:
            return
        seen.artifacts.append(video)
        where = _video_artifact(await publish(video), video.artifact_key, self._settings.blobs_url)
        for finding in strongest(findings):
            if not any(shown.start_ms <= finding.t_ms <= shown.end_ms for shown in video.windows):
                continue
            request = VisualRequest(
                project_id=session.project_id,
                session_id=session.id,
                site=session.site,
                route=session.route,
                trigger_kind=finding.kind.value,
                marker_offsets_ms=[finding.t_ms],
                marker_windows=video.windows,
                generated_at=video.generated_at,
                video_artifact=where,
            )
            answer = await ask_remote_visual(self._line.client(), self._settings.confirmation, request)
            self._take(answer, finding, result)

    async def _film(
        self, session: Session, recording: Recording, findings: Sequence[Finding], result: VisualResult
    ) -> Artifact | None:
        """The stored video of the strongest findings' windows; without one ``result`` says why and has no verdicts."""
        with tempfile.TemporaryDirectory(prefix="retrospec-film-") as folder:
            out = Path(folder, "replay.webm")
            wanted = windows_around(finding.t_ms for finding in strongest(findings))
            async with self._room.place() as renderer:
                film = await renderer.film(recording, wanted, out, findings=findings)
            if film.status != "ready":
                result.status, result.verdicts = film.status, []
                result.reason = f"There is no video for the visual model to watch: {film.reason}."
                return None
            content = await asyncio.to_thread(out.read_bytes)
        key = f"{artifact_folder(session)}/replay.webm"
        await self._blobs.put(key, content)
        shown = [Window(each.start_ms, min(each.end_ms, film.end_ms)) for each in wanted if each.start_ms < film.end_ms]
        return new_artifact(
            session, "replay_video", key, windows=shown, trigger=strongest(findings)[0].kind.value,
            size_bytes=len(content), content_type=film.content_type,
        )  # fmt: skip

    def _take(self, answer: "ModelAnswer", finding: Finding, result: VisualResult) -> None:
        """The model's word in place of the built-in one, for ``finding`` and what it caused."""
        from retrospec.confirmation.models import as_verdict

        minimum = self._settings.confirmation.min_confidence
        moment = {finding.id, *finding.symptom_ids}
        result.verdicts = [
            as_verdict(answer, verdict.finding_id, verdict.frames, min_confidence=minimum)
            if verdict.finding_id in moment
            else verdict
            for verdict in result.verdicts
        ]

    # ── the built-in checker ──────────────────────────────────────────────────────────────

    def _judge(
        self, session: Session, footage: Footage, findings: Sequence[Finding], windows: Sequence[Window]
    ) -> Seen:
        from retrospec.confirmation.checker import check

        minimum = self._settings.confirmation.min_confidence
        verdicts = check(footage, findings, min_confidence=minimum) if footage.status == "ready" else []
        pictures = [
            self._keep(session, footage, verdict, frame) for verdict in verdicts for frame in verdict.frames
        ]
        result = VisualResult(
            status=footage.status,
            reason=footage.reason,
            checker=BUILT_IN,
            windows=list(windows),
            verdicts=verdicts,
            browser=footage.browser,
            notes=footage.notes,
        )
        return Seen(result, pictures)

    def _keep(self, session: Session, footage: Footage, verdict: FindingVerdict, frame: Frame) -> Artifact:
        from retrospec.confirmation.checker import draw_frame

        picture = draw_frame(footage, frame)
        name = f"{verdict.finding_id}.{frame.role or frame.t_ms}"
        frame.image = f"{artifact_folder(session)}/{name}.webp"
        self._blobs.put_here(frame.image, picture)
        return new_artifact(
            session, "frame", frame.image, name=f"frame.{name}", windows=[Window(frame.t_ms, frame.t_ms)],
            trigger=frame.role, size_bytes=len(picture), content_type="image/webp",
        )  # fmt: skip


def strongest(findings: Sequence[Finding]) -> list[Finding]:
    """The findings worth a model's time: no other's symptom, the surest first, at most ``MOST_ASKED``."""
    symptoms = {symptom for finding in findings for symptom in finding.symptom_ids}
    primaries = [finding for finding in findings if finding.id not in symptoms] or list(findings)
    return sorted(primaries, key=lambda finding: (-finding.confidence, finding.t_ms))[:MOST_ASKED]


def _video_artifact(url: str, key: str, blobs_url: str) -> "VideoArtifact":
    """Where the video is; the bucket is told as well where blobs are in one."""
    from retrospec.confirmation.models import VideoArtifact

    store = urlsplit(blobs_url)
    if store.scheme != "s3":
        return VideoArtifact(url=url, key=key)
    options = {name: values[-1] for name, values in parse_qs(store.query).items()}
    return VideoArtifact(
        url=url,
        bucket=store.netloc,
        endpoint=options.get("endpoint", ""),
        region=options.get("region", ""),
        key="/".join(part for part in (store.path.strip("/"), key) if part),
    )


def why_not(settings: Settings) -> str:
    """Why this installation cannot look at screens, in one sentence; empty when it can."""
    if settings.confirmation.checker == "none":
        return "No visual checker is configured (confirmation.checker is none)."
    if settings.replay.render == "off":
        return "Replaying is switched off (replay.render is off)."
    if find_browser(settings.replay) is None:
        return f"No visual check: {why_no_browser(settings.replay)}."
    return ""
