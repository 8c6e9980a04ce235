"""An issue: one real problem that several confirmed sessions share."""

from datetime import datetime
from enum import StrEnum

import msgspec

from retrospec.domain.marker import MarkerKind


class IssueState(StrEnum):
    """Where the team stands with it."""

    ACTIVE = "active"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    MUTED = "muted"
    ARCHIVED = "archived"


class Issue(msgspec.Struct, kw_only=True):
    """``(project_id, key)`` names it; ``key`` is the cluster key of its markers."""

    project_id: str
    key: str
    kind: MarkerKind
    symptom: str
    state: IssueState = IssueState.ACTIVE
    session_count: int
    """Confirmed sessions, ever; it does not fall when sessions expire."""
    user_count: int
    """Distinct people, ever."""
    marker_count: int
    confidence: float
    representative_session_id: str
    first_seen_at: datetime
    last_seen_at: datetime
    created_at: datetime
    """When it was promoted."""
    assignee: str = ""
    muted_until: datetime | None = None
    state_note: str = ""
    state_updated_at: datetime | None = None
    severity: str = "medium"
    basis: str = "text"
    impact: float = 0.0
    """What lists are sorted by: the logarithm of people hit, newer ones weighing more (``issues/impact.py``)."""
