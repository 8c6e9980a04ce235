"""What detectors read: the story, its presses, and questions many of them ask."""

from retrospec.analysis.base import kind_of
from retrospec.analysis.effects import action_before
from retrospec.analysis.facts import Action, Story
from retrospec.analysis.presses import Press, presses_of
from retrospec.domain.finding import Finding, Outcome, Standing
from retrospec.domain.marker import Evidence, Marker, Signal
from retrospec.domain.trace import Effect

CAUSED_WITHIN_MS = 5_000
"""An effect so long after a failure can still be its consequence."""


class Scene:
    """A story with its presses; made once per recording."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.presses = presses_of(story)
        self._press_of = {action.row.ref: press for press in self.presses for action in press.actions}

    def press_with(self, ref: str) -> Press | None:
        """The press a click row belongs to."""
        return self._press_of.get(ref)

    def press_around(self, t_ms: int, segment: int, before_ms: int, node_id: int = 0) -> Press | None:
        """The latest press that began or went on in ``[t_ms - before_ms, t_ms]``, of that control if one is named."""
        near = [
            press for press in self.presses
            if press.start_ms <= t_ms + 50 and press.end_ms >= t_ms - before_ms and (segment < 0 or press.segment == segment)
        ]  # fmt: skip
        named = [press for press in near if node_id and press.target is not None and press.target.control.node_id == node_id]
        return (named or near or [None])[-1]  # type: ignore[list-item]

    def cause_of(self, t_ms: int, segment: int, within_ms: int) -> Action | None:
        """The person's action right before ``t_ms``, or the page load."""
        return action_before(self.story, t_ms, within_ms, segment)

    def followed_by(self, t_ms: int, segment: int, within_ms: int = CAUSED_WITHIN_MS) -> list[Effect]:
        """Effects between ``t_ms`` and ``within_ms`` later on that page load, whatever action they hang on."""
        found: list[Effect] = []
        for action in self.story.actions:
            if action.row.segment == segment:
                found.extend(e for e in action.row.effects if t_ms - 50 <= action.t_ms + e.after_ms <= t_ms + within_ms)
        return found

    def is_seen(self, segment: int) -> bool:
        """Whether that page load was recorded at all."""
        return self.story.seen(segment) != "blind"

    def clarity(self, segment: int) -> float:
        """Subtracted from a confidence where the view was not exact."""
        return 0.0 if self.story.seen(segment) == "exact" else 0.08


def finding(
    signal: Signal,
    t_ms: int,
    standing: Standing,
    confidence: float,
    *,
    outcome: Outcome = Outcome.UNKNOWN,
    label: str = "",
    refs: list[str],
    reasons: list[str],
    marker: Marker | None = None,
    evidence: Evidence | None = None,
) -> Finding:
    """A finding with its id, kind and bounds filled in."""
    return Finding(
        id=marker.id if marker is not None else f"{signal.value}-{t_ms}",
        signal=signal,
        kind=marker.kind if marker is not None else kind_of(signal),
        t_ms=t_ms,
        standing=standing,
        confidence=round(max(0.0, min(CEILING, confidence)), 3),
        outcome=outcome,
        label=label,
        refs=list(dict.fromkeys(ref for ref in refs if ref)),
        reasons=reasons,
        marker_ids=[marker.id] if marker is not None else [],
        evidence=evidence if evidence is not None else Evidence(signal=signal),
    )


CEILING = 0.9
"""Text alone is never surer than this: the screen has the last word."""
