"""How well a grouping agrees with labels: pairwise and B-cubed F1, grouping accuracy."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

from msgspec import Struct


class Scores(Struct, frozen=True):
    """All 0…1. ``pair_*`` count pairs of items, ``b_cubed`` weighs every item alike, ``accuracy`` counts items in exact groups."""

    pair_f1: float
    pair_precision: float
    pair_recall: float
    b_cubed: float
    accuracy: float


def score(found: Sequence[Hashable], labels: Sequence[Hashable]) -> Scores:
    """Compare the groups ``found`` with ``labels``, item by item."""
    both, groups, truths = Counter(zip(found, labels, strict=True)), Counter(found), Counter(labels)
    together = sum(map(_pairs, both.values()))
    precision = _ratio(together, sum(map(_pairs, groups.values())))
    recall = _ratio(together, sum(map(_pairs, truths.values())))
    cubed_precision = sum(n * n / groups[group] for (group, _), n in both.items()) / max(1, len(labels))
    cubed_recall = sum(n * n / truths[label] for (_, label), n in both.items()) / max(1, len(labels))
    return Scores(
        pair_f1=_f1(precision, recall),
        pair_precision=precision,
        pair_recall=recall,
        b_cubed=_f1(cubed_precision, cubed_recall),
        accuracy=_accuracy(found, labels),
    )


def _accuracy(found: Sequence[Hashable], labels: Sequence[Hashable]) -> float:
    """Loghub's grouping accuracy: the share of items whose group has exactly its label's items."""
    members: dict[Hashable, list[int]] = defaultdict(list)
    truth: dict[Hashable, list[int]] = defaultdict(list)
    for place, (group, label) in enumerate(zip(found, labels, strict=True)):
        members[group].append(place)
        truth[label].append(place)
    exact = set(map(tuple, truth.values()))
    return sum(len(places) for places in members.values() if tuple(places) in exact) / max(1, len(labels))


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
