"""Controls that did nothing (*unresponsive*) and things that look clickable and did nothing (*dead*).

Thresholds: ``WATCH_MS`` without any effect, undisturbed (source: PostHog's 2.5 s without a mutation); an effect is waited for up to
the window of ``effects.WINDOW_MS`` (Sentry's 7 s), so a slow button is not a dead one. Only Spoiler tells the two apart, and so do we:
what promises nothing needs ``INERT_CLICKS`` clicks.
"""

from retrospec.analysis.facts import Target
from retrospec.analysis.limits import MAX_FINDINGS
from retrospec.analysis.outcome import outcome_of_press
from retrospec.analysis.presses import Press
from retrospec.analysis.scene import Scene, finding
from retrospec.domain.finding import Finding, Standing
from retrospec.domain.marker import Evidence, Signal

WATCH_MS = 2_500
INERT_CLICKS = 2
_NO_ANSWER = frozenset({"exception", "console_error"})
_BY_COUNT = {1: 0.66, 2: 0.78, 3: 0.84}


def find(scene: Scene) -> list[Finding]:
    """Presses that a control left unanswered."""
    unanswered = [press for press in scene.presses if is_unanswered(press)]
    return [_finding(scene, press) for press in unanswered[:MAX_FINDINGS]]


def is_unanswered(press: Press) -> bool:
    """No effect, though one was promised and there was time to see it."""
    target = press.target
    if target is None or not _promises(target, press.count) or press.watched_ms < WATCH_MS:
        return False
    return all(effect.kind in _NO_ANSWER for effect in press.effects)


def _promises(target: Target, count: int) -> bool:
    if target.disabled or target.chosen or target.leaves or target.silent or target.promise == "field":
        return False
    if target.player or target.frame or target.handle:
        return False
    return target.promise == "control" or (target.promise == "lookalike" and count >= INERT_CLICKS)


def _finding(scene: Scene, press: Press) -> Finding:
    target = press.target
    assert target is not None
    signal = Signal.UNRESPONSIVE if target.promise == "control" else Signal.DEAD_CLICK
    confidence = _BY_COUNT[min(3, press.count)] - scene.clarity(press.segment) - (0 if target.promise == "control" else 0.1)
    control = target.control
    return finding(
        signal, press.start_ms, Standing.CONFIRMED, confidence,
        outcome=outcome_of_press(scene.story, scene.presses, press),
        label=f"no effect: {control.name or control.text or control.selector}",
        refs=press.refs,
        reasons=[f"nothing on the page changed for {press.watched_ms / 1000:.1f} s after the last of {press.count} clicks" if press.count > 1
                 else f"nothing on the page changed for {press.watched_ms / 1000:.1f} s after the click"],
        evidence=Evidence(signal=signal, control=control, count=press.count),
    )  # fmt: skip
