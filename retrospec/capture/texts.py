"""One text redacted: every detector in turn, until nothing more is found."""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import re2

from retrospec.capture.detectors import BEFORE_NAMES, DETECTORS, named_values
from retrospec.capture.numbers import Span
from retrospec.capture.rules import PLACEHOLDERS, Kind, RedactionRules

MAX_CLOSE_CHARS = 1_000_000
"""Of texts in which something was hit. A text made of nothing but secrets costs about 3 s per million
characters, so a hostile recording ends here; an ordinary one has some ten thousand."""
WHOLE = "[redacted]"
MAX_ROUNDS = 6
"""A replacement can free its neighbour to be seen; more rounds than two were never needed."""


class Tally:
    """What was replaced in one call, and how much more text may be looked at closely."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._chars_left = MAX_CLOSE_CHARS

    def may_look_at(self, text: str) -> bool:
        """Whether there is room for ``text``; it counts as looked at."""
        self._chars_left -= len(text)
        return self._chars_left >= 0


def redacted_text(text: str, rules: RedactionRules, tally: Tally) -> str:
    """``text`` with its secrets replaced, and counted by kind. Linear in its length.

    Past ``MAX_CLOSE_CHARS`` in one call it is replaced whole.
    """
    if not tally.may_look_at(text):
        tally.counts[Kind.CUSTOM.value] += 1
        return WHOLE
    for _ in range(MAX_ROUNDS):
        before = text
        text = _one_round(text, rules, tally)
        if text == before:
            break
    return text


def _one_round(text: str, rules: RedactionRules, tally: Tally) -> str:
    for detector in BEFORE_NAMES:
        text = _replaced(text, detector(text), rules, tally)
    text = _replaced(text, named_values(text, rules), rules, tally)
    for detector in DETECTORS:
        text = _replaced(text, detector(text), rules, tally)
    for pattern in _own_patterns(rules.patterns):
        text = _replaced(text, _own_spans(pattern, text), rules, tally)
    return text


def _replaced(text: str, spans: Iterator[Span], rules: RedactionRules, tally: Tally) -> str:
    pieces, done = [], 0
    for span in sorted(spans):
        if span.start < done or span.kind not in rules.kinds:
            continue
        pieces += [text[done : span.start], PLACEHOLDERS[span.kind]]
        tally.counts[span.kind.value] += 1
        done = span.end
    return "".join([*pieces, text[done:]]) if pieces else text


@lru_cache(maxsize=64)
def _own_patterns(patterns: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(re2.compile(pattern) for pattern in patterns)


def _own_spans(pattern: Any, text: str) -> Iterator[Span]:
    for match in pattern.finditer(text):
        if match.end() > match.start() and match.group(0) != PLACEHOLDERS[Kind.CUSTOM]:
            yield Span(match.start(), match.end(), Kind.CUSTOM)
