"""Pages with nothing left to see.

Thresholds: ``LASTING_MS`` after the page had shown something (a change of route is blank for a moment; Nielsen's limit for an
uninterrupted thought is 1 s, trebled for slow devices), ``NEVER_MS`` for a page that never showed anything.
"""

from retrospec.analysis.scene import Scene, finding
from retrospec.domain.finding import Finding, Outcome, Standing
from retrospec.domain.marker import Signal

LASTING_MS = 3_000
NEVER_MS = 5_000


def find(scene: Scene) -> list[Finding]:
    """One finding per lasting blank stretch."""
    found = []
    for blank in scene.story.blanks:
        lasted = blank.end_ms - blank.start_ms
        if not scene.is_seen(blank.segment) or lasted < (LASTING_MS if blank.after_content else NEVER_MS):
            continue
        action = scene.cause_of(blank.start_ms, blank.segment, LASTING_MS)
        ended = blank.end_ms >= scene.story.segments[blank.segment].end_ms
        reason = f"the page held no text, picture or control for {lasted / 1000:.1f} s"
        found.append(
            finding(
                Signal.BLANK_PAGE, blank.start_ms, Standing.CONFIRMED, (0.84 if blank.after_content else 0.76) - scene.clarity(blank.segment),
                outcome=Outcome.BLOCKED if ended else Outcome.OVERCAME, label=f"blank page {scene.story.segments[blank.segment].url}",
                refs=[action.row.ref if action else "", blank.ref], reasons=[reason],
            )
        )  # fmt: skip
    return found
