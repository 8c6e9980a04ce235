"""The trace compiler: replays a recording against a DOM mirror and notes what the person did and what followed."""

from collections.abc import Callable
from typing import Any

import msgspec

from retrospec.analysis import shapes
from retrospec.analysis.effects import WINDOW_MS
from retrospec.analysis.facts import Action, Message, Story
from retrospec.analysis.limits import MAX_CHANGES, MAX_MESSAGES, MAX_NODES, MAX_SEGMENTS
from retrospec.analysis.looks import NATIVE_POPUPS
from retrospec.analysis.page import Page
from retrospec.analysis.reading import BROKEN, Reading, Stamped, read_in_order
from retrospec.analysis.said import read_custom, read_plugin
from retrospec.analysis.story_writer import StoryWriter
from retrospec.analysis.targets import read_target
from retrospec.analysis.watching import what_was_seen
from retrospec.domain.recording import Recording
from retrospec.domain.rrweb import EventType, MouseInteraction, NodeType, Source
from retrospec.domain.trace import Trace, TraceRow

_MUTATION = msgspec.json.Decoder(shapes.MutationEvent)
_GESTURE = msgspec.json.Decoder(shapes.GestureEvent)
_META = msgspec.json.Decoder(shapes.MetaEvent)
_SNAPSHOT = msgspec.json.Decoder(shapes.SnapshotEvent)
_CUSTOM = msgspec.json.Decoder(shapes.CustomEvent)
_PLUGIN = msgspec.json.Decoder(shapes.PluginEvent)

_FORWARDED_MS = 100
"""A click so soon after another, without a button down of its own, was made by the page."""
_SAME_BURST_MS = 2_000
"""Scrolls and key strokes closer than this are one row."""


def compile_story(recording: Recording) -> Story:
    """The facts of a recording. Never fails: what can't be read is left out and noted."""
    return Compiler(read_in_order(recording)).run()


