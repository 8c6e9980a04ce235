"""Joins the findings of one moment under a primary cause."""

from retrospec.analysis.scene import CEILING, Scene
from retrospec.domain.finding import Finding, Outcome, Standing
from retrospec.domain.marker import SIGNAL_KINDS, MarkerKind, Signal

MOMENT_MS = 3_000
"""Findings so close on one page belong together, beside those that share a press."""
ANOTHER_WITNESS = 0.03
"""Added for each finding of another kind that tells of the same moment."""

_REQUEST_RANK, _FAULT_RANK = 1, 0
_RANKS = {
    Signal.VALIDATION_REFUSED: 2, Signal.FORM_ABANDONED: 2, Signal.RELOAD_LOOP: 3, Signal.BLANK_PAGE: 4, Signal.ENDLESS_SPINNER: 5, Signal.RAGE_CLICK: 6,
    Signal.ERROR_CLICK: 6, Signal.UNRESPONSIVE: 7, Signal.DEAD_CLICK: 8, Signal.ERROR_SHOWN: 9, Signal.QUICK_BACK: 10,
}  # fmt: skip
"""What is nearer the cause comes first: code and network, then what the page did, then what the person did about it."""


def join_moments(scene: Scene, findings: list[Finding]) -> list[Finding]:
    """Primary findings by time, then their symptoms, then refuted ones; each primary names its symptoms."""
    live = sorted((f for f in findings if f.standing != Standing.REFUTED), key=lambda f: (f.t_ms, f.id))
    refuted = sorted((f for f in findings if f.standing == Standing.REFUTED), key=lambda f: (f.t_ms, f.id))
    primaries: list[Finding] = []
    symptoms: list[Finding] = []
    for moment in _moments(scene, live):
        primary, *rest = sorted(moment, key=lambda f: _rank(f, moment))
        _take_in(primary, rest)
        primaries.append(primary)
        symptoms.extend(rest)
    primaries.sort(key=lambda f: (f.t_ms, f.id))
    return [*primaries, *symptoms, *refuted]


def _moments(scene: Scene, live: list[Finding]) -> list[list[Finding]]:
    moments: list[tuple[set[str], int, list[Finding]]] = []
    for finding in live:
        presses = _press_refs(scene, finding)
        home = next((m for m in reversed(moments[-12:]) if _is_home(m, finding, presses)), None)
        if home is None:
            moments.append((presses, finding.t_ms, [finding]))
        else:
            home[0].update(presses)
            home[2].append(finding)
    return [moment for _, _, moment in moments]


def _is_home(moment: tuple[set[str], int, list[Finding]], finding: Finding, presses: set[str]) -> bool:
    own_presses, start_ms, findings = moment
    if presses & own_presses or any(_gave_up_on(finding, earlier) for earlier in findings):
        return True
    return finding.t_ms - start_ms <= MOMENT_MS and not (presses and own_presses)


def _gave_up_on(finding: Finding, earlier: Finding) -> bool:
    """A form left after it refused something: however long the person tried, it is one failure."""
    is_pair = finding.signal == Signal.FORM_ABANDONED and earlier.signal == Signal.VALIDATION_REFUSED
    return is_pair and finding.evidence.form == earlier.evidence.form


def _press_refs(scene: Scene, finding: Finding) -> set[str]:
    """The clicks a finding rests on, with all clicks of the same press."""
    presses = (scene.press_with(ref) for ref in finding.refs)
    return {ref for press in presses if press is not None for ref in press.refs}


def _rank(finding: Finding, moment: list[Finding]) -> tuple[int, int]:
    kind = SIGNAL_KINDS.get(finding.signal)
    if kind == MarkerKind.JS_EXCEPTION:
        return (_FAULT_RANK if not _follows_request(finding, moment) else _REQUEST_RANK + 1, finding.t_ms)
    if kind == MarkerKind.API_ERROR:
        return _REQUEST_RANK, finding.t_ms
    return _RANKS.get(finding.signal, 5), finding.t_ms


def _follows_request(fault: Finding, moment: list[Finding]) -> bool:
    """Code that trips over a failed answer is not the cause."""
    return any(SIGNAL_KINDS.get(f.signal) == MarkerKind.API_ERROR and f.t_ms <= fault.t_ms + 50 for f in moment)


def _take_in(primary: Finding, rest: list[Finding]) -> None:
    primary.symptom_ids = [symptom.id for symptom in rest]
    kinds = {symptom.signal for symptom in rest} - {primary.signal}
    best = max([primary.confidence, *(symptom.confidence for symptom in rest)])
    primary.confidence = round(min(CEILING, best + ANOTHER_WITNESS * len(kinds)), 3)
    for symptom in rest:
        primary.refs.extend(ref for ref in symptom.refs if ref not in primary.refs)
        if primary.outcome in (Outcome.UNKNOWN, Outcome.UNAFFECTED):
            primary.outcome = symptom.outcome
        if Standing.CONFIRMED in (primary.standing, symptom.standing):
            primary.standing = Standing.CONFIRMED
        primary.reasons.extend(reason for reason in symptom.reasons if reason not in primary.reasons)
