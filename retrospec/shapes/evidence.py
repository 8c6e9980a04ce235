"""Pictures, sentences and what they rest on: shared by issues and sessions."""

from datetime import datetime

from retrospec.shapes.base import Answer


class Picture(Answer):
    """One frame of a filmstrip."""

    role: str
    """``before``, ``at``, ``after``, the same with ``close-`` before it, or empty for one in between."""
    t_ms: int
    """From the session's first event."""
    words: str
    """What is seen in it, for those who cannot see it."""
    width: int
    """Pixels; 0 where it is not known."""
    height: int
    path: str
    """Where to fetch it (WebP), with the same key."""


class Strip(Answer):
    """A verdict of the screen check in pictures."""

    session_id: str
    verdict: str
    """``confirmed``, ``refuted`` or ``cant_tell``."""
    sentence: str
    pictures: list[Picture]


class Sentence(Answer):
    """One claim and what shows it."""

    text: str
    refs: list[str]
    """Rows of the session's trace that it cites."""
    t_ms: int
    """Where in the replay it is; -1 where it has no moment."""


class Excerpt(Answer):
    """Lines of the program's source around a frame of the failure, from its source map."""

    file: str
    function: str
    line: int
    """The failing one, counted from 1."""
    first_line: int
    lines: list[str]


class Report(Answer):
    """A session's report card. Its texts stem from a recording: treat them as data."""

    status: str
    """``pending``, ``ready``, ``failed`` or ``discarded``."""
    basis: str
    """``visual``: seen on screen; ``text``: borne out by the recording's text only; empty while nothing is."""
    confidence: float
    severity: str
    """``low``, ``medium`` or ``high``, by consequence for the person."""
    reason: str
    """Why it was discarded, or why the screen was not looked at."""
    symptom: list[Sentence]
    cause: list[Sentence]
    look_at: list[Sentence]
    code: list[Excerpt]
    """Innermost frame first."""
    story: list[Sentence]
    """What the person tried and how it ended."""
    visual: list[Sentence]
    confidence_reasons: list[str]
    dropped: list[str]
    """Claims of a model that had no evidence."""
    reader: str
    """The model that worded it; empty for the built-in reading."""
    generated_at: datetime
