"""Keeping filmstrips: a small copy of each issue's best pictures, which outlives the session they are of."""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import msgspec
import structlog

from retrospec.capture.compress import decompress
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import CorruptRecording, NotFound, Unavailable
from retrospec.domain.finding import Finding
from retrospec.domain.visual import Box, FindingVerdict, Frame, Strip, VerdictWord, VisualResult
from retrospec.storage import clusters, markers, reports, strips
from retrospec.storage.blobs import Blobs, blob_key
from retrospec.storage.database import Database

log = structlog.get_logger()

CLOSE_UP_PX = (280, 175)
"""For lists, at twice the size they are shown."""
STRIP_WIDTH_PX = 480
"""Sharp at the size a list or card shows it; three of them weigh about 30 KB."""
LOOK_EVERY_S = 2.0
AFTER_A_LOOK_S = 30.0
"""So long after a session was looked at an issue may have got a new best session."""
EVERY_S = 20.0
"""Between rounds that nothing called for: after a merge, a split or their undoing, or a stop."""
MAX_INFLATED_BYTES = 1 << 30


class _Analysis(msgspec.Struct, forbid_unknown_fields=False):
    findings: list[Finding] = []
    visual: VisualResult | None = None


class StripKeeper:
    """``note_look`` after each look; ``work_forever`` makes the strips that are missing."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs
        self._wanted_until_s = time.monotonic()

    def note_look(self) -> None:
        """A session was looked at, so an issue may soon have a new best one."""
        self._wanted_until_s = time.monotonic() + AFTER_A_LOOK_S

    async def work_forever(self) -> None:
        """Make missing strips until cancelled."""
        next_round_s = 0.0
        while True:
            now_s = time.monotonic()
            if now_s >= next_round_s or now_s <= self._wanted_until_s:
                next_round_s = now_s + EVERY_S
                try:
                    await self.make_missing()
                except Unavailable as error:
                    log.warning("strips_postponed", reason=str(error))
            await asyncio.sleep(LOOK_EVERY_S)

    async def make_missing(self) -> int:
        """Give every issue the strip of its best session; how many were made."""
        made, after = 0, ("", "")
        while True:
            rows, until = await self._database.read_once(partial(strips.missing, after=after))
            for project_id, key, session_id in rows:
                made += await self._make(project_id, key, session_id)
            if until is None:
                return made
            after = until

    async def _make(self, project_id: str, key: str, session_id: str) -> bool:
        verdict = await self._best_verdict(project_id, key, session_id)
        strip = Strip(session_id=session_id)
        if verdict is not None:
            folder = f"strips/{project_id}/{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}"
            strip.verdict, strip.sentence = verdict.verdict.value, verdict.sentence
            strip.frames = await self._copied(verdict.frames, f"{folder}/{session_id}")
        async with self._database.write() as connection:
            before = await strips.save(connection, project_id, key, strip, now=utc_now())
        stale = strip.frames if before is None else before.frames
        kept = {frame.image for frame in strip.frames} if before is not None else set()
        for frame in stale:
            if frame.image not in kept:
                await self._blobs.delete(frame.image)
        return before is not None

    async def _best_verdict(self, project_id: str, key: str, session_id: str) -> FindingVerdict | None:
        """The surest verdict on what made ``session_id`` part of this issue; None where nothing was seen."""
        async with self._database.read() as connection:
            inside = await clusters.keys_of(connection, project_id, key)
            seen = await markers.of_session(connection, project_id, session_id)
            named = {marker.id for marker in seen if marker.cluster_key in inside}
            artifact = await reports.latest_artifact(connection, project_id, session_id, "analysis_json")
        if artifact is None or artifact.status != "ready":
            return None
        try:
            stored = await self._blobs.get(blob_key(artifact.artifact_key))
            analysis = await asyncio.to_thread(_read_analysis, stored)
        except (NotFound, CorruptRecording, msgspec.MsgspecError):
            return None
        return best_verdict(analysis.findings, analysis.visual, named)

    async def _copied(self, frames: Sequence[Frame], stem: str) -> list[Frame]:
        """Small copies of all frames, then close-ups of the first and the last for lists."""
        stored = []
        for frame in frames:
            with suppress(NotFound):
                stored.append((frame, await self._blobs.get(frame.image)))
        copies = []
        for index, (frame, picture) in enumerate(await asyncio.to_thread(_draw_all, stored)):
            frame.image = f"{stem}.{index}.webp"
            await self._blobs.put(frame.image, picture)
            copies.append(frame)
        return copies


def _draw_all(stored: Sequence[tuple[Frame, bytes]]) -> list[tuple[Frame, bytes]]:
    from retrospec.confirmation.pixels import close_up, shrunk

    if not stored:
        return []
    drawn = [(frame, frame.role, shrunk(image, STRIP_WIDTH_PX)) for frame, image in stored]
    around = _region(stored[-1][0])
    ends = [stored[0], stored[-1]][: len(stored)]
    drawn += [(frame, f"close-{frame.role}", close_up(image, around, *CLOSE_UP_PX)) for frame, image in ends]
    return [
        (msgspec.structs.replace(frame, role=role, width=made.width, height=made.height, changed=[]), made.content)
        for frame, role, made in drawn
    ]


def _region(frame: Frame) -> Box:
    """Where in the picture's own pixels the answer is: its first outlined region, else the middle of the top."""
    share = frame.scale or 1.0
    if not frame.changed:
        return Box(frame.width // 2, frame.height // 3, 1, 1)
    box = frame.changed[0]
    return Box(*(round(side * share) for side in (box.x, box.y, box.width, box.height)))


def best_verdict(
    findings: Sequence[Finding], visual: VisualResult | None, named: set[str]
) -> FindingVerdict | None:
    """Of the verdicts with pictures on findings that cover a marker of ``named``: a confirmed one, the surest."""
    ours = {finding.id for finding in findings if named & {finding.id, *finding.marker_ids}}
    shown = [v for v in visual.verdicts if v.finding_id in ours and v.frames] if visual else []
    return max(shown, key=lambda v: (v.verdict is VerdictWord.CONFIRMED, v.confidence), default=None)


def _read_analysis(stored: bytes) -> _Analysis:
    return msgspec.json.decode(decompress(stored, max_bytes=MAX_INFLATED_BYTES), type=_Analysis)
