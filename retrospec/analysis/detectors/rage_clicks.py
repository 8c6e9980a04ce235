"""Rage clicks: the same thing clicked again and again, without progress.

Thresholds: ``CLICKS`` clicks, each less than ``GAP_MS`` after the last, within ``REACH_PX`` (source: PostHog's 3, 1 s, 30 px).
Exceptions, against the complaint of PostHog #22257 that steppers and calendars are "all rage clicks": what answers most clicks,
players and sliders, fields, disabled controls, and text being selected.
"""

from retrospec.analysis.facts import Story
from retrospec.analysis.outcome import outcome_of_press
from retrospec.analysis.presses import BAD, NEUTRAL, Press
from retrospec.analysis.scene import Scene, finding
from retrospec.domain.finding import Finding, Outcome, Standing
from retrospec.domain.marker import Evidence, Signal

CLICKS = 3
GAP_MS = 1_000
REACH_PX = 30


def find(scene: Scene) -> list[Finding]:
    """Confirmed rage clicks, and repeated clicks that turned out to be something else."""
    return [_judge(scene, press) for press in scene.presses if press.target is not None and is_rapid(press)]


def is_rapid(press: Press) -> bool:
    """Whether the press has ``CLICKS`` clicks in quick succession on one spot."""
    run = 1
    for before, action in zip(press.actions, press.actions[1:], strict=False):
        near = abs(action.row.x - before.row.x) <= REACH_PX and abs(action.row.y - before.row.y) <= REACH_PX
        run = run + 1 if action.t_ms - before.t_ms < GAP_MS and near else 1
        if run >= CLICKS:
            return True
    return False


def why_harmless(story: Story, press: Press) -> str:
    """Why these repeated clicks are not anger; empty where they may be."""
    target = press.target
    if target is None:
        return ""
    answered = sum(1 for action in press.actions if {e.kind for e in action.row.effects} - BAD - NEUTRAL)
    if answered * 2 >= press.count:
        return f"the page answered {answered} of {press.count} clicks"
    if target.promise == "field" or target.player:
        return "it is made to be clicked often"
    if target.promise == "inert" and any(press.start_ms - 500 <= t <= press.end_ms + 500 for t in story.selections):
        return "text was being selected"
    return "the page answered after a while" if press.succeeded else ""


def _judge(scene: Scene, press: Press) -> Finding:
    target = press.target
    assert target is not None
    control = target.control
    evidence = Evidence(signal=Signal.RAGE_CLICK, control=control, count=press.count)
    label = f"{press.count} clicks on {control.name or control.text or control.selector}"
    harmless = why_harmless(scene.story, press)
    if harmless:
        return finding(Signal.RAGE_CLICK, press.start_ms, Standing.REFUTED, 0.25, outcome=Outcome.UNAFFECTED, label=label, refs=press.refs, reasons=[harmless], evidence=evidence)
    confidence = (0.84 if target.promise == "control" else 0.76) - scene.clarity(press.segment) - (0.2 if target.disabled else 0)
    reasons = [f"{press.count} clicks, each within {GAP_MS // 1000} s of the last", "nothing came of any of them"]
    outcome = outcome_of_press(scene.story, scene.presses, press)
    return finding(Signal.RAGE_CLICK, press.start_ms, Standing.CONFIRMED, confidence, outcome=outcome, label=label, refs=press.refs, reasons=reasons, evidence=evidence)
