"""Templates of one host's request paths, learnt from the paths themselves.

Shape tells ``/orders/10042`` (see ``templates.py``); it can't tell ``/users/alice/posts`` from ``/users/new/posts``. The
learner can: values of one parameter are followed by the same segments, literals by different ones. For the children of
a path prefix, each with the set of (offset, segment) that follow it, *sharing* is how much smaller the union is than
the sum, from 0 (all different) to 1 (all alike). Enough sharing, and the children are values.

What is kept is a set of paths: adding is idempotent, merging is set union, and the templates are a function of the set, so
order never matters. The set is bounded by keeping the paths of least hash, which is the same set in whatever order
they came.
"""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import blake2b

from retrospec.issues.templates import MASK, path_template

MAX_PATHS = 4_000
"""Distinct paths kept for a host; a sample of so many shows every parameter that matters."""
_LOOK_AHEAD = 3
_MIN_SHARING = 0.5
_MIN_VALUES = 8
"""Fewer alike siblings are more often a family of literals: ``cart/add``, ``wishlist/add``, ``compare/add``."""
_MAX_NOUNS = 0.5
_MAX_SEGMENTS = 16

Path = tuple[str, ...]
Feature = tuple[int, str]


class UrlTemplates:
    """One host's learner. ``add`` paths, ``template`` any path; ``merge`` with another's."""

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        self._paths: set[Path] = set(paths)
        self._rules: dict[Path, frozenset[str]] | None = None

    @property
    def paths(self) -> frozenset[Path]:
        """What was learnt from, for storing: give it to a new learner to go on."""
        return frozenset(self._paths)

    def add(self, path: str) -> None:
        """Learn one request's path (query and fragment don't count)."""
        segments = _segments(path)
        if segments and segments not in self._paths:
            self._paths.add(segments)
            self._rules = None
            self._trim(slack=MAX_PATHS // 4)

    def merge(self, other: "UrlTemplates") -> None:
        """Learn all that ``other`` knows."""
        self._paths |= other._paths
        self._rules = None
        self._trim(slack=0)

    def _trim(self, slack: int) -> None:
        if len(self._paths) > MAX_PATHS + slack:
            self._paths = set(sorted(self._paths, key=_rank)[:MAX_PATHS])

    def template(self, path: str) -> str:
        """``path`` with its ids and learnt parameters as ``<*>``: ``/users/<*>/posts``.

        A value never seen before is recognised where its place has been learnt to hold values only.
        """
        if self._rules is None:
            self._rules = learn(set(sorted(self._paths, key=_rank)[:MAX_PATHS]))
        done: Path = ()
        for segment in _segments(path):
            literals = self._rules.get(done)
            done += (MASK if literals is not None and segment not in literals else segment,)
        return "/" + "/".join(done)


def _segments(path: str) -> Path:
    return tuple(path_template(path).split("/")[1:][:_MAX_SEGMENTS])


def _rank(path: Path) -> bytes:
    return blake2b("/".join(path).encode("utf-8", "replace"), digest_size=8).digest()


def learn(paths: Iterable[Path]) -> dict[Path, frozenset[str]]:
    """Templated prefixes that a parameter follows, each with the literals that may stand there too."""
    rules: dict[Path, frozenset[str]] = {}
    waiting: list[tuple[Path, set[Path]]] = [((), set(paths))]
    while waiting:
        prefix, rests = waiting.pop()
        children: dict[str, set[Path]] = defaultdict(set)
        for rest in rests:
            if rest:
                children[rest[0]].add(rest[1:])
        values = _values(children)
        if values:
            rules[prefix] = frozenset(children) - values - {MASK}
        waiting += _next_level(prefix, children, values)
    return rules


def _next_level(prefix: Path, children: dict[str, set[Path]], values: set[str]) -> list[tuple[Path, set[Path]]]:
    merged: dict[str, set[Path]] = defaultdict(set)
    for segment, rests in children.items():
        merged[MASK if segment in values else segment] |= rests
    return [((*prefix, segment), rests) for segment, rests in merged.items()]


def _values(children: dict[str, set[Path]]) -> set[str]:
    """The children that are values of a parameter; the others are literals."""
    following = {name: _features(rests) for name, rests in children.items() if name != MASK}
    inner = {name: features for name, features in following.items() if features}
    if len(inner) < _MIN_VALUES or _sharing(inner.values()) < _MIN_SHARING:
        return set()
    if sum(_is_noun(children[name]) for name in inner) > _MAX_NOUNS * len(inner):
        return set()
    return set(following)


def _is_noun(rests: set[Path]) -> bool:
    """Whether an id follows: ``orders/10042`` names a collection, and collections are alike without being values."""
    return any(rest[:1] == (MASK,) for rest in rests)


def _features(rests: set[Path]) -> frozenset[Feature]:
    found = ((offset, segment) for rest in rests for offset, segment in enumerate(rest[:_LOOK_AHEAD]))
    return frozenset(feature for feature in found if MASK not in feature[1])


def _sharing(sets: Iterable[frozenset[Feature]]) -> float:
    """0 when no two have anything in common, 1 when all are the same."""
    listed = list(sets)
    total = sum(map(len, listed))
    return (total - len(frozenset().union(*listed))) / (total * (1 - 1 / len(listed)))
