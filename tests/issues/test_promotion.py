from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from retrospec.domain.finding import Outcome
from retrospec.domain.marker import MarkerKind
from retrospec.domain.settings import PromoteSettings
from retrospec.issues.promotion import (
    Candidate,
    better_representative,
    issue_confidence,
    severity,
    should_promote,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
confidences = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def candidate(session_id: str = "a", **changes: object) -> Candidate:
    fields: dict[str, object] = {"visual": False, "confidence": 0.7, "has_recording": True, "happened_at": NOON}
    return Candidate(session_id=session_id, **(fields | changes))  # type: ignore[arg-type]


def test_two_sessions_promote_by_default_and_one_does_not() -> None:
    assert should_promote(2, 1, PromoteSettings())
    assert not should_promote(1, 1, PromoteSettings())


def test_sessions_of_one_person_do_not_promote_where_two_people_are_asked_for() -> None:
    settings = PromoteSettings(min_people=2)
    assert not should_promote(9, 1, settings)
    assert should_promote(2, 2, settings)


def test_many_doubtful_sessions_do_not_make_a_sure_issue() -> None:
    assert issue_confidence([0.6] * 1000, 0) < 0.75
    assert issue_confidence([0.9, 0.9], 0) > issue_confidence([0.6] * 1000, 0)


@given(confidences, st.integers(0, 20))
def test_confidence_is_a_share_never_certain_and_never_below_the_middle_session(values: list[float], visual: int) -> None:
    confidence = issue_confidence(values, visual)
    assert sorted(values)[(len(values) - 1) // 2] - 0.011 <= confidence <= 0.99


@given(confidences)
def test_being_seen_on_screen_never_lowers_confidence(values: list[float]) -> None:
    assert issue_confidence(values, 1) >= issue_confidence(values, 0)


def test_no_session_no_confidence() -> None:
    assert issue_confidence([], 0) == 0


def test_the_representative_is_seen_then_surer_then_watchable_then_newer() -> None:
    seen = candidate("seen", visual=True, confidence=0.66, has_recording=False)
    sure = candidate("sure", confidence=0.95, has_recording=False)
    watchable = candidate("watchable", confidence=0.7)
    newer = candidate("newer", confidence=0.7, happened_at=NOON + timedelta(hours=1))
    blind = candidate("blind", confidence=0.7, has_recording=False, happened_at=NOON + timedelta(hours=2))
    ranked = [seen, sure, newer, watchable, blind]
    for n, better in enumerate(ranked):
        for worse in ranked[n:]:
            assert better_representative(better, worse) == better
            assert better_representative(worse, better) == better


def test_severity_follows_what_became_of_the_person() -> None:
    assert severity(MarkerKind.UI_NO_EFFECT, {Outcome.BLOCKED: 3, Outcome.OVERCAME: 2}) == "high"
    assert severity(MarkerKind.JS_EXCEPTION, {Outcome.UNAFFECTED: 9, Outcome.OVERCAME: 1}) == "low"
    assert severity(MarkerKind.JS_EXCEPTION, {Outcome.OVERCAME: 1}) == "medium"
    assert severity(MarkerKind.API_ERROR, {Outcome.UNKNOWN: 4}) == "medium"
    assert severity(MarkerKind.UI_NO_EFFECT, {}) == "low"
