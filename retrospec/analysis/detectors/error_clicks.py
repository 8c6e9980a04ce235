"""Clicks that set off an error and nothing else.

Threshold: an error within ``ERROR_MS`` of the click (OpenReplay joins a click and an error within 2 s; Clarity's error clicks come at once).
"""

from retrospec.analysis.outcome import outcome_of_press
from retrospec.analysis.presses import BAD, Press
from retrospec.analysis.scene import Scene, finding
from retrospec.domain.finding import Finding, Standing
from retrospec.domain.marker import Evidence, Signal

ERROR_MS = 2_000


def find(scene: Scene) -> list[Finding]:
    """Presses answered by an uncaught error alone."""
    return [_finding(scene, press) for press in scene.presses if press.target is not None and _is_error_click(press)]


def _is_error_click(press: Press) -> bool:
    failed = any(effect.kind == "exception" and effect.after_ms <= ERROR_MS for effect in press.effects)
    return failed and all(effect.kind in BAD | {"focus"} for effect in press.effects)


def _finding(scene: Scene, press: Press) -> Finding:
    assert press.target is not None
    control = press.target.control
    return finding(
        Signal.ERROR_CLICK, press.start_ms, Standing.CONFIRMED, 0.82 - scene.clarity(press.segment),
        outcome=outcome_of_press(scene.story, scene.presses, press), label=f"error on {control.name or control.selector}", refs=press.refs,
        reasons=["the click was answered by an error and nothing else"], evidence=Evidence(signal=Signal.ERROR_CLICK, control=control, count=press.count),
    )  # fmt: skip
