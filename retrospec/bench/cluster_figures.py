"""The figures of ``retrospec bench cluster``: on the half of each set that no threshold was chosen on."""

import io
import os
from pathlib import Path
from statistics import median

from retrospec.bench.cluster import run
from retrospec.bench.cluster_goals import GOALS, LOGS_ASKED, SHOWN, TUNE, Goal, Line, log_means
from retrospec.bench.cluster_speed import Speed, run_speed
from retrospec.bench.every import DATA_VARIABLE
from retrospec.bench.figures import Figure, Note
from retrospec.bench.issue_page import ASKED_MS, run_issue_page

ISSUES = 100_000
MARKERS = 1_000_000
LEAST_KNOWN_PER_S = 20_000


def figures(note: Note) -> list[Figure]:
    """Some ten minutes; what needs labelled sets is left out where ``retrospec bench all --data`` names none."""
    found: list[Figure] = []
    if data := os.environ.get(DATA_VARIABLE):
        found += _rightness([line for line in run(Path(data), io.StringIO()) if line.part != TUNE])
    note("part", 1, 3)
    found += [figure for speed in run_speed(ISSUES, io.StringIO()) for figure in _rates(speed)]
    note("part", 2, 3)
    spent = run_issue_page(MARKERS, io.StringIO())
    note("part", 3, 3)
    cpu, wall = median(one.cpu for one in spent), median(one.wall for one in spent)
    return [*found, Figure(name="issue page at 1,000,000 markers", goal=f"< {ASKED_MS:g} ms", reached=f"{wall:.1f} ms", is_met=wall < ASKED_MS, beside=f"CPU {cpu:.1f} ms; medians")]


def _rightness(lines: list[Line]) -> list[Figure]:
    found = [figure for goal in GOALS if (figure := _of_goal(goal, lines))]
    for part, ours in log_means(lines, "ours").items():
        theirs = log_means(lines, "Drain")[part]
        found.append(Figure(name=f"log templates, {part}: exact", goal=f">= {LOGS_ASKED}", reached=f"{ours:.3f}", is_met=ours >= LOGS_ASKED, beside=f"Drain {theirs:.3f}"))
    return found


def _of_goal(goal: Goal, lines: list[Line]) -> Figure | None:
    ours = [line for line in lines if line.how == "ours" and line.name == goal.name]
    if not ours:
        return None
    value = min(getattr(line.scores, goal.score) for line in ours)
    others = [f"{line.how} {getattr(line.scores, goal.score):.3f}" for line in lines if line.name == goal.name and not line.how.startswith("ours")]
    return Figure(name=f"{goal.name}: {SHOWN[goal.score]}", goal=f">= {goal.asked}", reached=f"{value:.3f}", is_met=value >= goal.asked, beside=", ".join(others))


def _rates(speed: Speed) -> list[Figure]:
    beside = f"each as likely as any other {speed.rarest_per_s:,.0f}/s, the look-up alone {speed.looked_up_per_s:,.0f}/s"
    return [
        Figure(
            name=f"known failures as they come, {speed.store}, {speed.issues:,} issues", goal=f">= {LEAST_KNOWN_PER_S:,}/s",
            reached=f"{speed.traffic_per_s:,.0f}/s", is_met=speed.traffic_per_s >= LEAST_KNOWN_PER_S, beside=beside,
        ),
        Figure(name=f"new failures, {speed.store}", reached=f"{speed.new_per_s:,.0f}/s"),
    ]  # fmt: skip
