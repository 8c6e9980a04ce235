"""Requests that failed or took too long, judged by what they did to the person.

Thresholds: slow is ``SLOW_MS`` (source: Nielsen's limit of 10 s for keeping a person's attention). A 4xx that the page answers
with a plain message or by carrying on is an answer, not a fault: wrong passwords, taken names, optional pictures.
"""

from retrospec.analysis.base import base_confidence, is_noise, learn_from
from retrospec.analysis.consequence import Consequence, consequence_of
from retrospec.analysis.effects import REQUEST_WINDOW_MS
from retrospec.analysis.facts import Request
from retrospec.analysis.limits import MAX_FINDINGS
from retrospec.analysis.outcome import outcome_of_press
from retrospec.analysis.presses import Press
from retrospec.analysis.scene import Scene, finding
from retrospec.domain.finding import Finding, Outcome, Standing
from retrospec.domain.marker import Signal

SLOW_MS = 10_000
_MINOR = frozenset({Signal.RESOURCE_ERROR, Signal.CSP_VIOLATION})

_HARM = {
    "blank": (0.86, "the page went blank after it"),
    "message": (0.88, "the page showed an error right after it"),
    "refusal": (0.7, "the page refused the visitor's entry after it"),
    "stuck": (0.84, "the page kept waiting after it"),
    "nothing": (0.84, "what the visitor pressed had no other effect"),
}


def find(scene: Scene) -> list[Finding]:
    """One finding per failed or slow request, repeats of one address by one press joined."""
    found: list[Finding] = []
    for request in scene.story.requests:
        slow = request.evidence.signal == Signal.SLOW_REQUEST or request.evidence.duration_ms >= SLOW_MS
        if not (request.failed or slow or request.marker) or len(found) >= MAX_FINDINGS:
            continue
        twin = next((known for known in reversed(found[-8:]) if _is_same(known, request)), None)
        if twin is not None:
            _join_twin(twin, request)
        else:
            found.append(_judge(scene, request))
    return found


def _is_same(known: Finding, request: Request) -> bool:
    a, b = known.evidence, request.evidence
    return abs(known.t_ms - request.t_ms) <= 1_000 and a.url.split("?")[0].endswith(b.url.split("?")[0][-60:]) and a.status == b.status


def _join_twin(twin: Finding, request: Request) -> None:
    """The same failure told twice: by the SDK's marker and by a network event."""
    twin.refs.append(request.ref)
    learn_from(twin.evidence, request.evidence)
    if request.marker is not None:
        if not twin.marker_ids:
            twin.id, twin.kind, twin.label = request.marker.id, request.marker.kind, request.label
        twin.marker_ids.append(request.marker.id)


def _judge(scene: Scene, request: Request) -> Finding:
    base = base_confidence(request.evidence.signal, request.evidence, request.label)
    if not scene.is_seen(request.segment):
        return _finding(request, Standing.UNSEEN, base, Outcome.UNKNOWN, [request.ref], ["it rests on the marker alone: the recording shows nothing of that moment"])
    press = _press_behind(scene, request)
    after = consequence_of(scene, request.t_ms, request.segment, press)
    refs = [*(press.refs if press else []), request.ref, after.ref]
    if is_noise(request.evidence, request.label) or request.evidence.failure == "aborted":
        return _finding(request, Standing.REFUTED, 0.3, Outcome.UNAFFECTED, refs, ["it was cancelled, which is no failure"])
    if _is_expected(request, after):
        return _finding(request, Standing.REFUTED, 0.35, Outcome.UNAFFECTED, refs, [_why_expected(after)])
    if after.kind in _HARM:
        return _harmful(scene, request, press, after, refs)
    return _harmless(request, after, refs)


def _press_behind(scene: Scene, request: Request) -> Press | None:
    began = request.t_ms - max(0, min(request.evidence.duration_ms, 600_000))
    for moment in (began, request.t_ms):
        action = scene.cause_of(moment, request.segment, REQUEST_WINDOW_MS)
        press = scene.press_with(action.row.ref) if action is not None else None
        if press is not None:
            return press
    return None


def _is_expected(request: Request, after: Consequence) -> bool:
    """A 4xx that the page took as an answer."""
    if not 400 <= request.evidence.status < 500:
        return False
    return after.kind in ("refusal", "carried_on", "quiet")


def _why_expected(after: Consequence) -> str:
    return {
        "refusal": f"the page took it as an answer and said “{after.text}”",
        "carried_on": "the page took it as an answer and carried on",
    }.get(after.kind, "nothing visible followed it")


def _harmful(scene: Scene, request: Request, press: Press | None, after: Consequence, refs: list[str]) -> Finding:
    confidence, reason = _HARM[after.kind]
    confidence -= scene.clarity(request.segment) + (0.1 if request.evidence.signal in _MINOR else 0)
    outcome = outcome_of_press(scene.story, scene.presses, press) if press is not None else Outcome.UNKNOWN
    reasons = [reason] + (["it was sent by what the visitor pressed"] if press is not None else [])
    if request.evidence.signal == Signal.SLOW_REQUEST and outcome == Outcome.OVERCAME:
        return _finding(request, Standing.REFUTED, 0.45, outcome, refs, ["it was slow, but it worked"])
    return _finding(request, Standing.CONFIRMED, confidence, outcome, refs, reasons)


def _harmless(request: Request, after: Consequence, refs: list[str]) -> Finding:
    went_on = "the page carried on" if after.kind == "carried_on" else "nothing visible followed it"
    return _finding(request, Standing.REFUTED, 0.5, Outcome.UNAFFECTED, refs, [went_on])


def _finding(request: Request, standing: Standing, confidence: float, outcome: Outcome, refs: list[str], reasons: list[str]) -> Finding:
    evidence = request.evidence
    signal = evidence.signal if evidence.signal != Signal.UNKNOWN else Signal.SLOW_REQUEST
    return finding(
        signal, request.t_ms, standing, confidence, outcome=outcome, label=request.label, refs=refs, reasons=reasons, marker=request.marker, evidence=evidence
    )
