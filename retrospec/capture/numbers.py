"""Cards and national ids among runs of digits, by how they are written and by their check digits."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import re2

from retrospec.capture import checkdigits, shapes
from retrospec.capture.rules import Kind

MAX_CARD_DIGITS = 19
_DIGIT_RUN = re2.compile(shapes.DIGIT_RUN)
_ID_AFTER_WORD = re2.compile(shapes.ID_AFTER_WORD)
_NOT_DIGIT = re.compile(r"[^0-9]")
_GROUP = re.compile(r"[0-9]+")
_CARD_GROUPS = (
    "4 4 4 4", "4 4 4 4 3", "4 6 5", "4 6 4", "4 4 4 2", "4 4 4 3", "4 4 4 5", "4 5 6", "8 8", "4 12", "12 4", "8 4 4", "4 4 8", "4 8 4",
    "6 10", "6 4 6", "6 6 4", "5 5 5", "5 5 6", "8 11", "6 13", "16", "15", "14", "18", "19",
)  # fmt: skip
_CARD_SHAPES = frozenset(tuple(map(int, groups.split())) for groups in _CARD_GROUPS)
"""Lengths of the groups a card's digits are written in, whatever separates them."""
_ID_SHAPES: dict[tuple[int, ...], tuple[str, Callable[[str], bool]]] = {
    (3, 2, 4): ("-", checkdigits.is_us_ssn),
    (3, 3, 3): ("-", checkdigits.is_canadian_sin),
    (4, 4, 4): (" ", checkdigits.is_aadhaar),
    (2, 3, 3, 3): (" ", checkdigits.is_german_tax_id),
    (6, 4): ("-", checkdigits.is_swedish_id),
    (8, 4): ("-", lambda digits: checkdigits.is_swedish_id(digits[2:])),
    (6, 7): ("-", checkdigits.is_korean_id),
    (15,): ("", checkdigits.is_french_nir),
    (1, 2, 2, 2, 3, 3, 2): (" ", checkdigits.is_french_nir),
    (18,): ("", checkdigits.is_chinese_id),
    (11,): ("", lambda digits: any(is_valid(digits) for is_valid in checkdigits.ELEVEN_DIGIT_IDS)),
}
"""National ids by the lengths of their groups, what separates those, and their check."""
_MOST_GROUPS = 7
_VALID_AFTER_WORD = (checkdigits.is_canadian_sin, checkdigits.is_dutch_bsn, checkdigits.is_us_ssn)
"""Nine digits that prove little alone, but enough behind a word for them."""


class Span(NamedTuple):
    """``text[start:end]`` is of ``kind``."""

    start: int
    end: int
    kind: Kind


def numbers(text: str) -> Iterator[Span]:
    """Cards and national ids among the runs of digits of ``text``, in order, the longer first."""
    for run in _DIGIT_RUN.finditer(text):
        start, written = run.start(), run.group(0)
        found = (Span(start + begin, start + end, kind) for begin, end, kind in _numbers_in(written))
        free = (span for span in found if stands_free(text, span.start, span.end) and not _is_dashed_id(text, span))
        yield from sorted(free, key=lambda span: (span.start, -span.end))


def _is_dashed_id(text: str, span: Span) -> bool:
    """An id as a part of a longer dashed word, such as a UUID."""
    return span.kind is Kind.NATIONAL_ID and "-" in (text[max(0, span.start - 1) : span.start], text[span.end : span.end + 1])


def ids_after_words(text: str) -> Iterator[Span]:
    """Nine-digit ids behind ``SSN``, ``SIN``, ``BSN`` and the like."""
    for match in _ID_AFTER_WORD.finditer(text):
        digits = _NOT_DIGIT.sub("", match.group(1))
        if len(digits) == 9 and any(is_valid(digits) for is_valid in _VALID_AFTER_WORD):
            yield Span(match.start(1), match.end(1), Kind.NATIONAL_ID)


def _numbers_in(written: str) -> Iterator[tuple[int, int, Kind]]:
    groups = [match.span() for match in _GROUP.finditer(written)]
    for first in range(len(groups)):
        shape: tuple[int, ...] = ()
        digits = ""
        for last in range(first, min(first + _MOST_GROUPS, len(groups))):
            begin, end = groups[last]
            shape, digits = (*shape, end - begin), digits + written[begin:end]
            if len(digits) > MAX_CARD_DIGITS:
                break
            if shape in _CARD_SHAPES and checkdigits.is_card(digits):
                yield groups[first][0], end, Kind.CARD
            elif shape in _ID_SHAPES and _is_id(written, groups, first, last, digits):
                yield groups[first][0], end, Kind.NATIONAL_ID


def _is_id(written: str, groups: list[tuple[int, int]], first: int, last: int, digits: str) -> bool:
    """Whether the groups are an id of their shape, and not a part of a longer row of groups."""
    separator, is_valid = _ID_SHAPES[tuple(end - begin for begin, end in groups[first : last + 1])]
    gaps = [written[groups[place][1] : groups[place + 1][0]] for place in range(first, last)]
    before = groups[first][0] - groups[first - 1][1] if first else 2
    after = groups[last + 1][0] - groups[last][1] if last + 1 < len(groups) else 2
    is_alone = before > 1 and after > 1
    return is_alone and all(gap.replace("\u00a0", " ") == separator for gap in gaps) and is_valid(digits)


def stands_free(text: str, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` is not a part of a word, a fraction, a dotted or a longer dashed number."""
    return _stands_free_before(text, start) and _stands_free_after(text, end)


def _stands_free_before(text: str, place: int) -> bool:
    """Not inside a word, a decimal fraction, or an address like ``1.2.3``."""
    before = text[max(0, place - 2) : place]
    return not (before[-1:].isalnum() or before[-1:] in ("_", "+") or (before[-1:] == "." and before[:1].isdigit()))


def _stands_free_after(text: str, place: int) -> bool:
    after = text[place : place + 2]
    return not (after[:1].isalnum() or after[:1] == "_" or (after[:1] == "." and after[1:].isdigit()))
