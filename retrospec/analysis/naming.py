"""Names elements as a person would: role and accessible name, text, label, test id, nearest landmark.

A short form of the accessible-name computation (source: W3C accname 1.2, steps 2B–2I without CSS content).
"""

from typing import Any

from retrospec.analysis.limits import MAX_INDEXED_NODES, MAX_SUBTREE
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
_SHOWN_ATTRIBUTES = ("id", "name", "type", *_TEST_IDS, "class", "role", "required", "pattern", "minlength", "maxlength", "min", "max", "step")
"""What finds an element in the source and what rules its field; nothing a person typed or reads."""
_MAX_ATTRIBUTE = 80
_LANDMARK_TAGS = frozenset({"form", "dialog", "section", "nav", "main", "header", "footer", "aside", "fieldset", "article", "table"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "legend", "caption"})
_PICTURES = frozenset({"img", "svg"})
_TEXT = int(NodeType.TEXT)
_MAX_MARKED = 8
_NO_TEXT = frozenset({"style", "script", "noscript", "template"})


def subtree_text(top: Node, limit: int = 160) -> str:
    """The visible text inside an element, with images' names; at most ``limit`` characters."""
    return read_subtree(top, limit)[0]


def read_subtree(top: Node, limit: int = 160, marks: int = 0) -> tuple[str, list[Node]]:
    """``subtree_text``, and in the same walk the first visible elements whose looks have one of the ``marks``."""
    parts: list[str] = []
    marked: list[Node] = []
    length, looked = 0, 0
    stack = [top]
    while stack and (marks or length < limit) and looked < MAX_SUBTREE:
        node = stack.pop()
        looked += 1
        if node.type == _TEXT:
            if length < limit and (text := node.text_content):
                parts.append(text[:200])
                length += len(parts[-1])
            continue
        bits = look(node)
        if bits & HIDDEN and node is not top:
            continue
        if bits & marks and len(marked) < _MAX_MARKED:
            marked.append(node)
        if node.tag_name in _PICTURES and node is not top and (name := _picture_name(node)) and length < limit:
            parts.append(name)
            length += len(name)
        children = node.child_nodes
        if children and node.tag_name not in _NO_TEXT:
            if len(children) > MAX_SUBTREE:
                children = children[:MAX_SUBTREE]
            stack.extend([child for child in reversed(children) if child.parent is node])
    return clean_text(" ".join(parts)), marked


def _picture_name(node: Node) -> str:
    attributes = attributes_of(node)
    return text_attribute(attributes, "alt") or text_attribute(attributes, "aria-label")


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
    """Names nodes of one mirror; searches of the whole page are indexed and bounded."""

    def __init__(self, mirror: Mirror) -> None:
        self.mirror = mirror
        self._labels: dict[tuple[str, str], Node] = {}
        self._indexed = 0
        self._indexed_at = -1

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
        label = self._find("for", dom_id) if isinstance(dom_id, str) and dom_id else None
        return subtree_text(label).rstrip(":* ") if label is not None else ""

    def _by_dom_id(self, dom_id: str) -> Node | None:
        return self._find("id", dom_id)

    def _find(self, attribute: str, value: str) -> Node | None:
        """The element with that ``id``, or the label ``for`` that one."""
        found = self._labels.get((attribute, value))
        if found is not None and self.mirror.nodes.get(found.id) is found and attributes_of(found).get(attribute) == value:
            return found
        if self._indexed_at == self.mirror.version or self._indexed + len(self.mirror.nodes) > MAX_INDEXED_NODES:
            return None
        self._index()
        return self._labels.get((attribute, value))

    def _index(self) -> None:
        self._indexed += len(self.mirror.nodes)
        self._indexed_at = self.mirror.version
        self._labels = {}
        for node in self.mirror.nodes.values():
            if not node.tag_name:
                continue
            attributes = attributes_of(node)
            for attribute in ("id", "for") if node.tag_name == "label" else ("id",):
                value = attributes.get(attribute)
                if isinstance(value, str):
                    self._labels.setdefault((attribute, value), node)

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


def markup_of(tag: str, attributes: dict[str, Any]) -> str:
    """``<input name="postcode" required pattern="[0-9]{5}">``: as the page had it, shortened; empty where nothing tells it apart."""
    known = [(name, attributes[name]) for name in _SHOWN_ATTRIBUTES if isinstance(attributes.get(name), str)]
    if not tag or not known:
        return ""
    return f"<{' '.join([tag, *(_written(name, value) for name, value in known)])}>"


def _written(name: str, value: str) -> str:
    shown = clean_text(value)
    return f'{name}="{shown[:_MAX_ATTRIBUTE]}{"…" if len(shown) > _MAX_ATTRIBUTE else ""}"' if shown else name
