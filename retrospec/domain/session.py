"""A session and the stages it walks through."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Stage(StrEnum):
    """Where a session stands. The stage column is the truth; the queue only rings."""

    RECORDING = "recording"
    """Chunks are still coming in; sealed when it ends or has been idle."""
    ANALYSIS = "analysis"
    CONFIRMATION = "confirmation"
    DONE = "done"
    DEAD = "dead"
    """Given up after the last attempt; ``last_error`` says why."""


class Session(msgspec.Struct, kw_only=True):
    """One visit, possibly of several pages and tabs. ``(project_id, id)`` names it."""

    id: str
    project_id: str
    site: str
    route: str
    """The first page's path."""
    started_at: datetime
    duration_ms: int
    events_object_key: str
    created_at: datetime
    updated_at: datetime
    stage: Stage
    attempt: int = 0
    revision: int = 1
    """Grows whenever something is added; a stage's result is saved only if it hasn't moved."""
    last_error: str = ""
    visitor_id: str = ""
    """First-party anonymous id from the SDK; empty for older clients."""
    user_id: str = ""
    """The site's own id from ``identify``."""
    release: str = ""
    environment: str = ""
    browser: str = ""
    os: str = ""
    device: str = ""
    country: str = ""
    """Two letters (ISO 3166-1) as a trusted proxy names it; empty unless ``capture.country_header`` is set."""
    tags: dict[str, str] = {}
    dropped: dict[str, int] = {}
    """What the browser reported it gave up, by reason."""
    lost_markers: dict[str, str] = {}
    """Why, by the id of each marker that the browser made and could not hand over."""
    overhead_ms: int = 0
    """Most main-thread time the recorder took on one page, by its own count."""
    marker_count: int = 0
    event_count: int = 0
    size_bytes: int = 0
    """Stored size of its events, compressed."""
    report_status: str = "pending"
    pinned: bool = False

    @property
    def person_key(self) -> str:
        """Whom to count: the identified user, else the visitor, else the session itself."""
        return person_key_of(self.user_id, self.visitor_id, self.id)


def person_key_of(user_id: str, visitor_id: str, session_id: str) -> str:
    """The identified user, else the visitor, else the session itself."""
    if user_id:
        return f"u:{user_id}"
    return f"v:{visitor_id}" if visitor_id else f"s:{session_id}"
