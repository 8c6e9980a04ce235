"""Exceptions, unhandled rejections and logged errors, with or without a visible consequence.

Thresholds: an exception is laid to an action at most ``CAUSE_MS`` before it (source: OpenReplay joins a click and an error within
2 s). Repeats of one error on one page within ``REPEAT_MS`` are one finding. Console errors count only with a consequence: pages
log errors they cope with.
"""

from retrospec.analysis.base import base_confidence, is_noise, learn_from
from retrospec.analysis.consequence import Consequence, consequence_of
from retrospec.analysis.facts import Fault
from retrospec.analysis.limits import MAX_FINDINGS
from retrospec.analysis.outcome import outcome_of_press
from retrospec.analysis.presses import Press
from retrospec.analysis.scene import Scene, finding
from retrospec.domain.finding import Finding, Outcome, Standing

CAUSE_MS = 2_000
REPEAT_MS = 30_000

_HARM = {
    "blank": (0.88, "the page went blank right after it"),
    "fallen": (0.87, "most of the page disappeared right after it"),
    "message": (0.86, "the page showed an error right after it"),
    "stuck": (0.84, "the page kept waiting after it"),
    "nothing": (0.85, "what the visitor pressed did nothing else"),
}


def find(scene: Scene) -> list[Finding]:
    """One finding per error and page."""
    found: dict[tuple[int, str, str], Finding] = {}
    for fault in scene.story.faults:
        key = (fault.segment, fault.evidence.type, fault.evidence.message or fault.label)
        known = found.get(key)
        if known is not None and fault.t_ms - known.t_ms <= REPEAT_MS:
            _count_again(known, fault)
        elif len(found) < MAX_FINDINGS:
            found[key] = _judge(scene, fault)
    return list(found.values())


def _count_again(known: Finding, fault: Fault) -> None:
    known.evidence.count = max(known.evidence.count, 1) + 1
    if fault.marker is not None:
        if not known.marker_ids:
            known.id, known.kind = fault.marker.id, fault.marker.kind
        known.marker_ids.append(fault.marker.id)
    learn_from(known.evidence, fault.evidence)
    if len(known.refs) < 8 and fault.ref not in known.refs:
        known.refs.append(fault.ref)


def _judge(scene: Scene, fault: Fault) -> Finding:
    evidence, signal = fault.evidence, fault.evidence.signal
    base = base_confidence(signal, evidence, fault.label)
    if not scene.is_seen(fault.segment):
        reason = "it rests on the marker alone: the recording shows nothing of that moment"
        return _finding(fault, Standing.UNSEEN, base, Outcome.UNKNOWN, [fault.ref], [reason])
    action = scene.cause_of(fault.t_ms, fault.segment, CAUSE_MS)
    press = scene.press_with(action.row.ref) if action is not None else None
    after = consequence_of(scene, fault.t_ms, fault.segment, press)
    refs = [*(press.refs if press else [action.row.ref] if action else []), fault.ref, after.ref]
    if is_noise(evidence, fault.label) and after.kind != "blank":
        return _finding(fault, Standing.REFUTED, base, Outcome.UNAFFECTED, refs, ["browsers and extensions raise this without any fault of the page"])
    if after.is_harm:
        return _harmful(scene, fault, press, after, refs)
    return _harmless(fault, after, refs)


def _harmful(scene: Scene, fault: Fault, press: Press | None, after: Consequence, refs: list[str]) -> Finding:
    confidence, reason = _HARM[after.kind]
    confidence -= (0.08 if fault.evidence.handled or fault.evidence.signal.value == "console_error" else 0) + scene.clarity(fault.segment)
    outcome = outcome_of_press(scene.story, scene.presses, press) if press is not None else Outcome.BLOCKED if after.kind in ("blank", "fallen") else Outcome.UNKNOWN
    reasons = [reason] + ([f"it came within {CAUSE_MS // 1000} s of the visitor's action"] if press is not None else [])
    return _finding(fault, Standing.CONFIRMED, confidence, outcome, refs, reasons)


def _harmless(fault: Fault, after: Consequence, refs: list[str]) -> Finding:
    logged = fault.evidence.handled or fault.evidence.signal.value == "console_error"
    if logged:
        return _finding(fault, Standing.REFUTED, 0.4, Outcome.UNAFFECTED, refs, ["the page logged it and nothing visible went wrong"])
    went_on = "the page carried on" if after.kind == "carried_on" else "nothing visible followed"
    return _finding(fault, Standing.CONFIRMED, 0.62, Outcome.UNAFFECTED, refs, ["it was not caught by the page's code", went_on])


def _finding(fault: Fault, standing: Standing, confidence: float, outcome: Outcome, refs: list[str], reasons: list[str]) -> Finding:
    return finding(
        fault.evidence.signal, fault.t_ms, standing, confidence, outcome=outcome, label=fault.label, refs=refs, reasons=reasons,
        marker=fault.marker, evidence=fault.evidence,
    )  # fmt: skip
