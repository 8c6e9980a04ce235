"""Addresses in stylesheets, found and swapped on bytes in linear time."""

import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urljoin

from retrospec.vault.matching import RedactedNames

INVALID = b"about:invalid"
"""In place of an address the vault has no content for: nothing is asked of any host."""
_LEFT_ALONE = (b"data:", b"#", b"about:")
_QUOTED = rb"{quote}([^\"\\\r\n]++){quote}|'([^'\"\\\r\n]++)'"
_ADDRESS = (
    rb"[uU][rR][lL]\(\s*+(?:" + _QUOTED + rb"|([^\s\"'()\\]++))"
    rb"|@[iI][mM][pP][oO][rR][tT]\s*+(?:" + _QUOTED + rb")"
)
"""Possessive throughout, and what one alternative runs over holds no beginning of another: linear."""
PLAIN = re.compile(_ADDRESS.replace(b"{quote}", b'"'))
"""A stylesheet as it is."""
IN_JSON = re.compile(_ADDRESS.replace(b"{quote}", rb"\\\""))
"""A stylesheet within a JSON string, where quotes carry a backslash."""

Swap = Callable[[bytes], bytes | None]
"""An address as written → what to write instead, or None to leave it."""


def swapped(text: bytes, pattern: re.Pattern[bytes], swap: Swap, start: int = 0, end: int | None = None) -> list[bytes]:
    """``text[start:end]`` in pieces, each address passed through ``swap``."""
    end = len(text) if end is None else end
    pieces, done = [], start
    for match in pattern.finditer(text, start, end):
        first, last = match.span(match.lastindex or 0)
        new = swap(text[first:last])
        if new is not None:
            pieces += [text[done:first], new]
            done = last
    return [*pieces, text[done:end]]


def own_stylesheet(content: bytes, bases: Sequence[str], known: Mapping[str, str]) -> bytes:
    """A stylesheet of the vault with each address replaced by its content's name beside it, or by nothing.

    ``bases`` are the addresses it was loaded from; ``known`` gives a content's name by address.
    """

    redacted = RedactedNames({url.encode(): name.encode() for url, name in known.items()})

    def named(url: str) -> str:
        return known.get(url) or (redacted.find(url.encode()) or b"").decode()

    def swap(written: bytes) -> bytes | None:
        if written.startswith(_LEFT_ALONE):
            return None
        url, mark, fragment = written.decode("utf-8", "replace").partition("#")
        names = (named(whole) for base in bases if (whole := _joined(base, url)))
        name = next((name for name in names if name), "")
        return f"{name}{mark}{fragment}".encode() if name else INVALID

    return b"".join(swapped(content, PLAIN, swap))


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        return ""
