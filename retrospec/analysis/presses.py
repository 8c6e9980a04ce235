"""Presses: clicks on one thing, one after the other, read as one attempt of the person."""

import msgspec

from retrospec.analysis.effects import QUIET_ROWS, WINDOW_MS
from retrospec.analysis.facts import Action, Story, Target
from retrospec.domain.trace import Effect

BAD = frozenset({"error_text", "exception", "console_error", "validation"})
"""Effects that are not what the person wanted."""
NEUTRAL = frozenset({"request", "focus", "spinner", "disabled", "scroll", "enabled"})
"""Effects that show the page took notice, but not that anything came of it."""


class Press(msgspec.Struct, kw_only=True):
    """One or more clicks on the same target without anything else in between."""

    actions: list[Action]
    until_ms: int
    """When the next thing happened that isn't part of it; the end of the recording if nothing did."""
    watched_ms: int
    """From the last click to ``until_ms``: how long an effect could have been seen."""
    interrupted: bool
    """The person did something else, rather than the recording ending."""

    @property
    def start_ms(self) -> int:
        """The first click."""
        return self.actions[0].t_ms

    @property
    def end_ms(self) -> int:
        """The last click."""
        return self.actions[-1].t_ms

    @property
    def count(self) -> int:
        """How many clicks."""
        return len(self.actions)

    @property
    def target(self) -> Target | None:
        """What was pressed."""
        return self.actions[0].target

    @property
    def segment(self) -> int:
        """The page load it was on."""
        return self.actions[0].row.segment

    @property
    def effects(self) -> list[Effect]:
        """All that followed, click by click."""
        return [effect for action in self.actions for effect in action.row.effects]

    @property
    def refs(self) -> list[str]:
        """The rows of its clicks."""
        return [action.row.ref for action in self.actions]

    @property
    def succeeded(self) -> bool:
        """Something good followed and nothing bad."""
        kinds = {effect.kind for effect in self.effects}
        return bool(kinds - BAD - NEUTRAL) and not kinds & BAD


def presses_of(story: Story) -> list[Press]:
    """All presses, in time order."""
    presses: list[Press] = []
    for tab in sorted({action.tab for action in story.actions}):
        rows = [action for action in story.actions if action.tab == tab and action.row.action not in QUIET_ROWS]
        presses.extend(_presses_of_tab(story, rows))
    return sorted(presses, key=lambda press: press.start_ms)


def _presses_of_tab(story: Story, rows: list[Action]) -> list[Press]:
    presses, place = [], 0
    while place < len(rows):
        if rows[place].row.action != "click":
            place += 1
            continue
        end = place + 1
        while end < len(rows) and _continues(rows[end - 1], rows[end]):
            end += 1
        presses.append(_press(story, rows[place:end], rows[end] if end < len(rows) else None))
        place = end
    return presses


def _continues(before: Action, action: Action) -> bool:
    if action.row.action != "click" or action.t_ms - before.t_ms > WINDOW_MS or action.row.segment != before.row.segment:
        return False
    one, other = before.target, action.target
    return one is not None and other is not None and one.control.node_id == other.control.node_id


def _press(story: Story, clicks: list[Action], following: Action | None) -> Press:
    end = clicks[-1].t_ms
    until = following.t_ms if following is not None else max(end, story.trace.duration_ms)
    return Press(actions=clicks, until_ms=until, watched_ms=until - end, interrupted=following is not None)
