"""Which clusters are one issue: people's word first, then the rules, the same whatever came first.

Pure. Two clusters are one issue when a chain of joins leads from one to the other. People's words are taken latest
first: what a later word keeps apart, no earlier word and no rule puts together. Then the rules' joins, in the order of
their names, each unless it would put together what a person keeps apart (docs/adr/0030).
"""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct


class Join(Struct, frozen=True, order=True):
    """A near-duplicate rule's join of two clusters that holds."""

    a: str
    b: str
    rule: str
    """``site`` or ``text``."""
    because: str = ""


class Word(Struct, frozen=True, kw_only=True):
    """What a person said of two clusters."""

    a: str
    b: str
    together: bool
    decided_at: datetime
    decision_id: str


def partition(keys: Iterable[str], words: Iterable[Word], joins: Iterable[Join]) -> list[frozenset[str]]:
    """The groups that ``keys`` fall into, joins and words about other keys left aside."""
    groups = _Groups(keys)
    for word in sorted(words, key=lambda one: (one.decided_at, one.decision_id, one.a, one.b), reverse=True):
        if word.together:
            groups.put_together(word.a, word.b)
        else:
            groups.keep_apart(word.a, word.b)
    for join in sorted(joins):
        groups.put_together(join.a, join.b)
    return groups.found()


class _Groups:
    """Union-find in which some groups may not meet."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._members = {key: {key} for key in keys}
        self._root = {key: key for key in self._members}
        self._apart: dict[str, set[str]] = {key: set() for key in self._members}
        """By root: the roots it may not be joined with."""

    def keep_apart(self, a: str, b: str) -> None:
        if a in self._root and b in self._root and (a := self._root[a]) != (b := self._root[b]):
            self._apart[a].add(b)
            self._apart[b].add(a)

    def put_together(self, a: str, b: str) -> None:
        if a not in self._root or b not in self._root:
            return
        kept, gone = self._root[a], self._root[b]
        if kept == gone or gone in self._apart[kept]:
            return
        for key in self._members[gone]:
            self._root[key] = kept
        self._members[kept] |= self._members.pop(gone)
        for other in self._apart.pop(gone):
            self._apart[other].discard(gone)
            self._apart[other].add(kept)
            self._apart[kept].add(other)

    def found(self) -> list[frozenset[str]]:
        return [frozenset(members) for members in self._members.values()]