class Compiler(StoryWriter):
    """One pass over the events; ``run`` once."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(Trace(started_at_ms=int(reading.start), event_count=len(reading.events), cut=reading.cut))
        self.reading = reading
        self.start = reading.start
        self.pages: dict[str, Page] = {}
        self.unreadable = 0

    def run(self) -> Story:
        """Every event in turn, then the ends of what was still open."""
        for event in self.reading.events:
            try:
                self._take(event)
            except BROKEN as error:
                self.unreadable += 1
                if isinstance(error, RecursionError):
                    self.cut("an event was nested too deeply to read")
                self._page(event.tab).damaged(event.type)
        self._finish()
        return self.story

    def _take(self, event: Stamped) -> None:
        t_ms = int(event.t - self.start)
        page = self._page(event.tab)
        if event.type == EventType.INCREMENTAL:
            self._incremental(page, event, t_ms)
        elif event.type == EventType.FULL_SNAPSHOT:
            snapshot = _SNAPSHOT.decode(event.raw).data
            self._snapshot(page, snapshot.node, t_ms)
            offset = snapshot.initial_offset
            page.scrolled = (offset.left, offset.top) if offset else (0, 0)
        elif event.type == EventType.META:
            meta = _META.decode(event.raw).data
            page.announced, page.width = meta.href, _pixel(meta.width)
        elif event.type in (EventType.DOM_CONTENT_LOADED, EventType.LOAD):
            page.loading(event.type)
        elif event.type == EventType.CUSTOM:
            read_custom(self, page, _CUSTOM.decode(event.raw).data, t_ms)
        elif event.type == EventType.PLUGIN:
            read_plugin(self, page, _PLUGIN.decode(event.raw).data, t_ms)
        page.last_ms = t_ms

    def _incremental(self, page: Page, event: Stamped, t_ms: int) -> None:
        source = event.source
        if source == Source.MUTATION:
            self._mutation(page, _MUTATION.decode(event.raw).data, t_ms)
        elif source in _BY_SOURCE:
            _BY_SOURCE[source](self, page, _GESTURE.decode(event.raw).data, t_ms)

    def _page(self, tab: str) -> Page:
        if tab not in self.pages:
            self.pages[tab] = Page(tab)
        return self.pages[tab]

    # Pages ---------------------------------------------------------------------------------------------

    def _snapshot(self, page: Page, root: shapes.Node, t_ms: int) -> None:
        if len(self.story.segments) >= MAX_SEGMENTS:
            self.cut(f"only the first {MAX_SEGMENTS:,} page loads were read")
            return
        if page.is_checkpoint(root):
            page.refresh(root)
            self.moved(page, page.announced, t_ms)
            return
        self._left_by_press(page, t_ms)
        self._close(page, t_ms)
        url = page.announced or page.url
        segment = self.open_segment(page, url, t_ms, "exact")
        page.open(root, segment, url, t_ms)
        self.add_row(page, TraceRow(ref="", t_ms=t_ms, action="navigation", detail=url, flags=["load"]), by_person=False)
        page.watch_blank(t_ms)
        if heading := page.error_heading():
            self.story.messages.append(Message(t_ms=t_ms, segment=segment, text=heading, whole_page=True))

    def _close(self, page: Page, t_ms: int) -> None:
        if page.segment < 0:
            return
        segment = self.story.segments[page.segment]
        segment.end_ms = max(segment.start_ms, page.last_ms)
        segment.seen = page.sight(segment.seen)
        segment.notes = page.notes()
        self.story.spinners.extend(page.end_spinners(t_ms))
        self.story.blanks.extend(page.end_blank(segment.end_ms))
        self.story.collapses.extend(page.collapse.end(segment.end_ms))

    def _finish(self) -> None:
        story, trace = self.story, self.story.trace
        last = int(self.reading.events[-1].t - self.start) if self.reading.events else 0
        for page in self.pages.values():
            self._close(page, last)
        trace.duration_ms = max(0, last)
        notes = [*self.reading.notes, *([f"{self.unreadable} events could not be read"] if self.unreadable else [])]
        if notes and trace.segments:
            trace.segments[0].notes = [*notes, *trace.segments[0].notes]
        if any(page.mirror.full for page in self.pages.values()):
            self.cut(f"a page had more than {MAX_NODES:,} nodes")
        for facts in (story.actions, story.changes, story.faults, story.requests, story.refusals, story.spinners):
            facts.sort(key=_moment)
        for page in self.pages.values():
            page.mirror.let_go()

    # What changed --------------------------------------------------------------------------------------

    def _mutation(self, page: Page, mutation: shapes.Mutation, t_ms: int) -> None:
        self.ensure_segment(page, t_ms)
        content_before = page.mirror.content
        delta = page.mirror.apply(mutation)
        page.missing += delta.missing
        page.known += len(delta.roots) + len(delta.texts) + len(delta.attributes) + len(delta.removed)
        for gone, _ in delta.removed:
            page.spinner_gone(gone, t_ms)
        if len(self.story.changes) >= MAX_CHANGES:
            self.cut(f"only the first {MAX_CHANGES:,} page changes were read")
        else:
            for kind, detail, node, cosmetic in what_was_seen(delta):
                self._changed(page, kind, detail, node, cosmetic, t_ms)
        page.check_spinners(delta, t_ms)
        page.watch_blank(t_ms, content_before)
        page.collapse.see(page.segment, t_ms, content_before, page.mirror.content)

    def _changed(self, page: Page, kind: str, detail: str, node: shapes.Node, cosmetic: bool, t_ms: int) -> None:
        if kind == "spinner":
            page.spinner_came(node, detail, t_ms)
        if kind == "error_text" and len(self.story.messages) < MAX_MESSAGES:
            self.story.messages.append(Message(t_ms=t_ms, segment=page.segment, text=detail, node_id=node.id))
        key = node.id if node.parent is None or kind not in ("dom_change", "text_change") else _owner(node)
        if not cosmetic and kind == "dom_change" and not detail and node.tag_name == "span":
            cosmetic = page.is_inside_last_target(node)
        self.change(page, t_ms, kind, detail, node_id=node.id, key=key, cosmetic=cosmetic)

    # What the person did -------------------------------------------------------------------------------

    def _mouse(self, page: Page, data: shapes.Gesture, t_ms: int) -> None:
        if data.type == MouseInteraction.CLICK:
            is_own = page.pending_down is not None or page.last_click_ms < 0 or t_ms - page.last_click_ms > _FORWARDED_MS
            page.pending_down = None
            if is_own or not self._is_forwarded(page, data, t_ms):
                self._click(page, data, t_ms)
        elif data.type in (MouseInteraction.MOUSE_DOWN, MouseInteraction.TOUCH_START) and data.id is not None:
            page.pending_down = t_ms, data.id
        elif data.type == MouseInteraction.FOCUS and data.id is not None:
            page.focused = data.id
            self._focus(page, data.id, t_ms)
        elif data.type == MouseInteraction.BLUR and data.id == page.focused:
            page.focused = 0

    def _is_forwarded(self, page: Page, data: shapes.Gesture, t_ms: int) -> bool:
        """A click the page made itself, right after the person's, to open the system's dialog or a download: its answer."""
        node = page.mirror.nodes.get(data.id) if data.id is not None else None
        if node is None or page.last_target is None or page.is_inside_last_target(node):
            return False
        target = read_target(page.namer, node, page.url)
        if not target.leaves and target.control.input_type not in NATIVE_POPUPS:
            return False
        self.change(page, t_ms, "dialog", "of the system" if not target.leaves else "a download or another window", node_id=node.id, key=node.id)
        return True

    def _left_by_press(self, page: Page, t_ms: int) -> None:
        """A press whose click went unrecorded, since it led away at once: without it an older click would get the credit."""
        down, page.pending_down = page.pending_down, None
        if down is None or t_ms - down[0] > WINDOW_MS:
            return
        self._click(page, shapes.Gesture(id=down[1]), down[0])

    def _click(self, page: Page, data: shapes.Gesture, t_ms: int) -> None:
        row = TraceRow(ref="", t_ms=t_ms, action="click", x=_pixel(data.x), y=_pixel(data.y))
        action = self.add_row(page, row)
        node = page.mirror.nodes.get(data.id) if data.id is not None else None
        if action is None:
            return
        if row.x >= 0 and row.y >= 0:
            action.spot = row.x + int(page.scrolled[0]), row.y + int(page.scrolled[1]), page.width
        if node is None:
            page.missing += 1
            page.last_target = None
            row.flags.append("unseen target")
            return
        action.target = read_target(page.namer, node, page.url)
        row.target = action.target.control
        row.flags.extend(_flags(action))
        page.last_target = page.mirror.nodes.get(action.target.control.node_id)
        page.last_click_ms, page.submitted_form = t_ms, action.target.form_id if action.target.submits else 0

    def _focus(self, page: Page, node_id: int, t_ms: int) -> None:
        """A focus that no click on that element explains is the page's own doing."""
        node = page.mirror.nodes.get(node_id)
        if node is None or page.last_target is None or t_ms - page.last_click_ms > _SAME_BURST_MS:
            return
        if page.is_inside_last_target(node) or page.leads_to(node):
            return
        kind = "validation" if page.is_refused_field(node, t_ms) else "focus"
        self.change(page, t_ms, kind, page.namer.control(node).name, node_id=node.id, key=node.id)

    def _input(self, page: Page, data: shapes.Gesture, t_ms: int) -> None:
        node = page.mirror.nodes.get(data.id) if data.id is not None else None
        last = self.story.actions[-1] if self.story.actions else None
        if last is not None and last.row.action == "input" and last.tab == page.tab and _node_id(last) == data.id:
            last.count += 1
            last.window_end_ms = t_ms
            return
        if page.was_set_by_code(node, t_ms):
            self.change(page, t_ms, "dom_change", "a field's value", node_id=data.id or 0, key=data.id or 0)
            return
        row = TraceRow(ref="", t_ms=t_ms, action="input", detail=_entry(data))
        action = self.add_row(page, row)
        if node is not None and action is not None:
            action.target = read_target(page.namer, node, page.url)
            row.target = action.target.control
        page.last_target = node

    def _resized(self, page: Page, data: shapes.Gesture, t_ms: int) -> None:
        page.width = _pixel(data.width)

    def _scroll(self, page: Page, data: shapes.Gesture, t_ms: int) -> None:
        node = page.mirror.nodes.get(data.id) if data.id is not None else None
        if node is not None and node.type == NodeType.DOCUMENT:
            page.scrolled = max(0, _pixel(data.x)), max(0, _pixel(data.y))
        if page.scroll_ms >= 0 and t_ms - page.scroll_ms < _SAME_BURST_MS:
            page.scroll_ms = t_ms
            return
        page.scroll_ms = t_ms
        if page.last_click_ms >= 0 and t_ms - page.last_click_ms < 1_000:
            self.change(page, t_ms, "scroll", node_id=data.id or 0, key=-(data.id or 0))
            return
        self.add_row(page, TraceRow(ref="", t_ms=t_ms, action="scroll"))

    def _media(self, page: Page, data: shapes.Gesture, t_ms: int) -> None:
        self.change(page, t_ms, "dom_change", "media", node_id=data.id or 0, key=-1)

    def _painted(self, page: Page, data: shapes.Gesture, t_ms: int) -> None:
        self.change(page, t_ms, "dom_change", "", node_id=data.id or 0, key=data.id or 0)

    def _selection(self, page: Page, data: shapes.Gesture, t_ms: int) -> None:
        self.story.selections.append(t_ms)


