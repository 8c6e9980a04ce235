"""From stored chunks to events in the order of time: salvaged, sorted, without duplicates.

Memory: one small tuple per event that points into the chunk; nothing is decoded but the event's head.
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import NamedTuple

import msgspec
from msgspec import Raw

from retrospec.analysis.limits import MAX_DRIFT_MS, MAX_EVENTS
from retrospec.analysis.shapes import Head, LooseHead
from retrospec.domain.recording import Recording

_HEAD = msgspec.json.Decoder(Head)
_LOOSE_HEAD = msgspec.json.Decoder(LooseHead)
_ARRAY = msgspec.json.Decoder(list[Raw])
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]')

BROKEN = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What decoding hostile JSON may raise (a ValidationError is a DecodeError)."""


class Stamped(NamedTuple):
    """An event in the order of time, still undecoded."""

    t: float
    """Client epoch milliseconds."""
    type: int
    source: int
    tab: str
    raw: Raw | bytes


class Reading(msgspec.Struct):
    """The readable events of a recording, and what was wrong with the rest."""

    events: list[Stamped]
    total: int = 0
    notes: list[str] = []
    cut: str = ""

    @property
    def start(self) -> float:
        """Epoch milliseconds of the first event: the player's zero."""
        return self.events[0].t if self.events else 0.0


def read_in_order(recording: Recording) -> Reading:
    """All readable events by time; equal times keep their stored order."""
    reading = Reading(events=[])
    undated = _collect(recording, reading)
    events = reading.events
    if any(a.t > b.t for a, b in itertools.pairwise(events)):
        events.sort(key=itemgetter(0))
        reading.notes.append("events were out of order and have been sorted")
    _leave_out_broken_clocks(reading)
    _leave_out_duplicates(reading)
    reading.events = [e._replace(t=reading.start) for e in undated] + reading.events
    return reading


def _collect(recording: Recording, reading: Reading) -> list[Stamped]:
    undated: list[Stamped] = []
    malformed = 0
    for tab, raw in _raw_events(recording, reading.notes):
        if reading.total >= MAX_EVENTS:
            reading.cut = f"only the first {MAX_EVENTS:,} events were read"
            break
        reading.total += 1
        try:
            event = _stamp(raw, tab)
        except RecursionError:
            event = None
            reading.cut = "an event was nested too deeply to read"
        if event is None:
            malformed += 1
        elif event.t < 0:
            undated.append(event)
        else:
            reading.events.append(event)
    if malformed:
        reading.notes.append(f"{malformed} malformed events were left out")
    return undated


def _stamp(raw: Raw | bytes, tab: str) -> Stamped | None:
    """The event with its head read; None where it isn't an event; ``t`` is -1 without a time."""
    try:
        head = _HEAD.decode(raw)
    except msgspec.DecodeError:
        return _loose_stamp(raw, tab)
    source = head.data.source if head.data is not None else -1
    return Stamped(head.timestamp if head.timestamp is not None else -1.0, head.type, source, tab or head.tab_id, raw)


def _loose_stamp(raw: Raw | bytes, tab: str) -> Stamped | None:
    try:
        head = _LOOSE_HEAD.decode(raw)
    except msgspec.DecodeError:
        return None
    return Stamped(head.timestamp if head.timestamp is not None else -1.0, head.type, -1, tab, raw)


def _raw_events(recording: Recording, notes: list[str]) -> Iterator[tuple[str, Raw | bytes]]:
    """Each event with its tab."""
    tabs = [*recording.tabs, *[""] * len(recording.chunks)]
    for number, (chunk, tab) in enumerate(zip(recording.chunks, tabs, strict=False)):
        events: Iterable[Raw | bytes]
        try:
            events = _ARRAY.decode(chunk)
        except BROKEN:
            notes.append(f"chunk {number} is damaged; what could be read of it was kept")
            events = salvage(chunk)
        for event in events:
            yield tab, event


def salvage(chunk: bytes) -> Iterator[bytes]:
    """The complete top-level elements of a JSON array that is cut short, damaged or nested too deeply."""
    depth, begin = 0, -1
    for token in _TOKEN.finditer(chunk):
        mark = chunk[token.start()]
        if mark in b"[{":
            depth += 1
            if depth == 2:
                begin = token.start()
        elif mark in b"]}":
            depth -= 1
            if depth == 1 and begin >= 0:
                yield chunk[begin : token.end()]
                begin = -1


def _leave_out_broken_clocks(reading: Reading) -> None:
    events = reading.events
    if not events:
        return
    middle = events[len(events) // 2].t
    kept = [e for e in events if abs(e.t - middle) <= MAX_DRIFT_MS]
    if len(kept) < len(events):
        reading.notes.append(f"{len(events) - len(kept)} events with an impossible time were left out")
        reading.events = kept


def _leave_out_duplicates(reading: Reading) -> None:
    """Drops an event whose bytes equal another's of the same millisecond: a chunk that was sent twice."""
    kept: list[Stamped] = []
    same_time: set[bytes] = set()
    previous: Stamped | None = None
    for event in reading.events:
        if previous is None or event.t != previous.t:
            same_time.clear()
        else:
            if not same_time:
                same_time.add(bytes(previous.raw))
            text = bytes(event.raw)
            if text in same_time:
                continue
            same_time.add(text)
        kept.append(event)
        previous = event
    if len(kept) < len(reading.events):
        reading.notes.append(f"{len(reading.events) - len(kept)} duplicate events were left out")
        reading.events = kept
