"""A search written for those who don't type: a part added to it, or taken out again. Pure."""

import re

from retrospec.search.parse import MAX_TEXT, tokens_of

_PLAIN = re.compile(r"[^\s\",:]+")


def part(name: str, value: str) -> str:
    """``browser:Firefox``, ``clicked:"Pay now"``; without a name, words."""
    text = value.replace('"', " ").strip()
    written = text if _PLAIN.fullmatch(text) else f'"{text}"'
    return f"{name}:{written}" if name else written


def has_part(query: str, wanted: str) -> bool:
    """Whether the search names just that."""
    return any(_same(token, wanted) for token in tokens_of(query))


def toggled(query: str, wanted: str) -> str:
    """The search with that part, or without it where it had it."""
    tokens = tokens_of(query)
    kept = [token for token in tokens if not _same(token, wanted)]
    return " ".join(kept if len(kept) < len(tokens) else [*tokens, wanted])[:MAX_TEXT]


def _same(one: str, other: str) -> bool:
    return one.replace('"', "").casefold() == other.replace('"', "").casefold()
