"""Whose clock the process goes by."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from retrospec.domain import clock

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _own_clock_again() -> Iterator[None]:
    kept = clock._kept
    clock.keep_to_own()
    yield
    clock._kept = kept


@pytest.fixture
def elapsed(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What measures durations, set by hand."""
    shown = {"s": 100.0}
    monkeypatch.setattr(clock.time, "monotonic", lambda: shown["s"])
    return shown


def test_by_itself_it_goes_by_the_machine() -> None:
    assert abs(clock.utc_now() - datetime.now(UTC)) < timedelta(minutes=1)
    assert clock.own_clock_ahead_s() == 0


def test_it_goes_on_from_what_the_other_clock_showed_wherever_the_machine_is(elapsed: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> None:
    shown = datetime(2026, 1, 1, tzinfo=UTC)
    clock.keep_to(shown, asked_s=99.0, answered_s=100.0)
    elapsed["s"] += 10
    assert clock.utc_now() == shown + timedelta(seconds=10.5)
    monkeypatch.setattr(clock, "_machine_now", lambda: shown + HOUR)
    assert clock.utc_now() == shown + timedelta(seconds=10.5)
    assert clock.own_clock_ahead_s() == pytest.approx(3600 - 10.5)


def test_an_answer_that_took_long_changes_nothing_where_it_can_be_explained(elapsed: dict[str, float]) -> None:
    shown = datetime(2026, 1, 1, tzinfo=UTC)
    clock.keep_to(shown, asked_s=100.0, answered_s=100.0)
    clock.keep_to(shown, asked_s=100.0, answered_s=120.0)
    elapsed["s"] = 120.0
    assert clock.utc_now() == shown + timedelta(seconds=20)


def test_another_clock_is_taken_over_however_far_off(elapsed: dict[str, float]) -> None:
    shown = datetime(2026, 1, 1, tzinfo=UTC)
    clock.keep_to(shown, asked_s=100.0, answered_s=100.0)
    clock.keep_to(shown - HOUR, asked_s=100.0, answered_s=101.0)
    elapsed["s"] = 100.5
    assert clock.utc_now() == shown - HOUR


def test_the_zone_it_was_told_in_does_not_matter(elapsed: dict[str, float]) -> None:
    shown = datetime(2026, 1, 1, tzinfo=UTC)
    clock.keep_to(shown.astimezone(timezone(-7 * HOUR)), asked_s=100.0, answered_s=100.0)
    assert clock.utc_now().isoformat() == "2026-01-01T00:00:00+00:00"
