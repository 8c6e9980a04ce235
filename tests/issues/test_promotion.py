from datetime import UTC, datetime, timedelta

from retrospec.domain.settings import PromoteSettings
from retrospec.issues.promotion import (
    Candidate,
    better_representative,
    should_promote,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def candidate(session_id: str = "a", **changes: object) -> Candidate:
    fields: dict[str, object] = {"visual": False, "confidence": 0.7, "happened_at": NOON}
    return Candidate(session_id=session_id, **(fields | changes))  # type: ignore[arg-type]


def test_two_sessions_promote_by_default_and_one_does_not() -> None:
    assert should_promote(2, 1, PromoteSettings())
    assert not should_promote(1, 1, PromoteSettings())


def test_sessions_of_one_person_do_not_promote_where_two_people_are_asked_for() -> None:
    settings = PromoteSettings(min_people=2)
    assert not should_promote(9, 1, settings)
    assert should_promote(2, 2, settings)


def test_the_representative_is_seen_then_surer_then_newer() -> None:
    seen = candidate("seen", visual=True, confidence=0.66)
    sure = candidate("sure", confidence=0.95)
    newer = candidate("newer", confidence=0.7, happened_at=NOON + timedelta(hours=1))
    older = candidate("older", confidence=0.7)
    ranked = [seen, sure, newer, older]
    for n, better in enumerate(ranked):
        for worse in ranked[n:]:
            assert better_representative(better, worse) == better
            assert better_representative(worse, better) == better
