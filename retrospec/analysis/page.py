"""The state of one browser tab while its recording is replayed: mirror, spinners, blankness, and how well it is seen."""

import re

from retrospec.analysis.collapse import CollapseWatch
from retrospec.analysis.facts import Blank, Spinner
from retrospec.analysis.limits import MAX_SPINNER_CHECKS, MAX_SPINNERS
from retrospec.analysis.looks import (
    HIDDEN,
    SPINNER,
    clean_text,
    is_error_page,
    is_spinner_text,
    is_text_field,
)
from retrospec.analysis.mirror import Delta, Mirror, ancestors, attributes_of, look
from retrospec.analysis.naming import Namer, subtree_text
from retrospec.analysis.shapes import Node
from retrospec.domain.rrweb import EventType

_STALE_SHARE = 0.02
"""More changes than this to unknown nodes make a page load ``stale``."""
_BY_CODE_MS = 300
"""From pressing one thing to typing into another takes longer."""
_NATIVE_REFUSAL_MS = 600
"""Browsers focus the refused field at once; a slow device takes a few frames."""
_EMPTY = 0
_LOADERS = re.compile("load|wait", re.I)


class Page:
    """One tab. ``segment`` is the index of its current page load, -1 before the first."""

    def __init__(self, tab: str) -> None:
        self.tab = tab
        self.mirror = Mirror()
        self.namer = Namer(self.mirror)
        self.segment = -1
        self.url = ""
        self.announced = ""
        """The address the last meta event gave."""
        self.last_ms = 0
        self.last_target: Node | None = None
        self.last_click_ms = -1
        self.focused = -1
        """The node that has the focus, 0 for none, -1 while unknown."""
        self.submitted_form = 0
        """The form whose submit button was the last thing clicked."""
        self.scroll_ms = -1
        self.scrolled: tuple[float, float] = (0, 0)
        """The document, to the right and down."""
        self.width = 0
        """Of the viewport; 0 while unknown."""
        self.missing = 0
        self.known = 0
        self._damage = 0
        self._load_pending = False
        self._load_seen = False
        self._spinners: dict[int, Spinner] = {}
        self._ended_spinners: list[Spinner] = []
        self._checks_left = MAX_SPINNER_CHECKS
        self._blank_since = -1
        self._had_content = False
        self._blanks: list[Blank] = []
        self.collapse = CollapseWatch()
        self.pending_down: tuple[int, int] | None = None
        """``(t_ms, node id)`` of a button down that no click has followed yet."""

    # Page loads ----------------------------------------------------------------------------------------

    def loading(self, event_type: int) -> None:
        """A DOMContentLoaded or load event: rrweb takes the first snapshot right after one of them."""
        late_load = event_type == EventType.LOAD and self.segment >= 0 and not self._load_pending and not self._load_seen
        self._load_seen = event_type == EventType.LOAD
        self._load_pending = not late_load

    def is_checkpoint(self, root: Node) -> bool:
        """Whether a snapshot repeats the page that is open rather than beginning a new one.

        rrweb keeps node ids over a checkpoint, while a new page numbers its nodes from 1 without gaps.
        """
        if self.segment < 0 or self.mirror.root is None or self._load_pending:
            return False
        ids, same = 0, 0
        stack, top = [root], 0
        while stack:
            node = stack.pop()
            ids += 1
            top = max(top, node.id)
            known = self.mirror.nodes.get(node.id)
            same += known is not None and known.tag_name == node.tag_name
            stack.extend(node.child_nodes)
        dense = top <= ids * 1.1 + 8
        if dense and self.mirror.top_id > top:
            return False
        if dense and self.announced.split("#")[0] != self.url.split("#")[0]:
            return False
        return same >= ids * 0.9

    def refresh(self, root: Node) -> None:
        """Takes a checkpoint: the same page, seen exactly again."""
        self.mirror.load(root)

    def open(self, root: Node, segment: int, url: str, t_ms: int) -> None:
        """Begins a page load."""
        self.mirror.let_go()
        self.mirror = Mirror()
        self.mirror.load(root)
        self.namer = Namer(self.mirror)
        self.segment, self.url = segment, url
        self.last_target, self.last_click_ms, self.scroll_ms = None, -1, t_ms
        self.focused = -1
        self.missing = self.known = self._damage = 0
        self._load_pending = False
        self._spinners, self._ended_spinners, self._blanks = {}, [], []
        self._blank_since, self._had_content = -1, False
        self.collapse, self.pending_down = CollapseWatch(), None
        self._find_first_spinners(t_ms)

    def damaged(self, event_type: int) -> None:
        """An event of this tab couldn't be read."""
        self._damage += 1
        if event_type == EventType.FULL_SNAPSHOT:
            self.missing += 1

    def sight(self, seen: str) -> str:
        """How well the page load that ends was seen."""
        if seen == "blind":
            return seen
        share = self.missing / max(1, self.known + self.missing)
        return "stale" if self._damage or self.mirror.full or (self.missing > 2 and share > _STALE_SHARE) else "exact"

    def notes(self) -> list[str]:
        """What limited the view."""
        notes = [f"{self.missing} changes to unknown nodes"] if self.missing else []
        frames = sum(1 for node in self.mirror.nodes.values() if node.tag_name == "iframe" and not node.child_nodes)
        if frames:
            notes.append(f"{frames} iframes were not recorded")
        return notes

    # The last click ------------------------------------------------------------------------------------

    def is_inside_last_target(self, node: Node) -> bool:
        """Whether ``node`` is the element last acted on, or within it."""
        target = self.last_target
        return target is not None and any(above is target for above in ancestors(node, 12))

    def leads_to(self, node: Node) -> bool:
        """Whether the last target is inside ``node``: a focusable container that took the click."""
        target = self.last_target
        return target is not None and any(above is node for above in ancestors(target))

    def is_refused_field(self, node: Node, t_ms: int) -> bool:
        """Whether the browser moved to a field of the form that was just submitted: how native validation refuses."""
        if not self.submitted_form or t_ms - self.last_click_ms > _NATIVE_REFUSAL_MS or not is_text_field(node.tag_name, attributes_of(node)):
            return False
        return any(above.id == self.submitted_form for above in ancestors(node))

    def was_set_by_code(self, node: Node | None, t_ms: int) -> bool:
        """Whether a field changed because something else was just clicked: nobody types so fast elsewhere."""
        elsewhere = self.focused not in (-1, node.id) if node is not None else False
        at_once = 0 <= t_ms - self.last_click_ms <= _BY_CODE_MS
        if node is None or self.last_target is None or not (elsewhere or at_once):
            return False
        return not (self.is_inside_last_target(node) or self.leads_to(node) or self.last_target.tag_name in ("label", "option", "select"))

    def error_heading(self) -> str:
        """The heading or title that says that the page is an error page; empty for other pages."""
        for node in self.mirror.nodes.values():
            if node.tag_name in ("title", "h1"):
                text = clean_text(" ".join(child.text_content or "" for child in node.child_nodes))
                if is_error_page(text):
                    return text
        return ""

    # Spinners ------------------------------------------------------------------------------------------

    def spinner_came(self, node: Node, label: str, t_ms: int) -> None:
        """Something began to say "busy"."""
        if node.id not in self._spinners and len(self._spinners) < MAX_SPINNERS:
            self._spinners[node.id] = Spinner(
                node_id=node.id, segment=self.segment, start_ms=t_ms, end_ms=t_ms, ended=False, label=label
            )

    def spinner_gone(self, gone: Node, t_ms: int) -> None:
        """A subtree went; spinners in it end."""
        for node_id in list(self._spinners):
            if node_id not in self.mirror.nodes:
                self._end_spinner(node_id, t_ms)

    def check_spinners(self, delta: Delta, t_ms: int) -> None:
        """Spinners whose element or its surroundings changed may have stopped."""
        if self._spinners and self._checks_left > 0 and (delta.attributes or delta.texts or delta.roots):
            self._checks_left -= len(self._spinners)
            for node_id in list(self._spinners):
                node = self.mirror.nodes.get(node_id)
                if node is None or not self._spins(node):
                    self._end_spinner(node_id, t_ms)

    def _spins(self, node: Node) -> bool:
        if any(look(above) & HIDDEN for above in ancestors(node, 12)):
            return False
        return bool(look(node) & SPINNER) or is_spinner_text(subtree_text(node))

    def _end_spinner(self, node_id: int, t_ms: int) -> None:
        spinner = self._spinners.pop(node_id)
        spinner.end_ms, spinner.ended = t_ms, True
        self._ended_spinners.append(spinner)

    def end_spinners(self, t_ms: int) -> list[Spinner]:
        """All spinners of the page load, those still there with the time the page was left."""
        if self._checks_left <= 0:
            return self._ended_spinners  # nobody looked whether the others stopped
        for spinner in self._spinners.values():
            spinner.end_ms = max(spinner.start_ms, t_ms)
        return [*self._ended_spinners, *self._spinners.values()]

    def _find_first_spinners(self, t_ms: int) -> None:
        """Spinners of the first snapshot count only by what they say: a style sheet may well hide the others."""
        for node in self.mirror.nodes.values():
            text = node.text_content
            if text and len(text) < 60 and _LOADERS.search(text) and is_spinner_text(text.strip()):
                parent = node.parent
                if parent is not None and self._spins(parent):
                    self.spinner_came(parent, text.strip(), t_ms)

    # Blankness -----------------------------------------------------------------------------------------

    def watch_blank(self, t_ms: int, content_before: int = 0) -> None:
        """Notes when nothing is left to see, and when something is again."""
        blank = self.mirror.content <= _EMPTY and self.mirror.root is not None
        if blank and self._blank_since < 0:
            self._blank_since = t_ms
            self._had_content = content_before > _EMPTY
        elif not blank and self._blank_since >= 0:
            self._blanks.append(self._blank_until(t_ms))
            self._blank_since = -1

    def end_blank(self, t_ms: int) -> list[Blank]:
        """The blank stretches of the page load."""
        if self._blank_since >= 0:
            self._blanks.append(self._blank_until(max(t_ms, self._blank_since)))
            self._blank_since = -1
        return self._blanks

    def _blank_until(self, t_ms: int) -> Blank:
        return Blank(segment=self.segment, start_ms=self._blank_since, end_ms=t_ms, after_content=self._had_content)
