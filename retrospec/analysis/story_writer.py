"""The growing story of a recording: page loads, rows and changes, each within its bound."""

from retrospec.analysis.facts import Action, Change, Story
from retrospec.analysis.limits import MAX_ROWS
from retrospec.analysis.page import Page
from retrospec.domain.trace import Segment, Trace, TraceRow


class StoryWriter:
    """Adds to ``story``; what reads events (``compiler.py``, ``said.py``) says what."""

    def __init__(self, trace: Trace) -> None:
        self.story = Story(trace=trace)

    def open_segment(self, page: Page, url: str, t_ms: int, seen: str) -> int:
        """A new page load; its index."""
        index = len(self.story.segments)
        self.story.segments.append(Segment(index=index, url=url, start_ms=t_ms, end_ms=t_ms, seen=seen))
        page.segment = index
        return index

    def ensure_segment(self, page: Page, t_ms: int) -> None:
        """Events before any snapshot belong to a page that can't be seen."""
        if page.segment < 0:
            self.open_segment(page, page.announced, t_ms, "blind")
            page.url = page.announced

    def moved(self, page: Page, url: str, t_ms: int) -> None:
        """The page changed its address without loading."""
        if url and url != page.url:
            page.url = url
            self.add_row(page, TraceRow(ref="", t_ms=t_ms, action="navigation", detail=url, flags=["route"]), by_person=False)

    def add_row(self, page: Page, row: TraceRow, *, by_person: bool = True) -> Action | None:
        """Appends a row, unless there are too many; the caller may go on filling it."""
        if len(self.story.actions) >= MAX_ROWS:
            self.cut(f"only the first {MAX_ROWS:,} actions were read")
            return None
        self.ensure_segment(page, row.t_ms)
        row.segment = page.segment
        action = Action(row=row, tab=page.tab, by_person=by_person)
        self.story.actions.append(action)
        return action

    def change(
        self, page: Page, t_ms: int, kind: str, detail: str = "", *, node_id: int = 0, key: int = 0, cosmetic: bool = False
    ) -> None:
        """Notes one change of the page."""
        self.story.changes.append(
            Change(t_ms=t_ms, segment=page.segment, tab=page.tab, kind=kind, detail=detail, node_id=node_id, key=key, cosmetic=cosmetic)
        )

    def cut(self, reason: str) -> None:
        """Says why the trace is not whole; the first reason stays."""
        self.story.trace.cut = self.story.trace.cut or reason
