"""The part of a session that a text model is shown, within a bound."""

import heapq
from collections.abc import Iterator, Sequence

import msgspec

from retrospec.domain.recording import Recording
from retrospec.domain.trace import Trace, TraceRow
from retrospec.domain.window import Window

MOST_SAMPLE_CHARS = 45_000
"""WIRE_V1's bound for ``eventsSample``; rows shown to a chat model keep to it too."""
_MOST_EVENTS = 1_000
_LONGEST_DETAIL = 300


class _Timed(msgspec.Struct):
    timestamp: float = 0.0


def sample_of_events(recording: Recording, started_at_ms: int, windows: Sequence[Window], near_ms: int) -> str:
    """A JSON array of the events in ``windows``, those nearest to ``near_ms`` first to be kept, in stored order.

    Whole events only: one that does not fit (a page's snapshot, often) is left out.
    """
    candidates = _candidates(recording, started_at_ms, windows, near_ms)
    nearest = heapq.nsmallest(_MOST_EVENTS, candidates, key=lambda each: each[:2])
    return f"[{','.join(text for _, _, text in _fitting(nearest, MOST_SAMPLE_CHARS - 2))}]"


def nearest_rows(trace: Trace, near_ms: int, room_chars: int) -> list[str]:
    """The trace rows around ``near_ms`` as JSON, one a line, within ``room_chars`` in all, in order."""
    nearest = heapq.nsmallest(_MOST_EVENTS, enumerate(trace.rows), key=lambda row: (abs(row[1].t_ms - near_ms), row[0]))
    lines = [(abs(row.t_ms - near_ms), index, msgspec.json.encode(_short(row)).decode()) for index, row in nearest]
    return [text for _, _, text in _fitting(lines, room_chars)]


def _candidates(recording: Recording, started_at_ms: int, windows: Sequence[Window], near_ms: int) -> Iterator[tuple[float, int, str]]:
    decode = msgspec.json.Decoder(_Timed).decode
    for index, raw in enumerate(recording.raw_events()):
        if len(raw) > 4 * MOST_SAMPLE_CHARS:
            continue
        try:
            timestamp = decode(raw).timestamp
        except msgspec.ValidationError:
            continue
        t_ms = timestamp - started_at_ms if timestamp else 0
        if any(window.start_ms <= t_ms <= window.end_ms for window in windows):
            yield abs(t_ms - near_ms), index, bytes(raw).decode(errors="replace")


def _fitting(ranked: Sequence[tuple[float, int, str]], room_chars: int) -> list[tuple[float, int, str]]:
    """As many of ``ranked`` as fit with one separator each, back in order."""
    kept: list[tuple[float, int, str]] = []
    for each in ranked:
        if len(each[2]) < room_chars:
            kept.append(each)
            room_chars -= len(each[2]) + 1
    return sorted(kept, key=lambda each: each[1])


def _short(row: TraceRow) -> TraceRow:
    effects = [msgspec.structs.replace(effect, detail=effect.detail[:_LONGEST_DETAIL]) for effect in row.effects]
    return msgspec.structs.replace(row, detail=row.detail[:_LONGEST_DETAIL], effects=effects)
