"""What only many failures together can tell: names that are parameters after all. Suggests, never joins. Pure.

``/users/anna/cart`` and ``/users/ben/cart`` look like two addresses until there are many of them; so do messages with
free words in them. Asked once for a fingerprint never seen, over the few that differ from it in nothing else.
"""

from collections.abc import Iterable

from retrospec.domain.marker import MarkerKind
from retrospec.issues.fingerprint_v1 import Fingerprint
from retrospec.issues.message_tree import MessageTemplates
from retrospec.issues.templates import MASK
from retrospec.issues.url_templates import UrlTemplates

MAX_KIN = 300
"""Kin read for one new fingerprint."""
LEARNED_SCORE = 0.75
"""How alike two failures count whose path or message is one template: enough to suggest a merge."""
_LONGEST = 180


def kin_token(kind: MarkerKind, one: Fingerprint) -> tuple[str, str] | None:
    """``(token, text)``: what a fingerprint shares with its kin, and the path or message by which they differ."""
    parts = dict(one.parts)
    by = "path" if kind is MarkerKind.API_ERROR else "message"
    text = parts.pop(by, "")
    if not text:
        return None
    rest = "\x1e".join(f"{name}\x1f{value}" for name, value in parts.items())
    return f"kin:{kind.value}:{rest}", text[:_LONGEST]


def same_template(kind: MarkerKind, text: str, others: Iterable[tuple[str, str]]) -> list[str]:
    """The keys among ``others`` (key and text) whose text is of the same learnt template as ``text``."""
    known = list(others)
    learner: UrlTemplates | MessageTemplates = (
        UrlTemplates() if kind is MarkerKind.API_ERROR else MessageTemplates()
    )
    for each in (text, *(other for _, other in known)):
        learner.add(each)
    own = learner.template(text)
    if not any(part and part != MASK for part in own.replace("/", " ").split()):
        return []
    return [key for key, other in known if learner.template(other) == own]
