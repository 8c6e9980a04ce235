"""A report card: what a session gets once it has been judged."""

from datetime import datetime
from enum import StrEnum

import msgspec


class ReportStatus(StrEnum):
    """As on the wire."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"
    DISCARDED = "discarded"


class Basis(StrEnum):
    """How sure the card is, by what it rests on."""

    NONE = ""
    TEXT = "text"
    """Text-confirmed only: no visual checker looked at the screen."""
    VISUAL = "visual"


class Sentence(msgspec.Struct, omit_defaults=True):
    """One claim and the trace rows that show it."""

    text: str
    refs: list[str] = []
    t_ms: int = -1
    """Where a click on it jumps to; -1 where it has no moment."""


class Excerpt(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A few lines of the program's source, where a frame of the failure was."""

    file: str
    function: str = ""
    line: int
    """The failing one, counted from 1; ``lines`` begins at ``first_line``."""
    first_line: int
    lines: list[str]


class Card(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The readable body of a report, each sentence with its evidence."""

    symptom: list[Sentence] = []
    """Usually one plain sentence a support agent could read out."""
    cause: list[Sentence] = []
    look_at: list[Sentence] = []
    code: list[Excerpt] = []
    """From source maps, innermost first; none where the release has none."""
    story: list[Sentence] = []
    """What the person tried and how it ended."""
    confidence_reasons: list[str] = []
    reader: str = ""
    """The model that worded it; empty is the built-in reading."""
    dropped: list[str] = []
    """Claims of a model that had no evidence."""
    severity: str = "medium"
    """``low``, ``medium``, ``high``: by consequence for the person."""
    visual: list[Sentence] = []


class ReportCard(msgspec.Struct, kw_only=True):
    """One per session. Text fields are the plain form of ``card``."""

    id: str
    project_id: str
    session_id: str
    status: ReportStatus
    symptom: str = ""
    technical_root_cause: str = ""
    suggested_fix: str = ""
    text_summary: str = ""
    visual_summary: str = ""
    confidence: float = 0.0
    basis: Basis = Basis.NONE
    reason: str = ""
    """Why it was discarded or failed, or why no visual check was made: one sentence."""
    card: Card = msgspec.field(default_factory=Card)
    generated_at: datetime
    created_at: datetime
    updated_at: datetime
