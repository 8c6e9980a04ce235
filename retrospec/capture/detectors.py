"""Secrets found in one text: each detector yields the spans to replace.

Patterns find (RE2, linear), plain code confirms: check digits, calling codes, neighbours. Runs only over text
that a candidate pattern hit, so a few microseconds per pattern are affordable.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import re2

from retrospec.capture import checkdigits, phones, shapes
from retrospec.capture.keys import kind_of_key, kind_of_parameter, loose_name
from retrospec.capture.numbers import MAX_CARD_DIGITS, Span, ids_after_words, numbers, stands_free
from retrospec.capture.rules import PLACEHOLDERS, Kind, RedactionRules

MAX_VALUE_CHARS = 4_096
"""A value is followed no further, so that a text of unclosed quotes stays linear."""
NUMBER_KINDS = frozenset({Kind.PHONE, Kind.CARD, Kind.NATIONAL_ID})
"""Kinds that must look like a number even under a telling name."""
_PLACEHOLDER = re.compile(r"\[(?:" + "|".join(word[1:-1] for word in PLACEHOLDERS.values()) + r")\]")
_MASK = re.compile(r"[*•●·\s]*")
_OPENING_QUOTE = re.compile(r"\\*[\"']")
_BARE_VALUE = re.compile(r"[^\s\"'&;,<>{}()#\\]{1,4096}")
_SEPARATORS = re.compile(r"[^0-9A-Za-z]")
_ASSET_WORDS = (
    "png jpg jpeg gif svg webp avif ico bmp css scss less js mjs cjs jsx ts tsx map json html htm xml txt woff woff2 ttf eot otf mp4 webm mp3 "
    "wav pdf gz wasm vue svelte php prototype"
)
_ASSET_ENDINGS = frozenset(_ASSET_WORDS.split())


def is_placeholder(value: str) -> bool:
    """Whether ``value`` is already redacted, masked, or empty."""
    bare = value.strip("\\\"' ")
    return _MASK.fullmatch(bare) is not None or _PLACEHOLDER.fullmatch(bare) is not None


def _compiled(pattern: str) -> Any:
    return re2.compile(pattern)


_USERINFO = _compiled(shapes.URL_USERINFO)
_PRIVATE_KEY = _compiled(shapes.PRIVATE_KEY)
_JWT = _compiled(shapes.JWT)
_AUTH_SCHEME = _compiled(shapes.AUTH_SCHEME)
_COOKIE_LINE = _compiled(shapes.COOKIE_LINE)
_API_KEY = _compiled(shapes.API_KEY)
_EMAIL = _compiled(shapes.EMAIL)
_IBAN = _compiled(shapes.IBAN)
_LETTERED_ID = _compiled(shapes.LETTERED_ID)
_DOTTED_ID = _compiled(shapes.DOTTED_ID)
_PHONE_FORMS = (
    (_compiled(shapes.PHONE_INTERNATIONAL), 0, phones.is_international),
    (_compiled(shapes.PHONE_GROUPED), 0, phones.is_grouped_national),
    (_compiled(shapes.PHONE_AFTER_WORD), 1, phones.is_after_word),
)


def private_keys(text: str) -> Iterator[Span]:
    """PEM and PGP private keys, whole; one that is cut off goes to the end of the text."""
    for match in _PRIVATE_KEY.finditer(text):
        yield Span(match.start(), match.end(), Kind.PRIVATE_KEY)


def url_credentials(text: str) -> Iterator[Span]:
    """``user:password`` before a URL's host."""
    for match in _USERINFO.finditer(text):
        yield Span(match.start(1), match.end(1), Kind.AUTH)


def auth_schemes(text: str) -> Iterator[Span]:
    """What follows ``Bearer``, ``Basic`` or ``Digest``, where it is a credential and not prose."""
    for match in _AUTH_SCHEME.finditer(text):
        scheme, value = match.group(0)[:5].lower(), match.group(1)
        if _is_basic(value) if scheme == "basic" else _looks_random(value):
            yield Span(match.start(1), match.end(1), Kind.AUTH)


