"""A finding: what analysis concludes about one moment of a session."""

from enum import StrEnum

import msgspec

from retrospec.domain.marker import Evidence, MarkerKind, Signal


class Outcome(StrEnum):
    """Did the person get through?"""

    BLOCKED = "blocked"
    OVERCAME = "overcame"
    UNAFFECTED = "unaffected"
    UNKNOWN = "unknown"


class Standing(StrEnum):
    """What the recording says of a suspicion."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNSEEN = "unseen"
    """The recording shows nothing either way: the marker stands on its own."""


class Finding(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One suspected failure at one moment, with what speaks for and against it."""

    id: str
    """Stable for the same input: ``<signal>-<t_ms>`` or the marker's id."""
    signal: Signal
    kind: MarkerKind
    t_ms: int
    """From the session's first event."""
    standing: Standing
    confidence: float
    """0…1"""
    outcome: Outcome = Outcome.UNKNOWN
    label: str = ""
    """Short and technical, like a marker's label."""
    page: str = ""
    """Path of the page it happened on; empty where the recording doesn't tell."""
    refs: list[str] = []
    """Trace rows it rests on."""
    reasons: list[str] = []
    """Why this confidence, each a short clause."""
    marker_ids: list[str] = []
    """SDK markers it covers; empty when a detector alone saw it."""
    symptom_ids: list[str] = []
    """Other findings that are part of the same moment and caused by this one."""
    evidence: Evidence = msgspec.field(default_factory=Evidence)
