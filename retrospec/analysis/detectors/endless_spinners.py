"""Waiting signs that never went away.

Threshold: ``ENDLESS_MS`` (source: Nielsen's 10 s, past which people give up). A sign whose own action brought new text anyway was
merely left behind, out of sight.
"""

from retrospec.analysis.facts import Spinner
from retrospec.analysis.scene import Scene, finding
from retrospec.domain.finding import Finding, Outcome, Standing
from retrospec.domain.marker import Signal

ENDLESS_MS = 10_000
_CAUSE_MS = 3_000


def find(scene: Scene) -> list[Finding]:
    """One finding per page load: the first sign that stayed."""
    found: dict[int, Finding] = {}
    for spinner in scene.story.spinners:
        if not spinner.ended and spinner.end_ms - spinner.start_ms >= ENDLESS_MS and spinner.segment not in found and scene.is_seen(spinner.segment):
            made = _judge(scene, spinner)
            if made is not None:
                found[spinner.segment] = made
    return list(found.values())


def _judge(scene: Scene, spinner: Spinner) -> Finding | None:
    action = scene.cause_of(spinner.start_ms, spinner.segment, _CAUSE_MS)
    effects = action.row.effects if action is not None else []
    since = spinner.start_ms - (action.t_ms if action is not None else 0)
    if any(e.kind in ("text_change", "dialog", "navigation", "error_text") and e.after_ms > since + 50 for e in effects):
        return None
    lasted = (spinner.end_ms - spinner.start_ms) / 1000
    return finding(
        Signal.ENDLESS_SPINNER, spinner.start_ms, Standing.CONFIRMED, 0.78 - scene.clarity(spinner.segment), outcome=Outcome.BLOCKED,
        label=f"still waiting: {spinner.label or 'busy sign'}", refs=[action.row.ref if action else "", spinner.ref],
        reasons=[f"the page still said that it was busy {lasted:.0f} s later"],
    )  # fmt: skip
