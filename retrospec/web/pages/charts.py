"""Trend charts as numbers for inline SVG: pure, no markup."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache

import msgspec

from retrospec.domain.clock import from_epoch_ms, to_epoch_ms

HOUR_MS = 3_600_000


class Span(msgspec.Struct, frozen=True):
    """A length of time to look back over, and how its chart divides it."""

    name: str
    label: str
    hours: int
    step_hours: int
    """Hours per bar."""


SPANS = (
    Span("24h", "24 hours", 24, 1),
    Span("3d", "3 days", 72, 3),
    Span("7d", "7 days", 168, 6),
)


class Bar(msgspec.Struct, frozen=True):
    """One bar: position and size in the chart's own units, and what it stands for."""

    x: float
    y: float
    width: float
    height: float
    count: int
    starts_at: datetime
    ends_at: datetime


class Trend(msgspec.Struct, frozen=True):
    """Bars over a span, the newest at the right."""

    width: int
    height: int
    total: int
    peak: int
    bars: list[Bar]


class Spark(msgspec.Struct, frozen=True):
    """The same for a row of a list, which has hundreds of bars: as two paths."""

    width: int
    height: int
    total: int
    filled: str
    """The bars of hours with sessions."""
    empty: str
    """Those of hours without."""


def span_named(name: str) -> Span:
    """The span of that name; 24 hours for an unknown one."""
    return next((span for span in SPANS if span.name == name), SPANS[0])


def first_hour(span: Span, now: datetime) -> int:
    """The first hour (since 1970) that the span's chart covers; its last bar holds the present hour."""
    return to_epoch_ms(now) // HOUR_MS - span.hours + 1


def trend(by_hour: Mapping[int, int], span: Span, now: datetime, *, width: int, height: int) -> Trend:
    """The chart of counts by hour. An empty hour has a hairline, so that the axis stays visible."""
    start = first_hour(span, now)
    counts = _counts(by_hour, span, start)
    peak = max(counts)
    bars = []
    for index, (number, (x, wide)) in enumerate(zip(counts, _places(len(counts), width), strict=True)):
        tall = _tall(number, peak, height)
        starts_at = from_epoch_ms((start + index * span.step_hours) * HOUR_MS)
        bars.append(
            Bar(x=x, y=round(height - tall, 1), width=wide, height=tall, count=number, starts_at=starts_at, ends_at=starts_at + timedelta(hours=span.step_hours))
        )
    return Trend(width, height, sum(counts), peak, bars)


def spark(by_hour: Mapping[int, int], span: Span, now: datetime, *, width: int, height: int) -> Spark:
    """The same as paths."""
    counts = _counts(by_hour, span, first_hour(span, now))
    peak = max(counts)
    filled, empty = [], []
    for number, (left, along, back, hairline) in zip(counts, _drawn(len(counts), width, height), strict=True):
        if not number:
            empty.append(hairline)
            continue
        tall = _tall(number, peak, height)
        filled.append(f"{left}{round(height - tall, 1):g}{along}{tall:g}{back}")
    return Spark(width, height, sum(counts), "".join(filled), "".join(empty))


@cache
def _drawn(bars: int, width: int, height: int) -> list[tuple[str, str, str, str]]:
    """Of each bar what its path has whatever its height, and the whole path of one that is empty."""
    found = []
    for x, wide in _places(bars, width):
        left, along, back = f"M{x:g} ", f"h{wide:g}v", f"h-{wide:g}z"
        found.append((left, along, back, f"{left}{height - 1:g}{along}1{back}"))
    return found


def _counts(by_hour: Mapping[int, int], span: Span, start: int) -> list[int]:
    """Of each bar."""
    counts = [0] * (span.hours // span.step_hours)
    for hour, number in by_hour.items():
        place = (hour - start) // span.step_hours
        if 0 <= place < len(counts):
            counts[place] += number
    return counts


@cache
def _places(bars: int, width: int) -> list[tuple[float, float]]:
    """Of each bar its left edge and its width."""
    slot = width / bars
    gap = 1.0 if slot < 8 else 2.0
    return [(round(index * slot, 2), round(slot - gap, 2)) for index in range(bars)]


def _tall(number: int, peak: int, height: int) -> float:
    return max(1.0, round(number / peak * height, 1)) if number else 1.0
