"""When failures become an issue, how sure it is, and which session shows it best."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from retrospec.domain.finding import Outcome
from retrospec.domain.marker import MarkerKind
from retrospec.domain.settings import PromoteSettings

_SURE_AT_MOST = 0.99
_VISUAL_DOUBT_LEFT = 0.6
"""A frame that shows the failure leaves this share of the doubt that text left."""


def should_promote(session_count: int, user_count: int, settings: PromoteSettings) -> bool:
    """Whether enough confirmed sessions, of enough distinct people, share the failure."""
    return session_count >= settings.min_sessions and user_count >= settings.min_people


def issue_confidence(confidences: Sequence[float], visual_count: int) -> float:
    """0…0.99: how sure the issue is, from its confirmed sessions' confidences and how many were seen on screen.

    Starts at the middle confidence, so that one overconfident session can't carry the rest; every further session
    that agrees takes away a little of the doubt, less each time (sessions of one failure share their causes of
    error), and visual confirmations take away more. No sessions: 0.
    """
    if not confidences:
        return 0.0
    ordered = sorted(min(1.0, max(0.0, one)) for one in confidences)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    agreement = 1.0 - 0.25 * (1.0 - 1.0 / len(ordered))
    seen = _VISUAL_DOUBT_LEFT ** min(max(visual_count, 0), len(ordered), 3)
    return round(min(_SURE_AT_MOST, 1.0 - (1.0 - middle) * agreement * seen), 4)


class Candidate(Struct, frozen=True, kw_only=True):
    """A session that could stand for its issue."""

    session_id: str
    visual: bool
    confidence: float
    has_recording: bool
    happened_at: datetime
    """Aware UTC."""


def better_representative(a: Candidate, b: Candidate) -> Candidate:
    """The one that shows the failure better: seen on screen, then surer, then watchable, then newer, then by id."""
    return max(a, b, key=_worth)


def _worth(one: Candidate) -> tuple[bool, float, bool, datetime, str]:
    # A recording outranks small differences of confidence: a tenth is finer than any detector is calibrated.
    return one.visual, round(one.confidence, 1), one.has_recording, one.happened_at, one.session_id


_BLOCKED_IS_HIGH = 0.5
_UNAFFECTED_IS_LOW = 0.8


def severity(kind: MarkerKind, outcomes: Mapping[Outcome, int]) -> str:
    """``high``, ``medium`` or ``low``, by consequence: ``outcomes`` counts sessions by whether the person got through.

    Where at least half of those known were blocked it is high; where at least four fifths felt nothing, low.
    With nothing known, the kind decides: an exception or failed request is medium, the others low.
    """
    known = {outcome: count for outcome, count in outcomes.items() if outcome is not Outcome.UNKNOWN and count > 0}
    total = sum(known.values())
    if not total:
        return "medium" if kind in (MarkerKind.JS_EXCEPTION, MarkerKind.API_ERROR) else "low"
    if known.get(Outcome.BLOCKED, 0) / total >= _BLOCKED_IS_HIGH:
        return "high"
    return "low" if known.get(Outcome.UNAFFECTED, 0) / total >= _UNAFFECTED_IS_LOW else "medium"
