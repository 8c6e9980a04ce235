"""Checks the SDK's markers about the page's behaviour against what the recording shows: confirmed, refuted, or left standing alone."""

from retrospec.analysis.base import base_confidence, learn_from, unseen
from retrospec.analysis.detectors.rage_clicks import CLICKS, why_harmless
from retrospec.analysis.facts import Suspicion
from retrospec.analysis.presses import Press
from retrospec.analysis.scene import CEILING, Scene, finding
from retrospec.domain.finding import Finding, Outcome, Standing
from retrospec.domain.marker import Signal

CLICK_SIGNALS = frozenset({Signal.RAGE_CLICK, Signal.DEAD_CLICK, Signal.UNRESPONSIVE, Signal.ERROR_CLICK})
LOOK_BACK_MS = 10_000
"""An SDK marks a dead click after its own window, at the latest so long after the click (Sentry's 7 s and some)."""
NEARBY_MS = 15_000
"""Other signals (reload loops, spinners) are timed loosely."""
_ALIKE = {Signal.FORM_ABANDONED: (Signal.VALIDATION_REFUSED,), Signal.CRASH: (Signal.BLANK_PAGE,)}
"""Signals that other findings answer for."""
_ANSWERS = frozenset({"navigation", "dialog", "text_change", "dom_change", "scroll", "enabled", "disabled"})
_SIGNS = frozenset({"validation", "focus", "spinner", "error_text", "request"})
_AGREE = "the page's own marker and the recording agree"
AGREEMENT = 0.04
"""Added where marker and recording agree."""


def check_suspicions(scene: Scene, found: list[Finding]) -> list[Finding]:
    """Lays each suspicion to a finding that shares its evidence, else makes one of its own; returns the new ones."""
    made: list[Finding] = []
    for suspicion in scene.story.suspicions:
        signal = suspicion.signal
        if not scene.is_seen(suspicion.segment):
            made.append(unseen(suspicion.marker, suspicion.evidence, signal, suspicion.marker.label, suspicion.ref, "blind"))
        elif signal in CLICK_SIGNALS:
            made.extend(_check_click(scene, suspicion, found))
        else:
            made.extend(_check_other(scene, suspicion, found))
    return made


def _check_click(scene: Scene, suspicion: Suspicion, found: list[Finding]) -> list[Finding]:
    control = suspicion.evidence.control
    t_ms = suspicion.t_ms
    press = scene.press_around(t_ms, suspicion.segment, LOOK_BACK_MS, control.node_id if control else 0)
    if press is None:
        return [_standing_alone(scene, suspicion)]
    sharing = [known for known in found if known.standing != Standing.REFUTED and set(known.refs) & set(press.refs)]
    same = [known for known in sharing if known.signal in CLICK_SIGNALS]
    if sharing:
        _lay_to((same or sharing)[0], suspicion)
        return []
    return [_judge_press(scene, suspicion, press)]


def _judge_press(scene: Scene, suspicion: Suspicion, press: Press) -> Finding:
    harmless = _answer(press, suspicion.signal) or why_harmless(scene.story, press) or _unseeable(press)
    if harmless:
        return finding(
            suspicion.signal, suspicion.t_ms, Standing.REFUTED, 0.25, outcome=Outcome.UNAFFECTED, label=suspicion.marker.label,
            refs=[*press.refs, suspicion.ref], reasons=[harmless], marker=suspicion.marker, evidence=suspicion.evidence,
        )  # fmt: skip
    alone = _standing_alone(scene, suspicion)
    alone.refs = [*press.refs, suspicion.ref]
    return alone


def _unseeable(press: Press) -> str:
    """Why no effect could be expected in the page; empty where one could, and for clicks repeated in earnest."""
    target = press.target
    if target is None or press.count >= CLICKS:
        return ""
    if target.silent or target.leaves:
        return "its effect lies outside the page: the clipboard, another window or a system dialog"
    if target.handle:
        return "it is made to be dragged, not pressed"
    if target.chosen:
        return "it was already chosen"
    return "it was switched off" if target.disabled else ""


def _answer(press: Press, signal: Signal) -> str:
    """What the page answered, as a reason; empty where it didn't. To a claim of nothing at all, even a sign of work is an answer."""
    answers = _ANSWERS | (_SIGNS if signal in (Signal.DEAD_CLICK, Signal.UNRESPONSIVE) else frozenset())
    for action in press.actions:
        for effect in action.row.effects:
            if effect.kind in answers:
                what = f"“{effect.detail}”" if effect.detail else "a change of the page"
                return f"the page answered {effect.after_ms / 1000:.1f} s after the click with {what}"
    return ""


def _check_other(scene: Scene, suspicion: Suspicion, found: list[Finding]) -> list[Finding]:
    alike = {suspicion.signal, *_ALIKE.get(suspicion.signal, ())}
    near = [known for known in found if known.signal in alike and abs(known.t_ms - suspicion.t_ms) <= NEARBY_MS]
    for known in near:
        if known.standing != Standing.REFUTED:
            _lay_to(known, suspicion)
            return []
    refutation = _refutation(scene, suspicion) or next((known.reasons[0] for known in near if known.reasons), "")
    if not refutation:
        return [_standing_alone(scene, suspicion)]
    return [
        finding(
            suspicion.signal, suspicion.t_ms, Standing.REFUTED, 0.25, outcome=Outcome.UNAFFECTED, label=suspicion.marker.label,
            refs=[suspicion.ref], reasons=[refutation], marker=suspicion.marker, evidence=suspicion.evidence,
        )
    ]  # fmt: skip


def _refutation(scene: Scene, suspicion: Suspicion) -> str:
    """What in the recording speaks against the marker; empty where nothing does."""
    story, t_ms = scene.story, suspicion.t_ms
    if story.seen(suspicion.segment) != "exact":
        return ""
    if suspicion.signal == Signal.BLANK_PAGE and not any(b.start_ms <= t_ms + 1_000 and b.end_ms >= t_ms - NEARBY_MS for b in story.blanks):
        return "the page had something to show at that moment"
    if suspicion.signal == Signal.ENDLESS_SPINNER and all(s.ended for s in story.spinners if s.segment == suspicion.segment) and story.spinners:
        return "what it was waiting for came"
    return ""


def _standing_alone(scene: Scene, suspicion: Suspicion) -> Finding:
    seen = scene.story.seen(suspicion.segment)
    return unseen(suspicion.marker, suspicion.evidence, suspicion.signal, suspicion.marker.label, suspicion.ref, seen)


def _lay_to(known: Finding, suspicion: Suspicion) -> None:
    """The marker is a second witness of a finding; the first marker gives the finding its id."""
    marker = suspicion.marker
    if not known.marker_ids and known.signal in CLICK_SIGNALS | {suspicion.signal}:
        known.id, known.kind, known.label = marker.id, marker.kind, marker.label or known.label
    known.marker_ids.append(marker.id)
    known.refs.append(suspicion.ref)
    learn_from(known.evidence, suspicion.evidence)
    if _AGREE not in known.reasons and base_confidence(suspicion.signal, suspicion.evidence, marker.label) >= 0.5:
        known.confidence = round(min(CEILING, known.confidence + AGREEMENT), 3)
        known.reasons.append(_AGREE)
