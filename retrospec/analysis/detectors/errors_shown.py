"""Errors the page showed to the person, in its own words.

What counts is a message that apologises (``looks.is_apology``), in a place made for messages or in words that need none. What a form
says about an entry is left to ``refusals``. An error page counts where the site itself led to it; a mistyped address does not.
"""

from retrospec.analysis.facts import Message
from retrospec.analysis.limits import MAX_FINDINGS
from retrospec.analysis.looks import is_apology, is_plain_apology
from retrospec.analysis.outcome import outcome_of_press
from retrospec.analysis.scene import Scene, finding
from retrospec.domain.finding import Finding, Outcome, Standing
from retrospec.domain.marker import Signal

CAUSE_MS = 7_000
REPEAT_MS = 10_000
_LED_MS = 3_000


def find(scene: Scene) -> list[Finding]:
    """One finding per message and page load; repeats within ``REPEAT_MS`` are one."""
    found: list[Finding] = []
    for message in scene.story.messages:
        if len(found) >= MAX_FINDINGS or not (message.whole_page or is_apology(message.text) or is_plain_apology(message.text)):
            continue
        if any(known.label == message.text and message.t_ms - known.t_ms <= REPEAT_MS for known in found):
            continue
        found.extend(_error_page(scene, message) if message.whole_page else [_shown(scene, message)])
    return found


def _shown(scene: Scene, message: Message) -> Finding:
    action = scene.cause_of(message.t_ms, message.segment, CAUSE_MS)
    press = scene.press_with(action.row.ref) if action is not None else None
    outcome = outcome_of_press(scene.story, scene.presses, press) if press is not None else Outcome.UNKNOWN
    reasons = ["the page said so itself" + (" after what the visitor pressed" if press is not None else "")]
    confidence = (0.76 if press is not None else 0.68) - scene.clarity(message.segment)
    refs = [*(press.refs if press is not None else [action.row.ref] if action is not None else []), message.ref]
    return finding(Signal.ERROR_SHOWN, message.t_ms, Standing.CONFIRMED, confidence, outcome=outcome, label=message.text, refs=refs, reasons=reasons)


def _error_page(scene: Scene, message: Message) -> list[Finding]:
    """A link or form of the site that led to an error page."""
    press = next((p for p in reversed(scene.presses) if message.t_ms - _LED_MS <= p.end_ms <= message.t_ms), None)
    if press is None:
        return []
    made = finding(
        Signal.ERROR_SHOWN, message.t_ms, Standing.CONFIRMED, 0.78, outcome=Outcome.BLOCKED, label=message.text, refs=[*press.refs, message.ref],
        reasons=["what the visitor pressed led to an error page"],
    )  # fmt: skip
    return [made]
