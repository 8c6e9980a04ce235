"""What is worth telling, when to be quiet, and how long to wait before another try."""

from datetime import UTC, datetime, timedelta

import pytest

from retrospec.alerts.courier import retry_wait_s
from retrospec.alerts.rules import EventKind, event_key, find_spike, is_quiet

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_rate_far_over_its_own_week_is_a_spike() -> None:
    week = dict.fromkeys(range(832, 1000), 4)
    spike = find_spike(week | {1000: 40}, 1000, first_hour=0)
    assert spike is not None and (spike.count, spike.usual) == (40, 4.0)
    assert find_spike(week | {1000: 12}, 1000, first_hour=0) is None, "three times the mean is not over it"
    assert find_spike(week | {1000: 13}, 1000, first_hour=0) is not None


def test_what_always_comes_in_bursts_is_no_spike() -> None:
    bursts = {hour: 60 if hour % 12 == 0 else 0 for hour in range(832, 1000)}
    assert find_spike(bursts | {1000: 62}, 1000, first_hour=0) is None


@pytest.mark.parametrize(
    ("count", "first_hour"), [(9, 0), (500, 990)], ids=["too few to matter", "no day behind it yet"]
)
def test_no_spike_without_numbers_or_a_past(count: int, first_hour: int) -> None:
    assert find_spike({1000: count}, 1000, first_hour=first_hour) is None


def test_quiet_ends_when_its_time_is_over() -> None:
    hour = timedelta(hours=1)
    assert is_quiet(NOW - timedelta(minutes=59), now=NOW, quiet=hour)
    assert not is_quiet(NOW - hour, now=NOW, quiet=hour)
    assert not is_quiet(None, now=NOW, quiet=hour)


def test_an_event_has_one_name_for_ever() -> None:
    assert event_key(EventKind.REGRESSION, "k", "17") == event_key(EventKind.REGRESSION, "k", "17")
    assert event_key(EventKind.REGRESSION, "k", "17") != event_key(EventKind.REGRESSION, "k", "18")


def test_waits_double_within_a_quarter_up_to_an_hour_and_never_below_what_was_asked() -> None:
    middle = [retry_wait_s(n, base_s=15, jitter=0.5) for n in range(1, 10)]
    assert middle[:4] == [15, 30, 60, 120]
    assert max(middle) == 3_600
    assert retry_wait_s(1, base_s=16, jitter=0) == 12 and retry_wait_s(1, base_s=16, jitter=1) == 20
    assert retry_wait_s(1, base_s=15, jitter=0.5, asked_s=90) == 90
