"""When failures become an issue, and which session shows it best."""

from datetime import datetime

from msgspec import Struct

from retrospec.domain.settings import PromoteSettings


def should_promote(session_count: int, user_count: int, settings: PromoteSettings) -> bool:
    """Whether enough confirmed sessions, of enough distinct people, share the failure."""
    return session_count >= settings.min_sessions and user_count >= settings.min_people


class Candidate(Struct, frozen=True, kw_only=True):
    """A session that could stand for its issue."""

    session_id: str
    visual: bool
    confidence: float
    happened_at: datetime
    """Aware UTC."""


def better_representative(a: Candidate, b: Candidate) -> Candidate:
    """The one that shows the failure better: seen on screen, then surer, then newer, then by id."""
    return max(a, b, key=_worth)


def _worth(one: Candidate) -> tuple[bool, float, datetime, str]:
    # A newer recording outranks small differences of confidence: a tenth is finer than any detector is calibrated.
    return one.visual, round(one.confidence, 1), one.happened_at, one.session_id
