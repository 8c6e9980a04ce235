"""Recordings dressed for showing: addresses of what the vault holds are swapped on the stored bytes.

Only where an address is one to the browser: in attributes that load something, in ``srcset``, and in
``url(…)`` and ``@import`` of style text. What was typed, read or logged is never touched, since inside a
JSON string every quote carries a backslash and so no key can be spelled there.
"""

import re
from collections.abc import Mapping
from typing import Any

import re2

from retrospec.vault import css
from retrospec.vault.matching import RedactedNames

URL_KEYS = frozenset({b"src", b"href", b"xlink:href", b"poster", b"background", b"data"})
SRCSET_KEYS = frozenset({b"srcset", b"imagesrcset"})
STYLE_KEYS = frozenset({b"style", b"_cssText", b"rule", b"replace", b"replaceSync", b"fontSource", b"set"})
INTEGRITY = b"integrity"
"""A served stylesheet has its addresses swapped, so the recorded digest no longer fits and would have it refused."""
_KEYS = b"|".join(sorted([*URL_KEYS, *SRCSET_KEYS, *STYLE_KEYS, INTEGRITY], reverse=True))
_STYLE_TEXT = re.compile(
    rb'\s*+,\s*+"attributes"\s*+:\s*+\{[^{}]*+\}\s*+,\s*+"childNodes"\s*+:\s*+\[\s*+'
    rb'\{\s*+"type"\s*+:\s*+3\s*+,\s*+"textContent"\s*+:\s*+"'
)
"""From a ``style`` element's name to its text."""


def _heads() -> Any:
    """RE2 finds them at 1 ms per MB and 0.6 µs each, Python's own at 20 ms per MB."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    return re2.compile(rb'"(?:%b)"\s*:\s*["{]|"tagName"\s*:\s*"style"' % _KEYS, options)


_HEADS = _heads()
"""A key is spelled by an unescaped quote, its name, a quote and a colon: none of that fits into a string."""
_BACKSLASH = ord("\\")
_STRING_REST = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_OBJECT_REST = re.compile(rb'(?:[^"}]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_PAGE_ADDRESS = re.compile(rb'"data"\s*+:\s*+\{\s*+$')
"""What stands before the ``href`` of a page's own address."""
_TOKEN = re.compile(rb"[^\s\"]+")
_ENDING = re.compile(rb"\.([a-z0-9]{2,5})$", re.IGNORECASE)
_SORTS = {
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "webp", "avif", "svg", "bmp", "ico"), "image"),
    **dict.fromkeys(("woff", "woff2", "ttf", "otf", "eot"), "font"),
    "css": "style",
}
_TAG = b'"tagName":"'
_LOOK_BACK_BYTES = 600
_SHEET = re.compile(rb'"rel":"[^"]{0,60}stylesheet')
MOST_MISSING = 5_000


class Dresser:
    """Dresses the chunks of one session; ``missing`` then says what the vault lacks, by sort."""

    def __init__(self, names: Mapping[str, str], *, prefix: str) -> None:
        """``names``: a content's name by address; ``prefix`` goes before it."""
        self._names = {url.encode(): (prefix + name).encode() for url, name in names.items()}
        self._redacted_names = RedactedNames(self._names)
        self.missing: dict[str, set[bytes]] = {"image": set(), "font": set(), "style": set()}

    def dress(self, events: bytes) -> bytes:
        """``events``, JSON text, with every known address swapped; the same object where there is none."""
        pieces: list[bytes] = []
        done = kept = 0
        for match in _HEADS.finditer(events):
            start, opened = match.span()
            if start < done or (start and events[start - 1] == _BACKSLASH):
                continue
            key = events[start + 1 : events.index(b'"', start + 1)]
            if key == b"tagName":
                text = _STYLE_TEXT.match(events, opened)
                if text is None:
                    continue
                opened = text.end()
            swapped, end = self._value(events, start, opened, key)
            if swapped is not None:
                pieces += [events[kept:opened], *swapped]
                kept = end
            done = end
        return b"".join([*pieces, events[kept:]]) if pieces else events

    def _value(self, events: bytes, start: int, opened: int, key: bytes) -> tuple[list[bytes] | None, int]:
        """The value that begins at ``opened`` in new pieces, or None; and where it ends."""
        if key in STYLE_KEYS or key == b"tagName":
            is_text = events[opened - 1] == ord('"')
            end = _end_of(_STRING_REST if is_text else _OBJECT_REST, events, opened)
            if events.find(b"(", opened, end) < 0 and events.find(b"@", opened, end) < 0:
                return None, end
            return css.swapped(events, css.IN_JSON, self._in_style, opened, end), end
        if events[opened - 1] != ord('"'):
            return None, opened
        if key == INTEGRITY:
            end = _end_of(_STRING_REST, events, opened)
            return ([], end) if events.startswith(b"sha", opened) else (None, end)
        if key in SRCSET_KEYS:
            end = _end_of(_STRING_REST, events, opened)
            return [_TOKEN.sub(self._in_srcset, events[opened:end])], end
        if not events.startswith(b"http", opened) or _PAGE_ADDRESS.search(events[max(0, start - 40) : start]):
            return None, opened
        return self._address(events, start, opened, key)

    def _address(self, events: bytes, start: int, opened: int, key: bytes) -> tuple[list[bytes] | None, int]:
        end = _end_of(_STRING_REST, events, opened)
        written = events[opened:end]
        new = self._found(written)
        if new is None:
            self._miss(written, _sort_of_loader(events, start, end, key))
            return None, end
        return [new], end

    def _found(self, written: bytes) -> bytes | None:
        url, mark, fragment = written.partition(b"#")
        name = self._names.get(url) or self._redacted_names.find(url)
        return None if name is None else name + mark + fragment

    def _in_srcset(self, match: re.Match[bytes]) -> bytes:
        token = match.group()
        bare = token.rstrip(b",")
        new = self._found(bare)
        if new is None:
            if bare.startswith(b"http"):
                self._miss(bare, "image")
            return token
        return new + token[len(bare) :]

    def _in_style(self, written: bytes) -> bytes | None:
        if written.startswith(b"//"):
            return self._in_style(b"https:" + written) or self._found(b"http:" + written)
        if not written.startswith(b"http"):
            return None
        new = self._found(written)
        if new is None:
            self._miss(written, "image")
        return new

    def _miss(self, written: bytes, sort: str) -> None:
        url = written.partition(b"#")[0]
        ending = _ENDING.search(url.partition(b"?")[0][-8:])
        told = _SORTS.get(ending[1].decode().lower(), "") if ending else ""
        sort = told if sort and told else sort
        if sort and len(self.missing[sort]) < MOST_MISSING:
            self.missing[sort].add(url)


def _end_of(rest: re.Pattern[bytes], events: bytes, opened: int) -> int:
    found = rest.match(events, opened)
    return found.end() if found else opened


def _sort_of_loader(events: bytes, start: int, end: int, key: bytes) -> str:
    """What the element that loads an address would show; ``""`` where it shows nothing."""
    if key in (b"poster", b"background"):
        return "image"
    tag_at = events.rfind(_TAG, max(0, start - _LOOK_BACK_BYTES), start)
    tag = events[tag_at + len(_TAG) : tag_at + len(_TAG) + 6].partition(b'"')[0] if tag_at >= 0 else b""
    if tag == b"link":
        around = events[tag_at : events.find(b"}", end, end + _LOOK_BACK_BYTES)]
        return "style" if _SHEET.search(around) else ""
    return "image" if tag in (b"img", b"image", b"input") and key != b"data" else ""
