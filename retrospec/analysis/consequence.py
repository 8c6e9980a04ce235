"""What a failure did to the person: the page went blank, said so, stood still, or carried on."""

import msgspec

from retrospec.analysis.looks import is_error_text, is_refusal
from retrospec.analysis.numbering import CRASH_MS, SLACK_MS
from retrospec.analysis.presses import Press
from retrospec.analysis.scene import Scene
from retrospec.domain.trace import Effect

WITHIN_MS = 5_000
"""How long after a failure its consequence may show; an error toast after a retry takes a few seconds."""
BLANK_MS = 3_000
"""A crash blanks the page at once (OpenReplay allows 2 s after the exception)."""
LASTING_BLANK_MS = 1_500
"""Shorter blanks are a change of route."""


class Consequence(msgspec.Struct):
    """``kind``: ``blank``, ``fallen`` (most of the page went), ``message``, ``refusal``, ``stuck``, ``nothing``, ``carried_on`` or ``quiet``."""

    kind: str
    text: str = ""
    ref: str = ""
    after_ms: int = 0

    @property
    def is_harm(self) -> bool:
        """The person could notice it."""
        return self.kind in ("blank", "fallen", "message", "stuck", "nothing")


def consequence_of(scene: Scene, t_ms: int, segment: int, press: Press | None) -> Consequence:
    """What followed a failure at ``t_ms``; ``press`` is the person's attempt that led to it, if one did."""
    return (
        _blank(scene, t_ms, segment)
        or _fallen(scene, t_ms, segment)
        or _message(scene, t_ms, segment)
        or _stuck(scene, t_ms, segment)
        or (_after_press(scene, press, t_ms) if press is not None else None)
        or Consequence("quiet")
    )


def _blank(scene: Scene, t_ms: int, segment: int) -> Consequence | None:
    for blank in scene.story.blanks:
        lasting = blank.end_ms - blank.start_ms >= LASTING_BLANK_MS
        if blank.segment == segment and lasting and t_ms - 1_000 <= blank.start_ms <= t_ms + BLANK_MS:
            return Consequence("blank", ref=blank.ref, after_ms=max(0, blank.start_ms - t_ms))
    return None


def _fallen(scene: Scene, t_ms: int, segment: int) -> Consequence | None:
    for fallen in scene.story.collapses:
        lasting = fallen.end_ms - fallen.start_ms >= LASTING_BLANK_MS
        if fallen.segment == segment and fallen.ref and lasting and t_ms - SLACK_MS <= fallen.start_ms <= t_ms + CRASH_MS:
            return Consequence("fallen", ref=fallen.ref, after_ms=max(0, fallen.start_ms - t_ms))
    return None


def _message(scene: Scene, t_ms: int, segment: int) -> Consequence | None:
    for message in scene.story.messages:
        if message.segment == segment and t_ms - 300 <= message.t_ms <= t_ms + WITHIN_MS:
            kind = "refusal" if is_refusal(message.text) and not message.whole_page else "message"
            return Consequence(kind, message.text, message.ref, max(0, message.t_ms - t_ms))
    for effect in scene.followed_by(t_ms, segment, WITHIN_MS):
        if effect.kind in ("text_change", "dialog") and is_error_text(effect.detail):
            return Consequence("refusal" if is_refusal(effect.detail) else "message", effect.detail, "", effect.after_ms)
    return None


def _stuck(scene: Scene, t_ms: int, segment: int) -> Consequence | None:
    for spinner in scene.story.spinners:
        if spinner.segment == segment and not spinner.ended and t_ms - 10_000 <= spinner.start_ms <= t_ms + 500 and spinner.end_ms - t_ms >= 4_000:
            return Consequence("stuck", spinner.label, spinner.ref)
    return None


def _after_press(scene: Scene, press: Press, t_ms: int) -> Consequence | None:
    good = next((effect for effect in good_effects(press, t_ms)), None)
    if good is not None:
        return Consequence("carried_on", good.detail or good.kind, "", good.after_ms)
    if scene.story.trace.duration_ms - t_ms >= 1_000:
        return Consequence("nothing")
    return None


def good_effects(press: Press, since_ms: int) -> list[Effect]:
    """What the person wanted and got after ``since_ms``: another page, a dialog, new text that is no error.

    A button that goes from "Saving…" back to its own name has done nothing.
    """
    control = press.target.control if press.target else None
    names = {control.name, control.text} if control else set()
    return [
        effect for action in press.actions for effect in action.row.effects
        if action.t_ms + effect.after_ms >= since_ms - 50 and effect.kind in ("navigation", "dialog", "text_change")
        and (effect.detail not in names or effect.kind == "navigation") and not is_error_text(effect.detail)
        and (effect.detail or effect.kind == "dialog")
    ]  # fmt: skip
