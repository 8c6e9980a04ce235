"""The lookout: replays a session's suspicious moments, judges what the screen showed, keeps the pictures."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

import msgspec

from retrospec.domain.artifact import Artifact
from retrospec.domain.clock import utc_now
from retrospec.domain.finding import Finding
from retrospec.domain.footage import Footage
from retrospec.domain.recording import Recording
from retrospec.domain.session import Session
from retrospec.domain.settings import Settings
from retrospec.domain.visual import FindingVerdict, Frame, VisualResult
from retrospec.domain.window import Window
from retrospec.replay.found import find_browser, why_no_browser
from retrospec.storage.blobs import Blobs
from retrospec.storage.reports import artifact_folder

if TYPE_CHECKING:
    from retrospec.replay.browser import Renderer

# Playwright, PyAV, NumPy and Pillow cost 35 MB: they are imported at the first look, so that a server
# that never looks stays small.

CHECKER = "builtin"


class Seen(msgspec.Struct):
    """What was learnt, and the pictures it rests on (stored, their rows not yet)."""

    result: VisualResult
    artifacts: list[Artifact]


class Lookout:
    """One warm browser for this process; see ``why_not`` before building one."""

    def __init__(self, settings: Settings, blobs: Blobs) -> None:
        self._settings = settings
        self._blobs = blobs
        self._renderer: Renderer | None = None
        self._budget = RenderBudget(settings)

    async def close(self) -> None:
        """End the browser."""
        if self._renderer is not None:
            await self._renderer.close()

    async def _warm(self) -> "Renderer":
        if self._renderer is None:
            self._renderer = await asyncio.to_thread(_new_renderer, self._settings)
        return self._renderer

    async def look(
        self,
        session: Session,
        recording: Recording,
        findings: Sequence[Finding],
        windows: Sequence[Window],
    ) -> Seen:
        """Replay and judge ``findings``. Never raises for what a recording or the browser does."""
        refusal = self._budget.spend(session.project_id, utc_now())
        if refusal:
            return Seen(VisualResult(status="skipped", reason=refusal, windows=list(windows)), [])
        footage = await (await self._warm()).look(recording, findings, windows)
        return await asyncio.to_thread(self._judge, session, footage, findings, windows)

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
            checker=CHECKER,
            windows=list(windows),
            verdicts=verdicts,
        )
        return Seen(result, pictures)

    def _keep(self, session: Session, footage: Footage, verdict: FindingVerdict, frame: Frame) -> Artifact:
        from retrospec.confirmation.checker import draw_frame

        picture = draw_frame(footage, frame)
        name = f"{verdict.finding_id}.{frame.role or frame.t_ms}"
        frame.image = f"{artifact_folder(session)}/{name}.webp"
        self._blobs.put_here(frame.image, picture)
        now = utc_now()
        return Artifact(
            id=f"{session.id}.frame.{name}",
            project_id=session.project_id,
            session_id=session.id,
            artifact_type="frame",
            artifact_key=frame.image,
            trigger_kind=frame.role,
            status="ready",
            content_type="image/webp",
            size_bytes=len(picture),
            generated_at=now,
            created_at=now,
            updated_at=now,
            windows=[Window(frame.t_ms, frame.t_ms)],
        )


def _new_renderer(settings: Settings) -> "Renderer":
    from retrospec.replay.browser import Renderer

    return Renderer(settings.replay)


class RenderBudget:
    """Daily limits and the least interval between a project's renders, counted since this process started."""

    def __init__(self, settings: Settings) -> None:
        self._limits = settings.replay
        self._day: date | None = None
        self._spent: Counter[str] = Counter()
        self._last: dict[str, datetime] = {}

    def spend(self, project_id: str, now: datetime) -> str:
        """Take one render; why not, in a sentence, when the budget is used up."""
        if self._day != now.date():
            self._day, self._spent = now.date(), Counter()
        refusal = self._refusal(project_id, now)
        if not refusal:
            self._spent[project_id] += 1
            self._last[project_id] = now
        return refusal

    def _refusal(self, project_id: str, now: datetime) -> str:
        limits = self._limits
        if limits.daily_limit and self._spent.total() >= limits.daily_limit:
            return f"Today's limit of {limits.daily_limit} renders is used up (replay.daily_limit)."
        if limits.daily_limit_per_project and self._spent[project_id] >= limits.daily_limit_per_project:
            return (
                f"This project's limit of {limits.daily_limit_per_project} renders a day is used up "
                "(replay.daily_limit_per_project)."
            )
        last = self._last.get(project_id)
        if last is not None and (now - last).total_seconds() < limits.min_interval_seconds:
            return (
                f"The last render was under {limits.min_interval_seconds} s ago "
                "(replay.min_interval_seconds)."
            )
        return ""


def why_not(settings: Settings) -> str:
    """Why this installation cannot look at screens, in one sentence; empty when it can."""
    if settings.confirmation.checker == "none":
        return "No visual checker is configured (confirmation.checker is none)."
    if settings.replay.render == "off":
        return "Replaying is switched off (replay.render is off)."
    if find_browser(settings.replay) is None:
        return f"No visual check: {why_no_browser(settings.replay)}."
    return ""
