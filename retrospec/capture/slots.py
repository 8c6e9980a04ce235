"""The places of a decoded value where text stands, gathered first and looked at together.

One scan over all gathered text finds the few that need a closer look: asking RE2 about each string
alone costs 2 µs of Python a string, 60 ms per MB of snapshot.
"""

import json
from typing import Any

import msgspec

from retrospec.capture.candidates import candidate_spans
from retrospec.capture.checkdigits import is_card
from retrospec.capture.detectors import NUMBER_KINDS, holds_number, is_placeholder, is_secret_under
from retrospec.capture.keys import kind_of_key
from retrospec.capture.rules import PLACEHOLDERS, Kind, RedactionRules
from retrospec.capture.texts import Tally, redacted_text

_BETWEEN = "\x00"
MAX_INNER_LEVELS = 3
"""JSON within JSON within JSON; what is deeper is read as plain text."""
_WHOLE_KINDS = frozenset({Kind.COOKIE, Kind.AUTH, Kind.SECRET})
"""Kinds whose name covers a whole object below it; ``password: {label: …}`` is a form's description."""
_HEADER_KINDS = frozenset({Kind.COOKIE, Kind.AUTH})


class Slots:
    """Texts and where they stand, as ``container[key]``; also replaces what a name alone gives away."""

    def __init__(self, rules: RedactionRules, tally: Tally, *, inner_level: int = 0) -> None:
        self.rules = rules
        self.tally = tally
        self._inner_level = inner_level
        self._places: list[tuple[Any, Any]] = []
        self._texts: list[str] = []
        self._numbers: dict[int, Kind] = {}
        """By text: the kind of number its name or field speaks of."""

    def add(self, container: Any, key: Any, text: str, kind: Kind | None = None) -> None:
        """Gather one text; ``kind`` is what its name says it is, where it holds more digits than that has."""
        if kind in NUMBER_KINDS:
            self._numbers[len(self._texts)] = kind
        self._places.append((container, key))
        self._texts.append(text)

    def put(self, container: Any, key: Any, kind: Kind) -> None:
        """Replace one value whole."""
        if kind in self.rules.kinds:
            container[key] = PLACEHOLDERS[kind]
            self.tally.counts[kind.value] += 1

    def redact(self) -> None:
        """Replace, in the gathered texts, every secret; base64 data URIs are passed over."""
        for index in self._worth_a_look():
            text = self._texts[index]
            if text.startswith("data:") and ";base64," in text[:128]:
                continue
            redacted = self._redacted(text)
            if redacted != text:
                container, key = self._places[index]
                container[key] = redacted
                if index in self._numbers and holds_number(redacted, self._numbers[index]):
                    self.put(container, key, self._numbers[index])  # what else stood there was found, and the number is left

    def _redacted(self, text: str) -> str:
        if text.lstrip()[:1] in ("{", "[", '"') and self._inner_level < MAX_INNER_LEVELS:
            inner = _redacted_json(text, self.rules, self.tally, self._inner_level + 1)
            if inner is not None:
                return inner
        return redacted_text(text, self.rules, self.tally)

    def _worth_a_look(self) -> list[int]:
        # A text must not begin at the scan's own beginning: some patterns ask what stands before.
        joined = (_BETWEEN + _BETWEEN.join(self._texts)).encode("utf-8", "replace")
        if joined.count(b"\x00") != len(self._texts):  # a text has NULs of its own
            return list(range(len(self._texts)))
        found: dict[int, None] = {}
        index = place = 0
        for start, end in candidate_spans(joined, self.rules):
            index += joined.count(b"\x00", place, start)
            place = start
            for touched in range(max(index - 1, 0), index + joined.count(b"\x00", start, end)):
                found[touched] = None
        return list(found)


def _redacted_json(text: str, rules: RedactionRules, tally: Tally, inner_level: int) -> str | None:
    """``text`` as JSON with its values redacted, as it was where there are none; None where it isn't JSON."""
    try:
        root = [msgspec.json.decode(text)]
    except (msgspec.DecodeError, RecursionError):
        return None
    slots = Slots(rules, tally, inner_level=inner_level)
    found_before = tally.counts.total()
    gather_value(root, 0, slots)
    slots.redact()
    return text if tally.counts.total() == found_before else encoded(root[0]).decode()


def encoded(value: Any) -> bytes:
    """``value`` as JSON, also where it holds integers past 64 bits."""
    try:
        return msgspec.json.encode(value)
    except OverflowError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def gather_value(container: Any, key: Any, slots: Slots) -> None:
    """Gather every text below ``container[key]``, any JSON; replace what its key gives away."""
    waiting: list[tuple[Any, Any, Kind | None]] = [(container, key, None)]
    while waiting:
        container, key, forced = waiting.pop()
        value = container[key]
        if isinstance(value, dict):
            waiting += _below_object(value, forced, slots)
        elif isinstance(value, list):
            waiting += _below_array(value, forced, slots)
        elif isinstance(value, str):
            _gather_text(container, key, value, forced, slots)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            _gather_number(container, key, value, forced, slots)


def _below_object(value: dict[str, Any], forced: Kind | None, slots: Slots) -> list[tuple[Any, Any, Kind | None]]:
    named = value.get("name", value.get("key"))
    pair_kind = kind_of_key(named, slots.rules.secret_keys) if isinstance(named, str) and "value" in value else None
    inherited = forced if forced in _WHOLE_KINDS else None
    return [
        (value, key, inherited or (pair_kind if key == "value" else kind_of_key(key, slots.rules.secret_keys)))
        for key in value
    ]


def _below_array(value: list[Any], forced: Kind | None, slots: Slots) -> list[tuple[Any, Any, Kind | None]]:
    pair_kind = _kind_of_pair(value, slots.rules) if len(value) == 2 else None
    return [(value, index, forced or (pair_kind if index == 1 else None)) for index in range(len(value))]


def _kind_of_pair(pair: list[Any], rules: RedactionRules) -> Kind | None:
    """A header or form entry as ``[name, value]``; two names side by side are not one."""
    name, value = pair
    if not isinstance(name, str) or not isinstance(value, str):
        return None
    kind = kind_of_key(name, rules.secret_keys)
    return kind if kind in _HEADER_KINDS or any(letter.isdigit() for letter in value) else None


def _gather_text(container: Any, key: Any, text: str, forced: Kind | None, slots: Slots) -> None:
    name = key if isinstance(key, str) else "value"
    if forced is None or is_placeholder(text):
        slots.add(container, key, text)
    elif holds_number(text, forced) if forced in NUMBER_KINDS else is_secret_under(name, text):
        slots.put(container, key, forced)
    else:
        slots.add(container, key, text, forced)


def _gather_number(container: Any, key: Any, number: int | float, forced: Kind | None, slots: Slots) -> None:
    digits = str(number).removesuffix(".0")
    if not digits.isdigit():
        return
    if forced in NUMBER_KINDS and holds_number(digits, forced):
        slots.put(container, key, forced)
    elif forced is Kind.PASSWORD and 3 <= len(digits) <= 12:
        slots.put(container, key, Kind.PASSWORD)
    elif 14 <= len(digits) <= 19 and is_card(digits):
        slots.put(container, key, Kind.CARD)
