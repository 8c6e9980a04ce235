"""What every kind's rule hands to the fingerprint. Part of fingerprint v1: frozen once shipped."""

from msgspec import Struct, field


class Draft(Struct, kw_only=True):
    """A failure's identity before it is hashed: the same ``parts``, the same key."""

    parts: list[tuple[str, str]]
    """What must be equal, each with its name for people: ``("method", "POST")``."""
    ignored: list[str] = field(default_factory=list)
    """What was left out on purpose, in words for people."""
    tokens: list[str] = field(default_factory=list)
    """For the search of near-duplicates; see ``similarity.py``."""
    title: str = ""
