"""What others group by, each in a few lines: to be measured in the same run as ours.

Each style is written anew from its description; none is the product itself.
"""

import re
from collections import defaultdict
from typing import Any

from retrospec.issues.failure import read_exception
from retrospec.issues.places import own_frames

_NUMBERS = re.compile(r"\d+")
_HEX_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b[0-9a-f]{16,}\b")


def first_retrospec(label: str, evidence: dict[str, Any]) -> str:
    """Route and message, numbers masked; the route is the page's."""
    return f"{evidence.get('route', '')}|{_NUMBERS.sub('#', _HEX_ID.sub('#', label.lower()))}"


def type_and_value(label: str, evidence: dict[str, Any]) -> str:
    """Bugsink's style: type and normalised value."""
    failure = read_exception(label, evidence)
    return f"{failure.type}|{_NUMBERS.sub('#', failure.message)}"


def type_and_frames(label: str, evidence: dict[str, Any]) -> str:
    """Sentry's style: type and every in-app frame's file and function; the value where there is no stack."""
    failure = read_exception(label, evidence)
    frames = own_frames(failure.frames)
    if not frames or not frames[0].function:
        return type_and_value(label, evidence)
    return f"{failure.type}|" + "|".join(f"{frame.file}:{frame.function}" for frame in frames)


def plain_path(url: str) -> str:
    """The first RetroSpec's path: numbers and long hex masked."""
    path = url.split("://", 1)[-1].partition("/")[2].split("?")[0]
    return _NUMBERS.sub("#", _HEX_ID.sub("#", path))


def drain(messages: list[str], *, depth: int = 2, similarity: float = 0.4) -> list[int]:
    """Drain (He et al., 2017) with its usual settings: a tree by length and first words, then the likest template."""
    leaves: dict[tuple[Any, ...], list[tuple[int, list[str]]]] = defaultdict(list)
    found: list[int] = []
    count = 0
    for message in messages:
        words = message.split()
        head = tuple("*" if any(c.isdigit() for c in word) else word for word in words[:depth])
        leaf = leaves[(len(words), *head)]
        best = max(leaf, key=lambda entry: _alike(entry[1], words), default=None)
        if best is None or _alike(best[1], words) < similarity:
            best = (count, list(words))
            count += 1
            leaf.append(best)
        for place, word in enumerate(words):
            if best[1][place] != word:
                best[1][place] = "*"
        found.append(best[0])
    return found


def _alike(template: list[str], words: list[str]) -> float:
    return sum(a == b for a, b in zip(template, words, strict=True)) / len(words) if words else 1.0
