"""Addresses that strangers wrote, taken apart without an exception for the odd one."""

from urllib.parse import SplitResult, urlsplit

NOTHING = SplitResult("", "", "", "", "")


def address_parts(text: str) -> SplitResult:
    """``urlsplit``, or empty parts where it would raise (``http://[``, say)."""
    try:
        return urlsplit(text)
    except ValueError:
        return NOTHING
