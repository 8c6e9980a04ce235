"""Form validation that refused an entry: overcome (no fault) or the end of the attempt.

Thresholds: refusals within ``ATTEMPT_MS`` are one attempt (a form refuses several fields at once). One refusal the person answers
by leaving is weak; each further attempt makes it stronger (the abandonment rule follows FIELD.md's "refused, then abandoned").
"""

import msgspec

from retrospec.analysis.base import base_confidence
from retrospec.analysis.facts import Refusal
from retrospec.analysis.scene import Scene, finding
from retrospec.analysis.wording import times
from retrospec.domain.finding import Finding, Outcome, Standing
from retrospec.domain.marker import Evidence, Signal

ATTEMPT_MS = 1_500
AFTERMATH_MS = 3_000
_BY_ATTEMPTS = {1: 0.64, 2: 0.76, 3: 0.82}


class _Attempt(msgspec.Struct):
    start_ms: int
    refusals: list[Refusal]


def find(scene: Scene) -> list[Finding]:
    """One finding per page load and run of refused attempts, or one per marker where nothing was recorded."""
    found: list[Finding] = []
    by_segment: dict[int, list[Refusal]] = {}
    for refusal in scene.story.refusals:
        by_segment.setdefault(refusal.segment, []).append(refusal)
    for segment, refusals in by_segment.items():
        if scene.is_seen(segment):
            found.append(_judge(scene, segment, _attempts(refusals)))
        else:
            found.extend(_unseen(refusal) for refusal in refusals if refusal.marker is not None)
    return found


def _attempts(refusals: list[Refusal]) -> list[_Attempt]:
    attempts: list[_Attempt] = []
    for refusal in refusals:
        if attempts and refusal.t_ms - attempts[-1].start_ms <= ATTEMPT_MS:
            attempts[-1].refusals.append(refusal)
        else:
            attempts.append(_Attempt(refusal.t_ms, [refusal]))
    return attempts


def _judge(scene: Scene, segment: int, attempts: list[_Attempt]) -> Finding:
    last = attempts[-1].start_ms
    outcome = _outcome(scene, segment, last)
    told = any(refusal.marker for attempt in attempts for refusal in attempt.refusals)
    confidence = _BY_ATTEMPTS[min(3, len(attempts))] - scene.clarity(segment) - (0 if told else 0.06)
    if outcome == Outcome.OVERCAME:
        return _finding(scene, attempts, Standing.REFUTED, 0.3, outcome, ["the visitor corrected the entry and got through"])
    often = f"refused{times(len(attempts))}" if len(attempts) > 1 else "refused once"
    reasons = [f"{often}, and no attempt on this page went through"]
    if outcome == Outcome.UNKNOWN:
        reasons, confidence = [*reasons, "the recording ends soon after"], confidence - 0.06
    return _finding(scene, attempts, Standing.CONFIRMED, confidence, outcome, reasons)


def _outcome(scene: Scene, segment: int, last_ms: int) -> Outcome:
    for press in scene.presses:
        target = press.target
        if press.end_ms < last_ms - 300 or target is None or not (target.submits or target.form_id) or press.segment != segment:
            continue
        refused = any(abs(refusal.t_ms - press.end_ms) <= ATTEMPT_MS for refusal in scene.story.refusals)
        if not refused and (press.succeeded or any(effect.kind in ("navigation", "request") for effect in press.effects)):
            return Outcome.OVERCAME
    ended = scene.story.trace.duration_ms - last_ms < AFTERMATH_MS
    return Outcome.UNKNOWN if ended else Outcome.BLOCKED


def _finding(scene: Scene, attempts: list[_Attempt], standing: Standing, confidence: float, outcome: Outcome, reasons: list[str]) -> Finding:
    refusals = [refusal for attempt in attempts for refusal in attempt.refusals]
    lead = next((refusal for refusal in refusals if refusal.marker is not None), refusals[0])
    evidence = msgspec.structs.replace(lead.evidence) if lead.evidence.signal != Signal.UNKNOWN else Evidence(signal=Signal.VALIDATION_REFUSED)
    evidence.count = len(attempts)
    evidence.validation_message = evidence.validation_message or lead.message
    field = next((refusal.field for refusal in refusals if refusal.field), "")
    label = (lead.marker.label if lead.marker else "") or f"{field or 'form'}: {lead.message or 'refused'}"
    made = finding(
        Signal.VALIDATION_REFUSED, refusals[0].t_ms, standing, confidence, outcome=outcome, label=label, reasons=reasons,
        refs=[*_submit_refs(scene, attempts), *(refusal.ref for refusal in refusals[:6])], marker=lead.marker, evidence=evidence,
    )  # fmt: skip
    made.marker_ids = list(dict.fromkeys(refusal.marker.id for refusal in refusals if refusal.marker is not None))
    return made


def _submit_refs(scene: Scene, attempts: list[_Attempt]) -> list[str]:
    presses = (scene.press_around(attempt.start_ms, attempt.refusals[0].segment, ATTEMPT_MS) for attempt in attempts[:4])
    return [press.actions[-1].row.ref for press in presses if press is not None]


def _unseen(refusal: Refusal) -> Finding:
    label = refusal.marker.label if refusal.marker else refusal.message
    confidence = base_confidence(Signal.VALIDATION_REFUSED, refusal.evidence, label)
    return finding(
        Signal.VALIDATION_REFUSED, refusal.t_ms, Standing.UNSEEN, confidence, label=label, refs=[refusal.ref],
        reasons=["it rests on the marker alone: the recording shows nothing of that moment"], marker=refusal.marker, evidence=refusal.evidence,
    )  # fmt: skip


