"""rrweb events walked for the text in them; what only lays out or draws is left alone."""

from collections.abc import Iterator
from typing import Any

from retrospec.capture.fields import VALUE_ATTRIBUTES, is_secret_input, kind_of_field
from retrospec.capture.rules import Kind, RedactionRules
from retrospec.capture.slots import Slots, gather_value
from retrospec.capture.texts import Tally
from retrospec.domain.rrweb import EventType, NodeType, Source

_KEPT = (
    "_cssText style class id name for type role lang dir tabindex rel media as crossorigin integrity nonce width height colspan rowspan "
    "d points transform viewBox viewbox path values keyTimes keySplines gradientTransform patternTransform preserveAspectRatio x y x1 x2 y1 y2 "
    "cx cy r rx ry dx dy fill stroke stroke-width stroke-dasharray offset clip-path mask filter xmlns xmlns:xlink version sizes loading decoding "
    "aria-controls aria-labelledby aria-describedby aria-owns aria-hidden aria-expanded autocomplete maxlength minlength min max step rows cols "
    "rr_dataURL rr_width rr_height rr_left rr_top rr_mediaState rr_mediaCurrentTime rr_mediaPlaybackRate rr_mediaMuted rr_mediaLoop "
    "rr_mediaVolume rr_scrollLeft rr_scrollTop rr_open_mode"
)
KEPT_ATTRIBUTES = frozenset(_KEPT.split())
"""Attributes that name, lay out or draw, and are never changed."""

_STYLE_SOURCES = frozenset({Source.STYLE_SHEET_RULE, Source.STYLE_DECLARATION, Source.ADOPTED_STYLE_SHEET, Source.FONT})
_WORDLESS_SOURCES = frozenset(
    {
        Source.MOUSE_MOVE,
        Source.MOUSE_INTERACTION,
        Source.SCROLL,
        Source.VIEWPORT_RESIZE,
        Source.TOUCH_MOVE,
        Source.MEDIA_INTERACTION,
        Source.DRAG,
        Source.SELECTION,
    }
)
_TELLING_ATTRIBUTES = frozenset({"type", "autocomplete", "name", "data-rr-is-password"})
_TEXT_NODES = frozenset({3, 4, 5})
"""Text, CDATA, comment: plain numbers, since an enumeration's equality is slow in a loop this hot."""
_ELEMENT = int(NodeType.ELEMENT)
_DRAWN_TEXT = frozenset({"fillText", "strokeText"})


class EventWalk:
    """Gathers the texts of one recording's events; remembers which nodes are secret fields or styles."""

    def __init__(self, rules: RedactionRules, secret_fields: dict[int, Kind]) -> None:
        self.rules = rules
        self.slots = Slots(rules, Tally())
        self.secret_fields = secret_fields
        self._style_texts: set[int] = set()

    def gather(self, events: list[Any], index: int, slots: Slots) -> None:
        """Gather the texts of ``events[index]`` into ``slots``."""
        self.slots = slots
        event = events[index]
        kind, body = (event.get("type"), event.get("data")) if isinstance(event, dict) else (None, None)
        if kind == EventType.FULL_SNAPSHOT and isinstance(body, dict):
            self._gather_node(body.get("node"), is_style=False)
        elif kind == EventType.INCREMENTAL and isinstance(body, dict):
            self._gather_incremental(event, body)
        else:
            gather_value(events, index, self.slots)

    def _gather_incremental(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        source = body.get("source")
        if source == Source.MUTATION:
            self._gather_mutation(body)
        elif source == Source.INPUT:
            self._gather_input(body)
        elif source == Source.CANVAS_MUTATION:
            self._gather_canvas(body)
        elif source not in _STYLE_SOURCES and source not in _WORDLESS_SOURCES:
            gather_value(event, "data", self.slots)

    def _gather_mutation(self, body: dict[str, Any]) -> None:
        for added in _objects(body.get("adds")):
            self._gather_node(added.get("node"), is_style=added.get("parentId") in self._style_texts)
        for changed in _objects(body.get("attributes")):
            self._gather_attributes(changed.get("attributes"), changed.get("id"))
        for text in _objects(body.get("texts")):
            if isinstance(text.get("value"), str) and text.get("id") not in self._style_texts:
                self.slots.add(text, "value", text["value"])

    def _gather_input(self, body: dict[str, Any]) -> None:
        text = body.get("text")
        if not isinstance(text, str):
            return
        kind = self.secret_fields.get(body.get("id", -1))
        if kind is not None and is_secret_input(text, kind):
            self.slots.put(body, "text", kind)
        else:
            self.slots.add(body, "text", text, kind)

    def _gather_canvas(self, body: dict[str, Any]) -> None:
        for command in [body, *_objects(body.get("commands"))]:
            if command.get("property") in _DRAWN_TEXT and isinstance(command.get("args"), list):
                gather_value(command, "args", self.slots)

    def _gather_node(self, root: Any, *, is_style: bool) -> None:
        waiting = [(root, is_style)]
        while waiting:
            node, in_style = waiting.pop()
            if not isinstance(node, dict):
                continue
            kind = node.get("type")
            if kind == _ELEMENT:
                attributes = node.get("attributes")
                if attributes:
                    self._gather_attributes(attributes, node.get("id"))
            elif kind in _TEXT_NODES:
                self._gather_text_node(node, in_style)
            children = node.get("childNodes")
            if children and isinstance(children, list):
                below_style = self._is_style(node)
                waiting += [(child, below_style) for child in children]

    def _is_style(self, node: dict[str, Any]) -> bool:
        if node.get("tagName") != "style":
            return False
        if isinstance(node.get("id"), int):
            self._style_texts.add(node["id"])
        return True

    def _gather_text_node(self, node: dict[str, Any], in_style: bool) -> None:
        if in_style or node.get("isStyle"):
            if isinstance(node.get("id"), int):
                self._style_texts.add(node["id"])
        elif isinstance(node.get("textContent"), str):
            self.slots.add(node, "textContent", node["textContent"])

    def _gather_attributes(self, attributes: Any, node_id: Any) -> None:
        if not isinstance(attributes, dict):
            return
        secret = self._field_kind(attributes, node_id) if attributes.keys() & _TELLING_ATTRIBUTES or self.secret_fields else None
        add = self.slots.add
        for name, value in attributes.items():
            if name in KEPT_ATTRIBUTES or not isinstance(value, str):
                continue
            if secret is not None and name in VALUE_ATTRIBUTES and is_secret_input(value, secret):
                self.slots.put(attributes, name, secret)
            else:
                add(attributes, name, value, secret if name in VALUE_ATTRIBUTES else None)

    def _field_kind(self, attributes: dict[str, Any], node_id: Any) -> Kind | None:
        """The kind of secret a form field or ``meta`` holds by its type, autocomplete or name."""
        kind = kind_of_field(attributes, self.rules)
        if kind is not None and isinstance(node_id, int):
            self.secret_fields[node_id] = kind
        return kind or self.secret_fields.get(node_id if isinstance(node_id, int) else -1)


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())
