"""What sets the visits that failed apart from those that went well at the same place. Pure.

Each trait is put to Fisher's exact test, one-sided. Of hundreds of traits some are frequent by chance, so all tests
together may err once in a hundred times; traits too rare to be told from chance at all do not count against the others
(Tarone, "A Modified Bonferroni Method for Discrete Data", Biometrics 1990).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from math import comb

from msgspec import Struct

from retrospec.domain.trait import SORTS, Trait

MOST_CHANCE = 0.01
"""That anything at all is said which is not so."""
LEAST_GAP = 0.25
"""Between the shares: less may be certain and still explains little."""
MOST_SHOWN = 4


class Contrast(Struct, frozen=True):
    """A trait that those who failed have more often than chance explains."""

    trait: Trait
    failed_with: int
    failed: int
    others_with: int
    others: int
    chance: float
    """Of a difference as large or larger, were there none."""


def set_apart(failed: Sequence[frozenset[Trait]], others: Sequence[frozenset[Trait]]) -> list[Contrast]:
    """The most telling first; of traits that the same visits have only the one whose sort comes first."""
    if not failed or not others:
        return []
    having, having_others = _holders(failed), _holders(others)
    chance_of = _fisher(len(failed), len(others))
    frequent = Counter(trait for visit in (*failed, *others) for trait in visit)
    bar = _bar(chance_of(min(times, len(failed)), times) for times in frequent.values())
    told: dict[tuple[frozenset[int], frozenset[int]], Contrast] = {}
    for trait in sorted(having, key=_rank):
        same = having[trait], having_others.get(trait, frozenset())
        a, b = len(same[0]), len(same[1])
        chance = chance_of(a, a + b)
        if chance <= bar and a / len(failed) - b / len(others) >= LEAST_GAP:
            told.setdefault(same, Contrast(trait, a, len(failed), b, len(others), chance))
    return sorted(told.values(), key=lambda one: one.chance)[:MOST_SHOWN]


def _rank(trait: Trait) -> tuple[int, Trait]:
    """What was pressed and the site's own tags first, then what the visit came with."""
    return (SORTS.index(trait.sort) if trait.sort in SORTS else 0), trait


def _holders(visits: Sequence[frozenset[Trait]]) -> dict[Trait, frozenset[int]]:
    """Which visits have each trait, by their number."""
    held: dict[Trait, set[int]] = {}
    for number, traits in enumerate(visits):
        for trait in traits:
            held.setdefault(trait, set()).add(number)
    return {trait: frozenset(numbers) for trait, numbers in held.items()}


def _fisher(failed: int, others: int) -> Callable[[int, int], float]:
    total = failed + others

    @cache
    def chance(failed_with: int, having: int) -> float:
        ways = sum(comb(having, one) * comb(total - having, failed - one) for one in range(failed_with, min(having, failed) + 1))
        return ways / comb(total, failed)

    return chance


def _bar(least: Iterable[float]) -> float:
    """How improbable one trait must be; ``least`` holds the smallest chance that each could have come to."""
    counted = Counter(least)
    tests = 1
    while sum(times for chance, times in counted.items() if chance <= MOST_CHANCE / tests) > tests:
        tests += 1
    return MOST_CHANCE / tests
