"""What is worth telling, and when to keep quiet. Pure."""

import statistics
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct


class EventKind(StrEnum):
    """What a rule may tell of."""

    NEW = "new"
    REGRESSION = "regression"
    SPIKE = "spike"
    TEST = "test"
    """Somebody pressed the test button."""


BASELINE_HOURS = 168
"""A week: it holds every hour of the day and every day of the week once."""
YOUNGEST_HOURS = 24
"""Without a day behind it an issue has no baseline of its own."""
FEWEST = 10
"""Sessions in an hour below which nothing is a spike, whatever the baseline."""
TIMES = 3.0
SIGMAS = 4.0
"""Limits of a c-chart (Shewhart's chart for counts: mean plus k standard deviations, the variance at least that of a
Poisson process). The usual k is 3: one false alarm in 740 hours. Every issue is looked at every hour, so k is 4 here
(one in 30,000), and the rate must be three times the mean as well, since sessions come in bursts."""


class Spike(Struct, frozen=True, kw_only=True):
    """A rate far over an issue's own."""

    count: int
    """Sessions within the hour."""
    usual: float
    """Mean of an hour over the baseline."""
    limit: float


def find_spike(by_hour: Mapping[int, int], hour: int, *, first_hour: int) -> Spike | None:
    """Whether ``hour`` (since 1970) is a spike against the week before it; ``first_hour`` is when the issue began."""
    count = by_hour.get(hour, 0)
    length = min(BASELINE_HOURS, hour - first_hour)
    if count < FEWEST or length < YOUNGEST_HOURS:
        return None
    baseline = [by_hour.get(earlier, 0) for earlier in range(hour - length, hour)]
    usual = statistics.fmean(baseline)
    deviation = max(statistics.pvariance(baseline, usual), usual) ** 0.5
    limit = max(FEWEST - 1.0, TIMES * usual, usual + SIGMAS * deviation)
    return Spike(count=count, usual=round(usual, 2), limit=round(limit, 2)) if count > limit else None


def is_quiet(last_told_at: datetime | None, *, now: datetime, quiet: timedelta) -> bool:
    """Whether a rule has spoken of the same thing so lately that it keeps still."""
    return last_told_at is not None and now - last_told_at < quiet


def event_key(kind: EventKind, issue_key: str, occurrence: str = "") -> str:
    """Names one event for ever: the same one is never told twice by a rule.

    ``occurrence`` tells events of one kind and issue apart: the resolving that was undone, the hour of a spike.
    """
    return f"{kind}:{issue_key}:{occurrence}"