_BY_SOURCE: dict[int, Callable[[Compiler, Page, shapes.Gesture, int], None]] = {
    Source.MOUSE_INTERACTION: Compiler._mouse,
    Source.SCROLL: Compiler._scroll,
    Source.VIEWPORT_RESIZE: Compiler._resized,
    Source.INPUT: Compiler._input,
    Source.MEDIA_INTERACTION: Compiler._media,
    Source.CANVAS_MUTATION: Compiler._painted,
    Source.SELECTION: Compiler._selection,
}


def _moment(fact: Any) -> int:
    return fact.start_ms if hasattr(fact, "start_ms") else fact.t_ms  # type: ignore[no-any-return]


def _pixel(value: float | None) -> int:
    return int(value) if value is not None and abs(value) < 1e6 else -1


def _node_id(action: Action) -> int | None:
    return action.target.control.node_id if action.target else None


def _owner(node: shapes.Node) -> int:
    return node.parent.id if node.parent is not None and not node.tag_name else node.id


def _entry(data: shapes.Gesture) -> str:
    if data.is_checked:
        return "checked"
    return "emptied" if data.text == "" else ""


def _flags(action: Action) -> list[str]:
    target = action.target
    if target is None:
        return []
    pairs = (("disabled", target.disabled), ("submits", target.submits), ("iframe not recorded", target.frame))
    return [flag for flag, holds in pairs if holds]