def _is_basic(value: str) -> bool:
    try:
        return b":" in base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False


def _looks_random(value: str) -> bool:
    return any(letter.isdigit() for letter in value) or len(value) >= 24 or value.endswith("=")


def cookie_lines(text: str) -> Iterator[Span]:
    """``Cookie:`` and ``Set-Cookie:`` lines."""
    for match in _COOKIE_LINE.finditer(text):
        yield Span(match.start(1), match.end(1), Kind.COOKIE)


def jwts(text: str) -> Iterator[Span]:
    """JSON web tokens: the header must decode to the start of an object."""
    for match in _JWT.finditer(text):
        head = match.group(0).split(".", 1)[0]
        decoded = base64.urlsafe_b64decode(head[: len(head) // 4 * 4])
        if decoded.lstrip().startswith(b'{"') or decoded.lstrip().startswith(b"{\n"):
            yield Span(match.start(), match.end(), Kind.JWT)


def api_keys(text: str) -> Iterator[Span]:
    """Keys of providers whose keys have a shape of their own."""
    for match in _API_KEY.finditer(text):
        yield Span(match.start(), match.end(), Kind.API_KEY)


def named_values(text: str, rules: RedactionRules) -> Iterator[Span]:
    """Values beside a telling name: ``password=x``, ``"token": "x"``, ``?sig=x``."""
    done = 0
    for match in _names(rules.secret_keys).finditer(text):
        if match.start() < done:
            continue
        start, end, is_quoted = _value_at(text, match.end())
        kind = _kind_of_pair(match, text[start:end], is_quoted, rules)
        if kind is not None:
            yield Span(start, end, kind)
            done = end


@lru_cache(maxsize=64)
def _names(own: tuple[str, ...]) -> Any:
    return re2.compile(shapes.NAME_AND_SIGN.format(own="".join(f"|{loose_name(key)}" for key in own)))


def _value_at(text: str, place: int) -> tuple[int, int, bool]:
    """The value that begins at ``place``, as (start, end, whether it stands in quotes)."""
    opening = _OPENING_QUOTE.match(text, place)
    if opening is None:
        bare = _BARE_VALUE.match(text, place)
        return place, bare.end() if bare else place, False
    closing = text.find(opening.group(0), opening.end(), opening.end() + MAX_VALUE_CHARS)
    return opening.end(), closing if closing >= 0 else min(len(text), opening.end() + MAX_VALUE_CHARS), True


def _kind_of_pair(match: Any, value: str, is_quoted: bool, rules: RedactionRules) -> Kind | None:
    name, sign, text = match.group(1), match.group(2), match.string
    is_parameter = sign == "=" and text[max(0, match.start() - 1) : match.start()] in ("?", "&", "#", ";")
    kind = kind_of_parameter(name, value, rules.secret_keys) if is_parameter else kind_of_key(name, rules.secret_keys)
    if kind is None or is_placeholder(value):
        return None
    if kind in NUMBER_KINDS:
        return kind if holds_number(value, kind) else None
    if sign == ":" and not is_quoted and not _looks_like_a_secret(value):
        return None
    return kind if is_secret_under(name, value) else None


def _looks_like_a_secret(value: str) -> bool:
    """Tells ``Password: hunter2`` from ``Password: required``."""
    return len(value) >= 4 and (any(letter.isdigit() for letter in value) or len(value) >= 20)


def is_secret_under(name: str, value: str) -> bool:
    """Whether ``value`` is worth hiding under a telling ``name``: not empty, a flag, or an icon's name."""
    if is_placeholder(value) or value.lower() in ("true", "false", "null", "none", "undefined", "[object object]"):
        return False
    return len(name) > 4 or len(value) >= 8 or any(letter.isdigit() for letter in value) or name.lower() in ("pass", "pwd", "auth")


def holds_number(value: str, kind: Kind) -> bool:
    """Whether ``value`` has as many digits as a phone, card or national id."""
    count = sum(letter.isdigit() for letter in value)
    if is_placeholder(value):
        return False
    if kind is Kind.CARD:
        return 12 <= count <= MAX_CARD_DIGITS
    return phones.MIN_DIGITS - 1 <= count <= 18


def emails(text: str) -> Iterator[Span]:
    """Addresses, also with ``%40``; not ``logo@2x.png``, ``name@1.2.3`` or ``git@host:``."""
    for match in _EMAIL.finditer(text):
        found = match.group(0)
        ending = found.rsplit(".", 1)[1].lower()
        is_git = found.startswith("git@") and text[match.end() : match.end() + 1] in ":/"
        if ending not in _ASSET_ENDINGS and not ending.isdigit() and not is_git:
            yield Span(match.start(), match.end(), Kind.EMAIL)


def ibans(text: str) -> Iterator[Span]:
    """International bank account numbers, in groups or not."""
    for match in _IBAN.finditer(text):
        found = match.group(0)
        length = checkdigits.IBAN_LENGTHS.get(found[:2].upper())
        end = _end_of_letters(found, length) if length else 0
        if end and checkdigits.is_iban(_SEPARATORS.sub("", found[:end]).upper()) and not _is_wordy(text, match.start() + end):
            yield Span(match.start(), match.start() + end, Kind.IBAN)


def _end_of_letters(found: str, wanted: int) -> int:
    """Where ``found`` has given ``wanted`` letters and digits; 0 where it hasn't as many."""
    count = 0
    for place, letter in enumerate(found):
        count += letter.isalnum()
        if count == wanted:
            return place + 1
    return 0


def _is_wordy(text: str, place: int) -> bool:
    return 0 <= place < len(text) and text[place].isalnum()


def lettered_ids(text: str) -> Iterator[Span]:
    """National ids with letters in them."""
    for match in _LETTERED_ID.finditer(text):
        if _is_lettered_id(_SEPARATORS.sub("", match.group(0)).upper(), match.group(0)):
            yield Span(match.start(), match.end(), Kind.NATIONAL_ID)


def _is_lettered_id(plain: str, written: str) -> bool:
    if len(plain) == 9 and plain[1:8].isdigit():
        return checkdigits.is_spanish_dni(plain)
    if len(plain) == 9:
        return checkdigits.is_uk_nino(plain)
    if len(plain) == 16:
        return checkdigits.is_italian_fiscal_code(plain)
    if len(plain) == 18:
        return checkdigits.is_chinese_id(plain) if plain[:17].isdigit() else checkdigits.is_mexican_curp(plain)
    return len(written) == 11 and checkdigits.is_finnish_id(written.upper())


def dotted_ids(text: str) -> Iterator[Span]:
    """Brazil's CPF and Belgium's register number as they are printed."""
    for match in _DOTTED_ID.finditer(text):
        digits = phones.digits_of(match.group(0))
        is_valid = checkdigits.is_brazilian_cpf if match.group(0)[3] == "." else checkdigits.is_belgian_id
        if is_valid(digits):
            yield Span(match.start(), match.end(), Kind.NATIONAL_ID)


def telephone_numbers(text: str) -> Iterator[Span]:
    """Telephone numbers: international, in a national grouping, or after a word for telephone."""
    for pattern, group, is_valid in _PHONE_FORMS:
        for match in pattern.finditer(text):
            start, end = match.span(group)
            dashed = text[max(0, start - 1) : start] == "-"
            if not dashed and is_valid(match.group(group)) and stands_free(text, start, end):
                yield Span(start, end, Kind.PHONE)


Detector = Callable[[str], Iterator[Span]]
BEFORE_NAMES: tuple[Detector, ...] = (private_keys, cookie_lines)
"""Detectors of what is longer than the value beside a name."""
DETECTORS: tuple[Detector, ...] = (
    url_credentials,
    jwts,
    auth_schemes,
    api_keys,
    emails,
    ibans,
    numbers,
    ids_after_words,
    lettered_ids,
    dotted_ids,
    telephone_numbers,
)
"""In order: what is replaced by one is not seen by the next."""
