"""What was asked of the grouping, beside what was reached: one line a goal, on each half of the data.

Sources: FIELD's table of the prototype and its rivals. A set called ``dev`` falls into halves by a fixed hash of each
item's label, so that all of a failure's items are in one: ``tune``, on which thresholds may be chosen, and ``report``.
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, TextIO

import msgspec

from retrospec.bench.cluster_scores import Scores


class Line(msgspec.Struct, kw_only=True):
    """One row of the table."""

    name: str
    how: str
    """``ours`` or the baseline's name."""
    items: int
    scores: Scores
    type_merges: int = 0
    """Groups with more than one exception type in them."""
    part: str = ""
    """Of which part of the data."""


class Goal(msgspec.Struct, frozen=True):
    """``score`` of the set ``name`` is to be ``asked`` or more."""

    name: str
    score: str
    asked: float


TUNE, REPORT = "tune", "report"
_F1, _PRECISION, _B_CUBED, _EXACT = "pair_f1", "pair_precision", "b_cubed", "accuracy"
GOALS = (
    Goal("three engines, one build", _F1, 0.97),
    Goal("three engines, one build", _PRECISION, 0.995),
    Goal("three engines, one build", _B_CUBED, 0.97),
    Goal("three engines, two releases", _F1, 0.90),
    Goal("three engines, two releases", _PRECISION, 0.99),
    Goal("mapped, two releases", _F1, 0.97),
    Goal("mapped, two releases", _B_CUBED, 0.97),
    Goal("mapped, several bugs a file", _F1, 0.96),
    Goal("mapped, callers refactored", _F1, 0.95),
    Goal("browsers without stacks", _F1, 0.93),
    Goal("native validation", _F1, 1.0),
    Goal("request paths", _F1, 0.85),
    Goal("stacks read exactly", _EXACT, 0.99),
)
LOGS_ASKED = 0.88
SHOWN = {_F1: "pair F1", _PRECISION: "precision", _B_CUBED: "B-cubed", _EXACT: "exact"}


def half_of(label: str) -> str:
    """The half a label's items are in, on every machine and for ever."""
    return REPORT if blake2b(label.encode(), digest_size=1).digest()[0] & 1 else TUNE


def parts_of(part: str, items: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """``items`` by the part of the table they are reported in; only a ``dev`` part is halved."""
    if part != "dev":
        return {part: items}
    halves: dict[str, list[dict[str, Any]]] = {TUNE: [], REPORT: []}
    for item in items:
        halves[half_of(str(item["label"]))].append(item)
    return {half: found for half, found in halves.items() if found}


def print_goals(lines: Sequence[Line], out: TextIO) -> bool:
    """Print asked and reached by part; whether every goal is reached on every part that is not for tuning."""
    parts = sorted({line.part for line in lines}, key=lambda part: (part != TUNE, part))
    print(f"\n{'goal':<30} {'score':<20} {'asked':>7}" + "".join(f" {part:>9}" for part in parts), file=out)
    reached = [_print_goal(goal.name, SHOWN[goal.score], goal.asked, _found(lines, goal), parts, out) for goal in GOALS]
    mixed = {part: float(sum(one.type_merges for one in lines if one.part == part and one.how == "ours")) for part in parts}
    reached.append(_print_goal("all sets", "types mixed, most", 0.0, mixed, parts, out, is_reached=lambda found: found <= 0))
    ours, theirs = log_means(lines, "ours"), log_means(lines, "Drain")
    reached.append(_print_goal("log sets, mean", "exact", LOGS_ASKED, ours, parts, out))
    ahead = {part: ours[part] - theirs[part] for part in ours}
    reached.append(_print_goal("log sets, mean", "exact, over Drain", 0.0, ahead, parts, out))
    return all(reached)


def _found(lines: Sequence[Line], goal: Goal) -> dict[str, float]:
    return {line.part: getattr(line.scores, goal.score) for line in lines if line.how == "ours" and line.name == goal.name}


def _print_goal(
    name: str, score: str, asked: float, found: dict[str, float], parts: Sequence[str], out: TextIO,
    *, is_reached: Callable[[float], bool] | None = None,
) -> bool:  # fmt: skip
    fits = is_reached or (lambda value: value >= asked)
    row = "".join(f" {found[part]:>9.4f}" if part in found else f" {'–':>9}" for part in parts)
    reached = all(fits(value) for part, value in found.items() if part != TUNE)
    print(f"{name:<30} {score:<20} {asked:>7.3f}{row}  {'' if reached else 'NOT REACHED'}".rstrip(), file=out)
    return reached


def log_means(lines: Sequence[Line], how: str) -> dict[str, float]:
    """Mean share of log lines put together exactly, by part of the data."""
    found: dict[str, list[float]] = {}
    for line in lines:
        if line.how == how and line.name.startswith("log "):
            found.setdefault(line.part, []).append(line.scores.accuracy)
    return {part: sum(scores) / len(scores) for part, scores in found.items()}
