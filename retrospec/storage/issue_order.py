"""The orders in which issues are listed, and where a page of such a list ended."""

from datetime import datetime
from typing import Any

import msgspec

from retrospec.domain.clock import from_epoch_ms, to_epoch_ms


class SortCursor(msgspec.Struct, frozen=True):
    """The last issue of a page: ``at`` is what the list is sorted by, a moment or a number."""

    at: Any
    name: str

    def __str__(self) -> str:
        return f"{to_epoch_ms(self.at) if isinstance(self.at, datetime) else self.at!r}~{self.name}"


SORTS = {"impact": "impact", "seen": "last_seen_at", "people": "user_count", "newest": "created_at"}
"""Orders of the list and the columns they go by, greatest first; each has its index."""


def read_sort_cursor(text: str, sort: str) -> SortCursor | None:
    """The cursor a link carries; None for none or nonsense (the first page is then shown)."""
    number, tilde, name = text.partition("~")
    try:
        value = float(number)
    except ValueError:
        return None
    if not tilde or len(name) > 192 or not 0 <= value < 1e15:
        return None
    if SORTS[sort].endswith("_at"):
        return SortCursor(from_epoch_ms(int(value)), name)
    return SortCursor(int(value) if sort == "people" else value, name)
