"""What the screen showed: frames, verdicts, and what came of a render."""

from enum import StrEnum

import msgspec

from retrospec.domain.window import Window


class VerdictWord(StrEnum):
    """The answer to "did it really happen on screen?"."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    CANT_TELL = "cant_tell"


class Box(msgspec.Struct, rename="camel", frozen=True):
    """A region of a frame in CSS pixels."""

    x: int
    y: int
    width: int
    height: int


class Frame(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=True):
    """One picture of the replay."""

    t_ms: int
    role: str = ""
    """``before``, ``at``, ``after``, or empty for one in between."""
    finding_id: str = ""
    image: str = ""
    """Artifact key of the stored picture (WebP); empty while it is only in memory."""
    changed: list[Box] = []
    """Regions that differ from the finding's ``before`` frame."""
    width: int = 0
    """Of the stored picture, in its own pixels; 0 while it is not drawn."""
    height: int = 0
    scale: float = 0.0
    """Pixels of the stored picture per CSS pixel of ``changed``; 0 while it is not drawn."""
    words: str = ""
    """What is seen in it, for those who cannot see it."""


class FindingVerdict(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=True):
    """The verdict on one finding."""

    finding_id: str
    verdict: VerdictWord
    confidence: float
    sentence: str
    frames: list[Frame] = []


class Strip(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A verdict in pictures: before, at and after, as shown beside an issue or in a session."""

    session_id: str
    verdict: str = ""
    sentence: str = ""
    frames: list[Frame] = []
    made_ms: int = 0
    """When it was drawn, in epoch milliseconds; 0 before it is stored."""


class VisualResult(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=True):
    """All that confirmation learnt of a session.

    ``status`` is ``ready``, ``failed`` or ``skipped``, and ``reason`` says why when not ready.
    """

    status: str
    reason: str = ""
    checker: str = "none"
    windows: list[Window] = []
    verdicts: list[FindingVerdict] = []
    browser: str = ""
    """Path and version of the one it was replayed in."""
    notes: list[str] = []
    """What the replay could not show, and where the browser was less guarded than it could be."""
