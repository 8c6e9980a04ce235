"""Refused forms that no marker tells of: the browser moved to the refused field, or the page said what it won't take."""

from retrospec.analysis.facts import Action, Refusal, Story
from retrospec.analysis.looks import is_apology, is_error_text
from retrospec.domain.trace import Effect

_WITHIN_MS = 3_000
"""A server's refusal may take a round trip."""


def infer_refusals(story: Story) -> None:
    """Adds a refusal for each submit that was answered by one, and by nothing better."""
    for action in story.actions:
        refusing = _refusing_effect(action)
        if refusing is not None:
            story.refusals.append(
                Refusal(
                    t_ms=action.t_ms + refusing.after_ms,
                    segment=action.row.segment,
                    field=refusing.detail if refusing.kind == "validation" else "",
                    form_id=action.target.form_id if action.target else 0,
                    message=refusing.detail if refusing.kind == "error_text" else "",
                    source="focus" if refusing.kind == "validation" else "text",
                    ref=action.row.ref,
                )
            )
    story.refusals.sort(key=lambda refusal: refusal.t_ms)


def _refusing_effect(action: Action) -> Effect | None:
    target = action.target
    if action.row.action != "click" or target is None or not (target.submits or (target.form_id and target.promise == "control")):
        return None
    if any(effect.kind in ("navigation", "exception") or (effect.kind == "text_change" and not is_error_text(effect.detail)) for effect in action.row.effects):
        return None
    return next((effect for effect in action.row.effects if effect.after_ms <= _WITHIN_MS and _refuses(effect)), None)


def _refuses(effect: Effect) -> bool:
    return effect.kind == "validation" or (effect.kind == "error_text" and not is_apology(effect.detail))
