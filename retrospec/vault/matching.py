"""Finding an address's content whatever the redaction rules were: when it arrived, and when the recording did.

A redacted address says of itself where something was taken out (``…/[email]/face.png``), so it is read as a pattern: what
it stands for fits, and so does the same address redacted by other rules. No rules are asked, so none may change.
"""

import re
from collections.abc import Mapping
from typing import Any

import re2

PLACEHOLDER = re.compile(rb"\[[a-z]+(?:-[a-z]+)*\]")
_PART = re.compile(rb"[/?&=#]")
MOST_LOOKED_UP = 2_000
MOST_PATTERNS = 500


class RedactedNames:
    """Names of contents by address, where the address or what is asked for was redacted; linear in both."""

    def __init__(self, names: Mapping[bytes, bytes]) -> None:
        """``names``: a content's name by address as stored."""
        self._names = names
        redacted = [url for url in names if PLACEHOLDER.search(url)][:MOST_PATTERNS]
        # The one with the most letters of its own is the closest.
        redacted.sort(key=lambda url: -len(PLACEHOLDER.sub(b"", url)))
        self._patterns = [(_pattern(url), names[url]) for url in redacted]
        self._found: dict[bytes, bytes | None] = {}

    def find(self, url: bytes) -> bytes | None:
        """The name of the content that ``url`` or its unredacted self was mapped to."""
        if not self._patterns and not PLACEHOLDER.search(url):
            return None
        if url not in self._found and len(self._found) < MOST_LOOKED_UP:
            self._found[url] = self._look(url)
        return self._found.get(url)

    def _look(self, url: bytes) -> bytes | None:
        for pattern, name in self._patterns:
            if pattern.fullmatch(url):
                return name
        if not PLACEHOLDER.search(url):
            return None
        pattern, parts = _pattern(url), _PART.split(url)
        return next(
            (name for mapped, name in self._names.items() if pattern.fullmatch(mapped) or _fits(parts, _PART.split(mapped))),
            None,
        )


def _fits(parts: list[bytes], others: list[bytes]) -> bool:
    """Whether two redactions of one address agree part by part, each hiding what the other shows."""
    return len(parts) == len(others) and all(
        one == other or _stands_for(one, other) or _stands_for(other, one)
        for one, other in zip(parts, others, strict=True)
    )


def _stands_for(redacted: bytes, plain: bytes) -> bool:
    return PLACEHOLDER.search(redacted) is not None and _pattern(redacted).fullmatch(plain) is not None


def _pattern(url: bytes) -> Any:
    """``url`` with anything where a placeholder stands."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    options.dot_nl = True
    return re2.compile(b".+".join(re2.escape(part) for part in PLACEHOLDER.split(url)), options)
