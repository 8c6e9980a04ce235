"""Where things came to nothing: clicks with their place in the document, refused fields, and every request."""

from collections.abc import Sequence

from retrospec.analysis.facts import Action, Refusal, Story
from retrospec.domain.finding import Finding, Outcome, Standing
from retrospec.domain.footprint import Call, Footprint, Press, Refused
from retrospec.domain.marker import Signal

_SORTS = {Signal.RAGE_CLICK: "rage", Signal.DEAD_CLICK: "dead", Signal.UNRESPONSIVE: "dead"}
MAX_PRESSES = 60
MAX_FIELDS = 20
MAX_CALLS = 2_000
"""Of one session. What is past them was seen often enough."""


def footprint_of(story: Story, findings: Sequence[Finding]) -> Footprint:
    """What detectors and markers agree on; suspicions that the recording refutes are left out."""
    return Footprint(
        presses=_presses(story, findings)[:MAX_PRESSES],
        refusals=_refusals(story, findings)[:MAX_FIELDS],
        calls=[
            Call(method=one.evidence.method or "GET", url=one.evidence.url, failed=one.failed, t_ms=one.t_ms)
            for one in story.requests[:MAX_CALLS]
            if one.evidence.url
        ],
    )


def _presses(story: Story, findings: Sequence[Finding]) -> list[Press]:
    vain = [(finding, _SORTS[finding.signal]) for finding in findings if finding.signal in _SORTS and finding.standing is not Standing.REFUTED]
    if not vain:
        return []
    vain.sort(key=lambda one: one[1] != "rage")  # a click is counted once: in anger, where it was that
    clicks = {action.row.ref: action for action in story.actions if action.row.action == "click"}
    sorts = {ref: (sort, finding.page) for finding, sort in reversed(vain) for ref in finding.refs if ref in clicks}
    return [_press(clicks[ref], *sorts[ref]) for ref in clicks if ref in sorts]


def _press(action: Action, sort: str, page: str) -> Press:
    spot = action.spot or (-1, -1, 0)
    return Press(page=page, sort=sort, t_ms=action.t_ms, x=spot[0], y=spot[1], width=spot[2], control=action.row.target)


def _refusals(story: Story, findings: Sequence[Finding]) -> list[Refused]:
    judged = [finding for finding in findings if finding.signal in (Signal.VALIDATION_REFUSED, Signal.FORM_ABANDONED)]
    outcomes = {ref: finding for finding in judged for ref in finding.refs}
    fields: dict[tuple[str, str, str], Refused] = {}
    for refusal in story.refusals:
        finding = outcomes.get(refusal.ref)
        field, rule = _field_of(refusal), refusal.evidence.rule
        if finding is None or not field:
            continue
        known = fields.get((finding.page, field, rule))
        if known is None:
            fields[finding.page, field, rule] = Refused(
                page=finding.page, form=refusal.evidence.form, field=field, rule=rule, t_ms=refusal.t_ms, outcome=finding.outcome
            )
        else:
            known.times += 1
            known.outcome = finding.outcome if finding.outcome is not Outcome.UNKNOWN else known.outcome
    return list(fields.values())


def _field_of(refusal: Refusal) -> str:
    control = refusal.evidence.control
    named = (control.label or control.name or control.test_id or control.selector) if control else ""
    return (named or refusal.field)[:120]
