"""Windows: the stretches of a session worth replaying."""

from collections.abc import Iterable

import msgspec

BEFORE_MS = 2_000
AFTER_MS = 8_000
"""2 s before a marker to 8 s after it (wire v1)."""


class Window(msgspec.Struct, rename="camel", frozen=True):
    """``[start_ms, end_ms]`` from the session's first event."""

    start_ms: int
    end_ms: int


def windows_around(offsets_ms: Iterable[int]) -> list[Window]:
    """A window around each offset, overlapping ones merged, in order; never below 0."""
    merged: list[Window] = []
    for offset in sorted(offsets_ms):
        start, end = max(0, offset - BEFORE_MS), max(0, offset) + AFTER_MS
        if merged and start <= merged[-1].end_ms:
            merged[-1] = Window(merged[-1].start_ms, max(end, merged[-1].end_ms))
        else:
            merged.append(Window(start, end))
    return merged
