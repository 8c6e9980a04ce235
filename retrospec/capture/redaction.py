"""Secrets and personal data taken out of what a browser sent, before anything is stored.

The JSON text of a recording is scanned whole; only events in which something was hit are parsed,
walked and written again, the others stay byte for byte. See ``docs/privacy.md`` for what is found and what isn't.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import re2

from retrospec.capture.candidates import candidate_spans
from retrospec.capture.nodes import EventWalk
from retrospec.capture.rules import DEFAULT_RULES, Kind, RedactionRules
from retrospec.capture.slots import Slots, encoded, gather_value
from retrospec.capture.texts import Tally
from retrospec.domain.errors import CorruptRecording

__all__ = ["DEFAULT_RULES", "Kind", "Redacted", "RedactionRules", "redact_events", "redact_text", "redact_value"]

UNREADABLE = "unreadable"
"""Counted where an event could not be decoded to be redacted, and was left out."""

_INPUT_SOURCE = re2.compile(rb'"source":\s*5\b')
_splitter = msgspec.json.Decoder(list[msgspec.Raw])
_decode = msgspec.json.Decoder().decode


class Redacted(msgspec.Struct):
    """A recording that may be stored."""

    events_json: bytes
    """The very object that came in where nothing was changed."""
    counts: dict[str, int]
    """Replacements by ``Kind``."""


def redact_events(events_json: bytes, rules: RedactionRules) -> Redacted:
    """``events_json``, a JSON array of rrweb events, with every secret replaced.

    Raises CorruptRecording where it isn't a JSON array. A clean recording costs one scan, about 4 ms per MB.
    """
    fields: dict[int, Kind] = {}
    first = next(candidate_spans(events_json, rules, 0, fields), None)
    if first is None and not fields:
        return Redacted(events_json, {})
    events = _split(events_json)
    touched = list(_touched_events(events_json, events, rules, fields, first))
    tally = Tally()
    changed = _redact_touched(events_json, events, touched, EventWalk(rules, fields), tally)
    if not changed:
        return Redacted(events_json, {})
    return Redacted(_joined(events_json, events, changed), dict(tally.counts))


def redact_value(value: Any, rules: RedactionRules) -> tuple[Any, dict[str, int]]:
    """Any JSON value redacted, and counts by kind; ``value`` itself is not changed."""
    text = encoded(value)
    if next(candidate_spans(text, rules), None) is None:
        return value, {}
    tally = Tally()
    root = [_decode(text)]
    slots = Slots(rules, tally)
    gather_value(root, 0, slots)
    slots.redact()
    return (root[0], dict(tally.counts)) if tally.counts else (value, {})


def redact_text(text: str, rules: RedactionRules) -> tuple[str, dict[str, int]]:
    """One text (a label, route or URL) redacted, and counts by kind."""
    redacted, counts = redact_value(text, rules)
    return redacted, counts


class _Place(NamedTuple):
    """One event's text: ``events_json[start:end]``."""

    start: int
    end: int


def _split(events_json: bytes) -> list[_Place]:
    """Where each event begins and ends; between two is only a comma and white space."""
    try:
        events = _splitter.decode(events_json)
    except (msgspec.DecodeError, RecursionError):
        raise CorruptRecording("the events are not a JSON array") from None
    places, end = [], events_json.index(b"[") + 1
    for event in events:
        text = memoryview(event)
        start = events_json.index(text[:1], end)
        end = start + len(text)
        places.append(_Place(start, end))
    return places


def _touched_events(
    events_json: bytes, events: list[_Place], rules: RedactionRules, fields: dict[int, Kind], span: tuple[int, int] | None
) -> Iterator[int]:
    """Indices of the events with at least one hit, from the first ``span`` on; the scan leaps to the end of each."""
    index = 0
    while span is not None:
        while index < len(events) and events[index].end <= span[0]:
            index += 1
        if index == len(events):
            return
        yield index
        start = max(events[index].end, span[0] + 1)
        span = next(candidate_spans(events_json, rules, start, fields), None)


def _redact_touched(
    events_json: bytes, events: list[_Place], touched: list[int], walk: EventWalk, tally: Tally
) -> dict[int, bytes]:
    """The new text of every event that changed, by index; empty for one that can't be read."""
    changed: dict[int, bytes] = {}
    for index in touched:
        changed |= _redact_one(events_json, events, index, walk, tally)
    if walk.secret_fields:
        for index in _input_events(events_json, events, set(touched)):
            changed |= _redact_one(events_json, events, index, walk, tally)
    return changed


def _redact_one(events_json: bytes, events: list[_Place], index: int, walk: EventWalk, tally: Tally) -> dict[int, bytes]:
    found_before = tally.counts.total()
    try:
        root = [_decode(events_json[events[index].start : events[index].end])]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        tally.counts[UNREADABLE] += 1
        return {index: b""}
    slots = Slots(walk.rules, tally)
    walk.gather(root, 0, slots)
    slots.redact()
    return {index: encoded(root[0])} if tally.counts.total() > found_before else {}


def _input_events(events_json: bytes, events: list[_Place], but: set[int]) -> Iterator[int]:
    """Indices of input events that the scan had no reason to touch."""
    index = 0
    for match in _INPUT_SOURCE.finditer(events_json):
        while index < len(events) and events[index].end <= match.start():
            index += 1
        if index < len(events) and index not in but:
            yield index


def _joined(events_json: bytes, events: list[_Place], changed: dict[int, bytes]) -> bytes:
    view = memoryview(events_json)
    texts = (changed.get(index, view[place.start : place.end]) for index, place in enumerate(events))
    return b"[" + b",".join(text for text in texts if text) + b"]"
