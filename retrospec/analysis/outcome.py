"""Did the person get through? Read from what they did after the failure."""

from retrospec.analysis.facts import Story
from retrospec.analysis.presses import Press
from retrospec.domain.finding import Outcome

AFTERMATH_MS = 3_000
"""A recording that ends sooner after the failure doesn't tell how it ended."""


def outcome_of_press(story: Story, presses: list[Press], press: Press) -> Outcome:
    """Whether the same control worked later."""
    later = [other for other in presses if other.start_ms > press.end_ms and same_control(press, other)]
    if any(other.succeeded for other in later):
        return Outcome.OVERCAME
    if later or story.trace.duration_ms - press.end_ms >= AFTERMATH_MS:
        return Outcome.BLOCKED
    return Outcome.UNKNOWN


def same_control(one: Press, other: Press) -> bool:
    """The same control by node on one page, by name over page loads."""
    if one.target is None or other.target is None:
        return False
    a, b = one.target.control, other.target.control
    if one.segment == other.segment and a.node_id == b.node_id:
        return True
    return bool(a.name) and (a.role, a.name) == (b.role, b.name)
