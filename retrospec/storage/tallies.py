"""What counting works with: a sighting, a tally, and what the one did to the other."""

from datetime import datetime

import msgspec

from retrospec.domain.issue import Issue
from retrospec.domain.marker import MarkerKind

HOUR_MS = 3_600_000


class Symptom(msgspec.Struct, frozen=True):
    """Another failure of the same moment, caused by the one that is counted."""

    key: str
    kind: str
    title: str


class Sighting(msgspec.Struct, kw_only=True):
    """One confirmed session that shows one failure."""

    project_id: str
    cluster_key: str
    session_id: str
    person_key: str
    kind: MarkerKind
    title: str
    symptom: str
    severity: str
    confidence: float
    basis: str
    """``text`` or ``visual``."""
    marker_count: int
    first_observed_at: datetime
    last_observed_at: datetime
    jump_ms: int
    """Where in its replay the failure is."""
    page: str = ""
    """Path of the page it happened on."""
    parts: list[tuple[str, str]] = []
    """Of the fingerprint: what was equal, by name."""
    ignored: list[str] = []
    tokens: list[str] = []
    """Of the fingerprint: what near-duplicates are found by."""
    own_rule: str = ""
    """The rule of ``retrospec.toml`` that named the cluster; empty: its fingerprint did."""
    symptoms: list[Symptom] = []
    is_quiet: bool = False
    """Set while counting: the failure was refuted or rejected too often to be shown."""


class Tally(msgspec.Struct, kw_only=True):
    """An issue's (or a cluster's) row as counted, promoted or not."""

    issue: Issue
    title: str
    visual_count: int
    promoted_at: datetime | None
    representative_confidence: float
    representative_at: datetime


class Change(msgspec.Struct, kw_only=True):
    """What counting one sighting did to its issue."""

    before: Issue | None
    """The issue as it stood; None where there was none yet."""
    after: Tally
    is_new_session: bool
    """False when this session was counted before: nothing happened that anyone should be told."""
    promoted_now: bool
    is_new_person: bool = False
    """The first session of this person in the sighting's cluster."""
