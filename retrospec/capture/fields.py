"""Form fields that are secret by what they are: password boxes, card numbers, hidden tokens."""

import re
from typing import Any, NamedTuple

import msgspec

from retrospec.capture.detectors import NUMBER_KINDS, holds_number, is_placeholder
from retrospec.capture.keys import kind_of_key
from retrospec.capture.rules import Kind, RedactionRules

VALUE_ATTRIBUTES = frozenset({"value", "content"})
_AUTOCOMPLETES = {
    "current-password": Kind.PASSWORD,
    "new-password": Kind.PASSWORD,
    "one-time-code": Kind.PASSWORD,
    "cc-csc": Kind.PASSWORD,
    "cc-number": Kind.CARD,
    "tel": Kind.PHONE,
    "tel-national": Kind.PHONE,
}
"""HTML's autofill words (source: HTML Living Standard, 4.10.18.7)."""
_ATTRIBUTES_START = b'"attributes":'
_ATTRIBUTES_REACH_BYTES = 4_096
_NODE_TAIL = re.compile(rb'\}\s*(?:,\s*"childNodes"\s*:\s*\[\s*\]\s*)?(?:,\s*"(?:isSVG|needBlock|isCustom)"\s*:\s*true\s*)*,\s*"id"\s*:\s*([0-9]{1,15})')


class Field(NamedTuple):
    """An empty secret field of a snapshot."""

    node_id: int
    kind: Kind


def kind_of_field(attributes: dict[str, Any], rules: RedactionRules) -> Kind | None:
    """The kind of secret a field (or ``meta``) holds, by its type, autocomplete or name."""
    kind = attributes.get("type")
    if kind == "password" or "data-rr-is-password" in attributes:
        return Kind.PASSWORD
    if kind == "tel":
        return Kind.PHONE
    autocomplete = attributes.get("autocomplete")
    if isinstance(autocomplete, str) and autocomplete.split(" ")[-1] in _AUTOCOMPLETES:
        return _AUTOCOMPLETES[autocomplete.split(" ")[-1]]
    name = attributes.get("name")
    return kind_of_key(name, rules.secret_keys) if isinstance(name, str) else None


def is_secret_input(text: str, kind: Kind) -> bool:
    """Whether what such a field holds is to be hidden: not empty, not masked already."""
    if is_placeholder(text):
        return False
    return holds_number(text, kind) if kind in NUMBER_KINDS else True


def field_at(text: bytes, begin: int, end: int, rules: RedactionRules) -> Field | None:
    """The empty secret field whose attributes stand around ``text[begin:end]`` in a snapshot's JSON.

    None where that can't be told without parsing the snapshot, or where the field holds something:
    saves parsing (25 ms per MB) every page that only has a sign-in form.
    """
    start = text.rfind(_ATTRIBUTES_START, max(0, begin - _ATTRIBUTES_REACH_BYTES), end)
    close = text.find(b"}", end - 1, end + _ATTRIBUTES_REACH_BYTES)
    tail = _NODE_TAIL.match(text, close) if start >= 0 and close >= 0 else None
    if tail is None:
        return None
    try:
        attributes = msgspec.json.decode(text[start + len(_ATTRIBUTES_START) : close + 1])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    kind = kind_of_field(attributes, rules) if isinstance(attributes, dict) else None
    if kind is None or any(is_secret_input(str(attributes.get(name, "")), kind) for name in VALUE_ATTRIBUTES):
        return None
    return Field(int(tail.group(1)), kind)
