"""When it has come back, when a fix is verified, when a mute ends, and what costs most."""

from datetime import UTC, datetime, timedelta

import pytest

from retrospec.domain.finding import Outcome
from retrospec.domain.marker import Control, Evidence, MarkerKind
from retrospec.domain.trace import Effect, Segment, Trace, TraceRow
from retrospec.domain.workflow import Fix, FixIn
from retrospec.issues.exercise import uses_in, watch_of
from retrospec.issues.impact import added_impact
from retrospec.issues.regression import Mute, Visit, clean_sessions_needed, is_of_the_fix, unmute_reason

RESOLVED = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def visit(hours: float, release: str = "", since_hours: float | None = None) -> Visit:
    since = None if since_hours is None else RESOLVED + since_hours * HOUR
    return Visit(started_at=RESOLVED + hours * HOUR, release=release, release_since=since)


@pytest.mark.parametrize(("hours", "is_back"), [(-0.1, False), (0, False), (0.1, True)])
def test_resolved_now_comes_back_with_a_session_that_began_afterwards(hours: float, is_back: bool) -> None:
    assert is_of_the_fix(Fix(fix_in=FixIn.NOW, resolved_at=RESOLVED), visit(hours), None) is is_back


def test_the_next_release_is_the_first_one_seen_after_the_resolving() -> None:
    fix = Fix(fix_in=FixIn.NEXT, resolved_at=RESOLVED)
    assert not is_of_the_fix(fix, visit(5, "v9", -40), None), "an old page that is still open"
    assert is_of_the_fix(fix, visit(5, "v10", 2), None)
    assert not is_of_the_fix(fix, visit(5), None), "without a release nothing can be placed"


def test_releases_are_ordered_by_first_sight_not_by_name() -> None:
    fix = Fix(fix_in=FixIn.RELEASE, resolved_at=RESOLVED, release="v10")
    since = RESOLVED + 3 * HOUR
    assert is_of_the_fix(fix, visit(9, "v10", 3), since)
    assert is_of_the_fix(fix, visit(9, "a-hotfix", 4), since)
    assert not is_of_the_fix(fix, visit(9, "v9", -50), since), "late, of an older release"
    assert not is_of_the_fix(fix, visit(9, "v11", 4), None), "nobody has seen the fix's release yet"


def test_the_rarer_a_failure_was_the_more_clean_sessions_verify_its_fix() -> None:
    assert clean_sessions_needed(100, 90) == 3
    assert clean_sessions_needed(100, 8) == 36
    assert clean_sessions_needed(0, 0) == 29  # nothing known: one in ten assumed
    assert clean_sessions_needed(100_000, 1) < 1_000


@pytest.mark.parametrize(
    ("mute", "why"),
    [
        (Mute(), ""), (Mute(until=RESOLVED + HOUR), ""), (Mute(until=RESOLVED - HOUR), "its time was over"),
        (Mute(total=41), ""), (Mute(total=40), "it reached 40 sessions"),
        (Mute(per_hour=8), ""), (Mute(per_hour=7), "7 sessions met it within an hour"),
    ],
)  # fmt: skip
def test_a_mute_ends_by_time_count_or_rate(mute: Mute, why: str) -> None:
    assert unmute_reason(mute, now=RESOLVED, session_count=40, this_hour=7) == why


def test_impact_counts_people_and_halves_in_three_days() -> None:
    def score(people: int, at: datetime, outcome: Outcome = Outcome.BLOCKED, *, new: bool = True) -> float:
        impact = 0.0
        for _ in range(people):
            impact = added_impact(impact, outcome=outcome, is_new_person=new, at=at)
        return impact

    later = RESOLVED + 3 * 24 * HOUR
    assert score(8, RESOLVED) == pytest.approx(score(4, later))
    assert score(8, RESOLVED) > score(7, RESOLVED)
    assert score(4, RESOLVED) > score(9, RESOLVED, Outcome.OVERCAME) > score(9, RESOLVED, Outcome.UNAFFECTED)
    assert score(4, RESOLVED) > score(4, RESOLVED, new=False)


PAY = Control(tag="button", role="button", name="Pay now", selector="button#pay")


def test_a_control_is_watched_by_its_identity_whatever_its_text_says_just_then() -> None:
    seen = Evidence(control=Control(tag="button", role="button", name="Paying…", landmark="Order", selector="#pay"))
    watch = watch_of(MarkerKind.API_ERROR, "POST /api/pay 500", seen, "/checkout")
    assert watch is not None
    trace = Trace(rows=[TraceRow(ref="a1", t_ms=5, action="click", target=PAY)])
    assert watch.name in uses_in(trace, "/checkout")
    assert watch.name not in uses_in(Trace(), "/checkout"), "being on the page is not using the control"


def test_a_request_is_watched_by_its_endpoint_and_an_exception_by_its_page() -> None:
    request = watch_of(MarkerKind.API_ERROR, "", Evidence(method="GET", url="https://x.example/api/orders/17"), "/a")
    crash = watch_of(MarkerKind.JS_EXCEPTION, "TypeError: x", Evidence(), "/account/17")
    answered = Effect(kind="request", detail="GET https://x.example/api/orders/99 200")
    trace = Trace(
        rows=[TraceRow(ref="a1", t_ms=5, action="click", target=PAY, effects=[answered])],
        segments=[Segment(index=0, url="https://x.example/account/5", start_ms=0, end_ms=9, seen="exact")],
    )
    assert request is not None and crash is not None
    assert {request.name, crash.name} <= uses_in(trace, "/start")
