"""Names elements as a person would: role and accessible name, text, label, test id, nearest landmark.

A short form of the accessible-name computation (source: W3C accname 1.2, steps 2B–2I without CSS content).
"""

from typing import Any

from retrospec.analysis.limits import MAX_ID_SCANS, MAX_SUBTREE
from retrospec.analysis.looks import (
    CONTROL_ROLES,
    HIDDEN,
    clean_text,
    is_text_field,
    looks_clickable,
    role_of,
    text_attribute,
)
from retrospec.analysis.mirror import Mirror, ancestors, attributes_of, children_of, look
from retrospec.analysis.shapes import Node
from retrospec.domain.marker import Control
from retrospec.domain.rrweb import NodeType

_CONTROL_CLIMB = 8
"""Levels from a clicked icon up to its button; deeper nesting has not been met."""
_TEST_IDS = ("data-testid", "data-test-id", "data-test", "data-cy", "data-qa")
_LANDMARK_TAGS = frozenset({"form", "dialog", "section", "nav", "main", "header", "footer", "aside", "fieldset", "article", "table"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "legend", "caption"})
_NO_TEXT = frozenset({"style", "script", "noscript", "template"})


def subtree_text(top: Node, limit: int = 160) -> str:
    """The visible text inside an element, with images' names; at most ``limit`` characters."""
    parts: list[str] = []
    length, looked = 0, 0
    stack = [top]
    while stack and length < limit and looked < MAX_SUBTREE:
        node = stack.pop()
        looked += 1
        text = _own_text(node, node is top)
        if text:
            parts.append(text)
            length += len(text)
        if node.child_nodes and node.tag_name not in _NO_TEXT and (node is top or not look(node) & HIDDEN):
            stack.extend([child for child in reversed(node.child_nodes[:MAX_SUBTREE]) if child.parent is node])
    return clean_text(" ".join(parts))


def _own_text(node: Node, is_top: bool) -> str:
    if node.type == NodeType.TEXT:
        return (node.text_content or "")[:200]
    if node.tag_name in ("img", "svg") and not is_top:
        attributes = attributes_of(node)
        return text_attribute(attributes, "alt") or text_attribute(attributes, "aria-label")
    return ""


def control_around(node: Node) -> Node:
    """The control a click on ``node`` was meant for: the nearest button, link or the like, else what looks like one, else itself."""
    lookalike: Node | None = None
    element = node if node.tag_name or node.parent is None else node.parent
    for level, candidate in enumerate(ancestors(element, _CONTROL_CLIMB)):
        attributes = attributes_of(candidate)
        if is_control(candidate.tag_name, attributes):
            return candidate
        if candidate.tag_name in ("body", "html", "form", "main", "dialog"):
            break
        if lookalike is None and level < 4 and looks_clickable(attributes):
            lookalike = candidate
    return lookalike or element


def is_control(tag: str, attributes: dict[str, Any]) -> bool:
    """Something that promises to do something when clicked, or a field."""
    return tag in ("button", "summary", "label") or is_text_field(tag, attributes) or role_of(tag, attributes) in CONTROL_ROLES


class Namer:
    """Names nodes of one mirror; searches of the whole page are counted and bounded."""

    def __init__(self, mirror: Mirror) -> None:
        self.mirror = mirror
        self._scans = 0

    def control(self, node: Node) -> Control:
        """``node`` as a Control."""
        attributes = attributes_of(node)
        text = "" if is_text_field(node.tag_name, attributes) else subtree_text(node)
        label = self._label_of(node, attributes)
        return Control(
            node_id=node.id,
            tag=node.tag_name,
            role=role_of(node.tag_name, attributes),
            name=self._name(node, attributes, label, text),
            text=text,
            label=label,
            test_id=next((found for key in _TEST_IDS if (found := text_attribute(attributes, key))), ""),
            landmark=self._landmark(node),
            selector=selector_of(node, attributes),
            input_type=text_attribute(attributes, "type") if node.tag_name in ("input", "button") else "",
            href=text_attribute(attributes, "href"),
        )

    def _name(self, node: Node, attributes: dict[str, Any], label: str, text: str) -> str:
        named_by = attributes.get("aria-labelledby")
        if isinstance(named_by, str):
            found = " ".join(subtree_text(other) for dom_id in named_by.split()[:4] if (other := self._by_dom_id(dom_id)))
            if clean_text(found):
                return clean_text(found)
        own = text_attribute(attributes, "aria-label") or label
        if not own and node.tag_name == "input" and attributes.get("type") in ("submit", "button", "reset"):
            own = text_attribute(attributes, "value")
        return own or text or next(
            (found for key in ("alt", "title", "placeholder", "name") if (found := text_attribute(attributes, key))), ""
        )

    def _label_of(self, node: Node, attributes: dict[str, Any]) -> str:
        if not is_text_field(node.tag_name, attributes):
            return ""
        for above in ancestors(node, 6):
            if above.tag_name == "label":
                return subtree_text(above).rstrip(":* ")
        dom_id = attributes.get("id")
        label = self._scan("label", "for", dom_id) if isinstance(dom_id, str) and dom_id else None
        return subtree_text(label).rstrip(":* ") if label is not None else ""

    def _by_dom_id(self, dom_id: str) -> Node | None:
        return self._scan("", "id", dom_id)

    def _scan(self, tag: str, attribute: str, value: str) -> Node | None:
        """The first element with that attribute value; O(nodes), so only ``MAX_ID_SCANS`` times a page."""
        self._scans += 1
        if self._scans > MAX_ID_SCANS:
            return None
        for node in self.mirror.nodes.values():
            if node.tag_name and (not tag or node.tag_name == tag) and attributes_of(node).get(attribute) == value:
                return node
        return None

    def _landmark(self, node: Node) -> str:
        for above in ancestors(node):
            if above is node or not above.tag_name:
                continue
            attributes = attributes_of(above)
            named = text_attribute(attributes, "aria-label")
            if named:
                return named
            if above.tag_name in _LANDMARK_TAGS or "role" in attributes:
                heading = _heading_in(above)
                if heading:
                    return heading
                if above.tag_name == "form":
                    return text_attribute(attributes, "name") or text_attribute(attributes, "id")
        return ""


def _heading_in(top: Node) -> str:
    stack, looked = [top], 0
    while stack and looked < 60:
        node = stack.pop()
        looked += 1
        if node.tag_name in _HEADINGS:
            return subtree_text(node, 80)
        stack.extend(reversed(list(children_of(node))[:20]))
    return ""


def selector_of(node: Node, attributes: dict[str, Any]) -> str:
    """A short CSS selector: id, else test id, else the first two classes."""
    dom_id = text_attribute(attributes, "id")
    if dom_id and " " not in dom_id:
        return f"{node.tag_name}#{dom_id}"
    for key in _TEST_IDS:
        if value := text_attribute(attributes, key):
            return f'{node.tag_name}[{key}="{value}"]'
    classes = text_attribute(attributes, "class").split()[:2]
    return ".".join([node.tag_name, *classes])
