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
_AS_SHAPE = str.maketrans(
    dict.fromkeys("0123456789", "9")
    | dict.fromkeys(" \u00a0\u2009\u202f", " ")
    | {chr(code): " " if chr(code).isspace() else "-" for code in range(0x2000, 0x2015)}
)

_CARD_GROUPS = (
    "4 4 4 4", "4 4 4 4 3", "4 6 5", "4 6 4", "4 4 4 2", "4 4 4 3", "4 4 4 5", "4 5 6", "8 8", "4 12", "12 4", "8 4 4", "4 4 8", "4 8 4",
    "6 10", "6 4 6", "6 6 4", "5 5 5", "5 5 6", "8 11", "6 13", "16", "15", "14", "18", "19",
)  # fmt: skip
"""Lengths of the groups a card's digits are written in."""
_ID_GROUPS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("3-2-4", checkdigits.is_us_ssn),
    ("3-3-3", checkdigits.is_canadian_sin),
    ("4 4 4", checkdigits.is_aadhaar),
    ("2 3 3 3", checkdigits.is_german_tax_id),
    ("6-4", checkdigits.is_swedish_id),
    ("8-4", lambda digits: checkdigits.is_swedish_id(digits[2:])),
    ("6-7", checkdigits.is_korean_id),
    ("15", checkdigits.is_french_nir),
    ("1 2 2 2 3 3 2", checkdigits.is_french_nir),
    ("18", checkdigits.is_chinese_id),
    ("11", lambda digits: any(is_valid(digits) for is_valid in checkdigits.ELEVEN_DIGIT_IDS)),
)
"""National ids by the lengths of their groups; here a dash is a dash, and a space a space."""


class Span(NamedTuple):
    """``text[start:end]`` is of ``kind``."""

    start: int
    end: int
    kind: Kind


def _card_shape(groups: str) -> re.Pattern[str]:
    """Over digits written as 9: begins only where a group does, ends where one ends, and may overlap itself."""
    spelled = _spelled(groups).replace(" ", "[ -]{1,2}")
    return re.compile(rf"(?<!9)(?=({spelled})(?!9))")


def _id_shape(groups: str) -> re.Pattern[str]:
    """The same, but not as a part of a longer row of groups."""
    return re.compile(rf"(?<!9)(?<!9[ -])(?=({_spelled(groups)})(?![ -]?9))")


def _spelled(groups: str) -> str:
    return re.sub(r"[0-9]+", lambda length: "9{" + length.group() + "}", groups)


_CARD_SHAPES = tuple(_card_shape(groups) for groups in _CARD_GROUPS)
_ID_SHAPES = tuple((_id_shape(groups), is_valid) for groups, is_valid in _ID_GROUPS)
_ANY_SHAPE = re.compile("|".join(shape.pattern for shape in _CARD_SHAPES + tuple(shape for shape, _ in _ID_SHAPES)))
_VALID_AFTER_WORD = (
    checkdigits.is_canadian_sin,
    checkdigits.is_dutch_bsn,
    checkdigits.is_us_ssn,
)
"""Nine digits that prove little alone, but enough behind a word for them."""


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
    shape = written.translate(_AS_SHAPE)
    if _ANY_SHAPE.search(shape) is None:
        return
    for card in _CARD_SHAPES:
        for begin, end in _places(card, shape):
            if checkdigits.is_card(_NOT_DIGIT.sub("", written[begin:end])):
                yield begin, end, Kind.CARD
    for form, is_valid in _ID_SHAPES:
        for begin, end in _places(form, shape):
            if is_valid(_NOT_DIGIT.sub("", written[begin:end])):
                yield begin, end, Kind.NATIONAL_ID


def _places(form: re.Pattern[str], shape: str) -> Iterator[tuple[int, int]]:
    return (match.span(1) for match in form.finditer(shape))


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
