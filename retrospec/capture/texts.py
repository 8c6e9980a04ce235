"""One text redacted: every detector in turn, until nothing more is found."""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import re2

from retrospec.capture.detectors import BEFORE_NAMES, DETECTORS, Span, named_values
from retrospec.capture.rules import PLACEHOLDERS, Kind, RedactionRules

MAX_ROUNDS = 6
"""A replacement can free its neighbour to be seen; more rounds than two were never needed."""


def redacted_text(text: str, rules: RedactionRules, counts: Counter[str]) -> str:
    """``text`` with its secrets replaced, and counted by kind. Linear in its length."""
    for _ in range(MAX_ROUNDS):
        before = text
        text = _one_round(text, rules, counts)
        if text == before:
            break
    return text


def _one_round(text: str, rules: RedactionRules, counts: Counter[str]) -> str:
    for detector in BEFORE_NAMES:
        text = _replaced(text, detector(text), rules, counts)
    text = _replaced(text, named_values(text, rules), rules, counts)
    for detector in DETECTORS:
        text = _replaced(text, detector(text), rules, counts)
    for pattern in _own_patterns(rules.patterns):
        text = _replaced(text, _own_spans(pattern, text), rules, counts)
    return text


def _replaced(text: str, spans: Iterator[Span], rules: RedactionRules, counts: Counter[str]) -> str:
    pieces, done = [], 0
    for span in sorted(spans):
        if span.start < done or span.kind not in rules.kinds:
            continue
        pieces += [text[done : span.start], PLACEHOLDERS[span.kind]]
        counts[span.kind.value] += 1
        done = span.end
    return "".join([*pieces, text[done:]]) if pieces else text


@lru_cache(maxsize=64)
def _own_patterns(patterns: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(re2.compile(pattern) for pattern in patterns)


def _own_spans(pattern: Any, text: str) -> Iterator[Span]:
    for match in pattern.finditer(text):
        if match.end() > match.start() and match.group(0) != PLACEHOLDERS[Kind.CUSTOM]:
            yield Span(match.start(), match.end(), Kind.CUSTOM)
