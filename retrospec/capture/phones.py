"""Which runs of digits are telephone numbers.

A leading + or 00 with a real calling code, a national grouping, or a word for telephone beside it:
digits alone are never one.
"""

import re

_ONE = frozenset("17")
_TWO_DIGIT_CODES = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98"
_TWO = frozenset(_TWO_DIGIT_CODES.split())
_THREE_DIGIT_STARTS = "21 22 23 24 25 26 29 35 37 38 42 50 59 67 68 69 80 85 87 88 96 97 99"
_THREE_STARTS = frozenset(_THREE_DIGIT_STARTS.split())
"""Calling codes (source: ITU-T E.164 list, 2016); of three-digit ones the first two digits."""
_NOT_DIGITS = re.compile(r"\D")
_DATE = re.compile(r"\d{1,2}[-/ ]\d{1,2}[-/ ](?:19|20)\d\d|(?:19|20)\d\d[-/ ]\d{1,2}[-/ ]\d{1,2}")
MIN_DIGITS, MAX_DIGITS = 7, 15


def digits_of(text: str) -> str:
    """``text`` without anything but its digits."""
    return _NOT_DIGITS.sub("", text)


def is_international(text: str) -> bool:
    """Whether ``text``, from its + or 00 on, has a calling code and a length that goes with it."""
    digits = digits_of(text.removeprefix("%2B"))
    digits = digits.removeprefix("00") if text.startswith("00") else digits
    if not 8 <= len(digits) <= MAX_DIGITS:
        return False
    if digits[0] == "1":
        return len(digits) == 11 and digits[1] in "23456789"
    return digits[0] in _ONE or digits[:2] in _TWO or digits[:2] in _THREE_STARTS


def is_grouped_national(text: str) -> bool:
    """Whether ``text``, in a form some country writes its numbers in, has as many digits as one."""
    digits = digits_of(text)
    if _DATE.match(text):
        return False
    if digits[0] == "0":
        return 9 <= len(digits) <= 12 and digits[1] != "0" and len(set(digits)) > 2
    return 10 <= len(digits) <= 11


def is_after_word(text: str) -> bool:
    """Whether ``text``, which follows a word for telephone, has as many digits as a number."""
    return MIN_DIGITS <= len(digits_of(text)) <= MAX_DIGITS and not _DATE.match(text)
