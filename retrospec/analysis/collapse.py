"""Notices that most of a page went at once: what a crashed component tree leaves behind, if its frame stays.

Threshold: 70 % of what was shown, as OpenReplay's crash rule has it; that the page stays so poor tells it from a change of route.
"""

from retrospec.analysis.facts import Collapse

SHARE = 0.7
BACK_SHARE = 0.5
"""With so much of it there again the page has recovered."""
LEAST_CONTENT = 8
"""Texts, pictures and controls: of fewer nothing can be said."""
MAX_COLLAPSES = 200


class CollapseWatch:
    """One page load's; told of every mutation."""

    def __init__(self) -> None:
        self._fallen: Collapse | None = None
        self._before = 0
        self._found: list[Collapse] = []

    def see(self, segment: int, t_ms: int, before: int, now: int) -> None:
        """Content went from ``before`` to ``now``."""
        if self._fallen is not None:
            if now > self._before * BACK_SHARE:
                self._end(t_ms)
        elif before >= LEAST_CONTENT and now <= before * (1 - SHARE):
            self._before = before
            self._fallen = Collapse(segment=segment, start_ms=t_ms, end_ms=t_ms, share=1 - now / before)

    def end(self, t_ms: int) -> list[Collapse]:
        """All of the page load, which ends now."""
        self._end(t_ms)
        return self._found

    def _end(self, t_ms: int) -> None:
        if self._fallen is not None and len(self._found) < MAX_COLLAPSES:
            self._fallen.end_ms = max(t_ms, self._fallen.start_ms)
            self._found.append(self._fallen)
        self._fallen = None
