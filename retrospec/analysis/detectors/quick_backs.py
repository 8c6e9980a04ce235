"""A page the person opened and left the way they came, at once.

Threshold: ``STAY_MS`` (Clarity counts a return "shortly after"; 5 s is too short to have read a page). Alone it is a sign of
disappointment, not of a failure, so its confidence stays below the default gate unless the page was an error page.
"""

from retrospec.analysis.facts import Action
from retrospec.analysis.scene import Scene, finding
from retrospec.domain.finding import Finding, Outcome, Standing
from retrospec.domain.marker import Signal

STAY_MS = 5_000
_ASKED_MS = 2_000


def find(scene: Scene) -> list[Finding]:
    """One finding per quick return."""
    found: list[Finding] = []
    for tab in sorted({action.tab for action in scene.story.actions}):
        rows = [action for action in scene.story.actions if action.tab == tab and action.row.action == "navigation"]
        for origin, visit, back in zip(rows, rows[1:], rows[2:], strict=False):
            if _is_quick_back(scene, origin, visit, back):
                found.append(_finding(scene, visit, back))
    return found


def _is_quick_back(scene: Scene, origin: Action, visit: Action, back: Action) -> bool:
    start, there, end = (row.row.detail.split("#")[0] for row in (origin, visit, back))
    if start != end or there == start or back.t_ms - visit.t_ms > STAY_MS:
        return False
    opened = any(visit.t_ms - _ASKED_MS <= press.end_ms <= visit.t_ms for press in scene.presses)
    acted = any(visit.t_ms < action.t_ms < back.t_ms and action.row.action in ("click", "input", "submit") for action in scene.story.actions)
    return opened and not acted


def _finding(scene: Scene, visit: Action, back: Action) -> Finding:
    broken = next((m for m in scene.story.messages if m.whole_page and visit.t_ms - 50 <= m.t_ms <= back.t_ms), None)
    stayed = (back.t_ms - visit.t_ms) / 1000
    reasons = [f"the visitor stayed {stayed:.1f} s and went back without doing anything"]
    if broken is not None:
        reasons.append(f"the page said “{broken.text}”")
    return finding(
        Signal.QUICK_BACK, visit.t_ms, Standing.CONFIRMED, 0.78 if broken else 0.5, outcome=Outcome.OVERCAME, label=f"quick back from {visit.row.detail}",
        refs=[visit.row.ref, back.row.ref, broken.ref if broken else ""], reasons=reasons,
    )  # fmt: skip
