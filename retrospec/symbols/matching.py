"""Which map belongs to a file: by debug id first, else by the file's address."""

import re
from collections.abc import Iterable, Mapping

from retrospec.storage.source_maps import StoredMap

MAX_NAME_CHARS = 512

_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//|^~/", re.I)
_LEADING = re.compile(r"^(?:\.{0,2}/)+")
_TRAILER = re.compile(rb"//[#@] ?debugId=([0-9a-fA-F-]{8,64})\s*$")
_DEBUG_ID = re.compile(r"[0-9a-f-]{8,64}")
_TRAILER_BYTES = 4_096


def tail_of(address: str) -> str:
    """A file's address as it is compared: no scheme, query or leading slashes; ``shop.example/js/app.js``."""
    bare = address.split("?", 1)[0].split("#", 1)[0].replace("\\", "/")
    return _LEADING.sub("", _SCHEME.sub("", bare, count=1))


def base_name(tail: str) -> str:
    """The last part of a path."""
    return tail.rpartition("/")[2]


def normal_debug_id(text: str) -> str:
    """Lower case; empty where it is no such id."""
    lower = text.strip().lower()
    return lower if _DEBUG_ID.fullmatch(lower) else ""


def debug_id_in(minified: bytes) -> str:
    """The id that bundlers write into a minified file's last lines: ``//# debugId=…``; empty where there is none."""
    last_lines = minified[-_TRAILER_BYTES:].splitlines()[-5:]
    found = next((match for line in reversed(last_lines) if (match := _TRAILER.search(line))), None)
    return normal_debug_id(found[1].decode("ascii")) if found else ""


class MapIndex:
    """The maps of one release, to be asked by address."""

    def __init__(self, maps: Iterable[StoredMap]) -> None:
        self._by_base: dict[str, list[StoredMap]] = {}
        for each in maps:
            self._by_base.setdefault(base_name(each.name), []).append(each)

    def __bool__(self) -> bool:
        return bool(self._by_base)

    def find(self, address: str) -> StoredMap | None:
        """The map whose name ends the address, the longest first; else the only one of that file name."""
        tail = tail_of(address)
        alike = self._by_base.get(base_name(tail), [])
        ending = [each for each in alike if tail == each.name or tail.endswith(f"/{each.name}")]
        if ending:
            return max(ending, key=lambda each: len(each.name))
        return alike[0] if len(alike) == 1 else None


def debug_ids_of(evidence: Mapping[str, object], files: list[str]) -> dict[str, str]:
    """Debug id by file address, from ``debugId`` (of the innermost file) and ``extra.debugIds`` (by address)."""
    found: dict[str, str] = {}
    extra = evidence.get("extra")
    named = extra.get("debugIds") if isinstance(extra, dict) else None
    for address, given in (named if isinstance(named, dict) else {}).items():
        if isinstance(given, str) and normal_debug_id(given):
            found[str(address)] = normal_debug_id(given)
    own = evidence.get("debugId")
    if files and isinstance(own, str) and normal_debug_id(own):
        found.setdefault(files[0], normal_debug_id(own))
    return found
