"""Trend charts as numbers for inline SVG: pure, no markup."""

from collections.abc import Mapping
from datetime import datetime, timedelta

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

    def path(self, *, is_empty: bool) -> str:
        """The bars of hours with sessions, or of those without, as one SVG path: a list has hundreds of them."""
        drawn = (bar for bar in self.bars if (bar.count == 0) == is_empty)
        return "".join(f"M{bar.x:g} {bar.y:g}h{bar.width:g}v{bar.height:g}h-{bar.width:g}z" for bar in drawn)


def span_named(name: str) -> Span:
    """The span of that name; 24 hours for an unknown one."""
    return next((span for span in SPANS if span.name == name), SPANS[0])


def first_hour(span: Span, now: datetime) -> int:
    """The first hour (since 1970) that the span's chart covers; its last bar holds the present hour."""
    return to_epoch_ms(now) // HOUR_MS - span.hours + 1


def trend(by_hour: Mapping[int, int], span: Span, now: datetime, *, width: int, height: int) -> Trend:
    """The chart of counts by hour. An empty hour has a hairline, so that the axis stays visible."""
    start = first_hour(span, now)
    counts = [
        sum(by_hour.get(hour, 0) for hour in range(first, first + span.step_hours))
        for first in range(start, start + span.hours, span.step_hours)
    ]
    peak = max(counts)
    slot = width / len(counts)
    gap = 1.0 if slot < 8 else 2.0
    bars = []
    for index, number in enumerate(counts):
        tall = max(1.0, round(number / peak * height, 1)) if number else 1.0
        starts_at = from_epoch_ms((start + index * span.step_hours) * HOUR_MS)
        bars.append(
            Bar(
                x=round(index * slot, 2),
                y=round(height - tall, 1),
                width=round(slot - gap, 2),
                height=tall,
                count=number,
                starts_at=starts_at,
                ends_at=starts_at + timedelta(hours=span.step_hours),
            )
        )
    return Trend(width, height, sum(counts), peak, bars)
