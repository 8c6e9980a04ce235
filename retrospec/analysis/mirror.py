"""A DOM mirror: the page as the recording says it is, node by node.

Trees can't become cyclic: a node enters only fresh from JSON, under a parent that is there.
"""

import re
from collections.abc import Iterator
from sys import intern
from typing import Any

import msgspec

from retrospec.analysis.limits import MAX_CLIMB, MAX_NODES
from retrospec.analysis.looks import look_of
from retrospec.analysis.shapes import NO_ATTRIBUTES, Added, Mutation, Node, Reattributed
from retrospec.domain.rrweb import NodeType

_DECODE = msgspec.json.Decoder(dict[str, Any]).decode
_UNSEEN_PARENTS = frozenset({"style", "script", "noscript", "title", "template", "head"})
CONTENT_TAGS = frozenset(
    {"img", "svg", "canvas", "video", "audio", "input", "button", "iframe", "textarea", "select", "picture", "object", "embed"}
)
"""Elements that show something without any text."""
_COMPACT_FROM = 256
_STYLE_PART = re.compile(r"\s*([a-zA-Z-]+)\s*:\s*([^;]*)")


class Delta(msgspec.Struct):
    """What one mutation did to the mirror."""

    roots: list[Node] = []
    """Tops of the subtrees that came."""
    removed: list[tuple[Node, Node | None]] = []
    """Tops of the subtrees that went, whole, with the parent each had."""
    texts: list[tuple[Node, str]] = []
    """Text nodes that changed, with their text before."""
    attributes: list[tuple[Node, dict[str, Any], dict[str, Any]]] = []
    """Elements with the attributes that changed, before and after."""
    missing: int = 0
    """Changes to nodes the mirror doesn't have."""


def attributes_of(node: Node) -> dict[str, Any]:
    """All attributes, decoded on demand; only the mirror may change them."""
    if node.altered is not None:
        return node.altered  # type: ignore[no-any-return]
    raw = node.attributes
    if raw is NO_ATTRIBUTES:
        return {}
    try:
        return _DECODE(raw)
    except (msgspec.DecodeError, RecursionError):
        return {}


def look(node: Node) -> int:
    """The element's ``looks`` bits, read once until its attributes change."""
    bits: int = node.look
    if bits < 0:
        node.look = bits = look_of(node.tag_name, attributes_of(node)) if node.tag_name else 0
    return bits


def children_of(node: Node) -> Iterator[Node]:
    """Children that are still there (removed ones may linger in the list of a large parent)."""
    return (child for child in node.child_nodes if child.parent is node)


def ancestors(node: Node, limit: int = MAX_CLIMB) -> Iterator[Node]:
    """The node itself, then its parents, at most ``limit``."""
    current: Node | None = node
    while current is not None and limit:
        yield current
        current = current.parent
        limit -= 1


class Mirror:
    """One page's nodes by rrweb id."""

    def __init__(self) -> None:
        self.nodes: dict[int, Node] = {}
        self._gone: list[Node] = []
        """What was removed with all below it."""
        self.root: Node | None = None
        self.content = 0
        """Nodes that show something: non-blank text, images, controls."""
        self.full = False
        self.version = 0
        """Grows with every change."""
        self.top_id = 0

    def load(self, root: Node) -> None:
        """Replaces everything with a snapshot."""
        self.let_go()
        self.content = 0
        self.top_id = 0
        self.version += 1
        self.root = root
        self._enter(root, None)

    def let_go(self) -> None:
        """Forget all nodes. Parents lose their children, else parent and child would keep each other until a search for cycles,
        which holds up every thread: 16 ms for 30,000 nodes."""
        for top in self._gone:
            stack = [top]
            while stack:
                node = stack.pop()
                stack.extend(node.child_nodes)
                node.child_nodes = []
        for node in self.nodes.values():
            if node.child_nodes:
                node.child_nodes = []
        self.nodes, self._gone = {}, []

    def apply(self, mutation: Mutation) -> Delta:
        """Does what a mutation says, as far as the nodes are known."""
        delta = Delta()
        self.version += 1
        for gone in mutation.removes:
            self._remove(gone.id, delta)
        if mutation.adds:
            self._add_all(mutation.adds, delta)
        for text in mutation.texts:
            self._retext(text.id, text.value or "", delta)
        for change in mutation.attributes:
            self._reattribute(change, delta)
        return delta

    def _enter(self, top: Node, parent: Node | None) -> None:
        nodes = self.nodes
        stack: list[tuple[Node, Node | None]] = [(top, parent)]
        while stack:
            if len(nodes) >= MAX_NODES:
                self.full = True
                return
            node, above = stack.pop()
            node.parent, node.altered, node.look = above, None, -1
            if node.tag_name:
                node.tag_name = intern(node.tag_name)
            if node.id > self.top_id:
                self.top_id = node.id
            nodes[node.id] = node
            if shows_something(node):
                self.content += 1
            if node.child_nodes:
                stack.extend([(child, node) for child in node.child_nodes])

    def _enter_leaf(self, node: Node, parent: Node) -> None:
        """``_enter`` of one node: rrweb sends added trees so."""
        if len(self.nodes) >= MAX_NODES:
            self.full = True
            return
        node.parent, node.altered, node.look = parent, None, -1
        node.tag_name = intern(node.tag_name)
        if node.id > self.top_id:
            self.top_id = node.id
        self.nodes[node.id] = node
        self.content += shows_something(node)

    def _leave(self, top: Node) -> None:
        stack = [top]
        while stack:
            node = stack.pop()
            if self.nodes.get(node.id) is node:
                del self.nodes[node.id]
                if shows_something(node):
                    self.content -= 1
            if node.child_nodes:
                stack.extend(children_of(node))

    def _remove(self, node_id: int, delta: Delta) -> None:
        node = self.nodes.get(node_id)
        if node is None:
            delta.missing += 1
            return
        self._leave(node)
        parent: Node | None = node.parent
        node.parent = None
        if node.child_nodes:
            self._gone.append(node)
        delta.removed.append((node, parent))
        if parent is None:
            return
        siblings = parent.child_nodes
        if len(siblings) < _COMPACT_FROM:
            parent.child_nodes = [child for child in siblings if child is not node]

    def _add_all(self, adds: list[Added], delta: Delta) -> None:
        """Adds in as many rounds as parents need to arrive; what is left then has no parent."""
        waiting, came = adds, set[int]()
        while waiting:
            later = [added for added in waiting if not self._add(added, came, delta)]
            if len(later) == len(waiting):
                delta.missing += len(later)
                return
            waiting = later

    def _add(self, added: Added, came: set[int], delta: Delta) -> bool:
        parent = self.nodes.get(added.parent_id)
        if parent is None:
            return False
        old = self.nodes.get(added.node.id)
        if old is not None:
            self._remove(old.id, Delta())
            if added.parent_id not in self.nodes:
                return True  # it would have become its own ancestor
        _insert(parent, added)
        if added.node.child_nodes:
            self._enter(added.node, parent)
        else:
            self._enter_leaf(added.node, parent)
        came.add(added.node.id)
        if added.parent_id not in came:
            delta.roots.append(added.node)
        return True

    def _retext(self, node_id: int, value: str, delta: Delta) -> None:
        node = self.nodes.get(node_id)
        if node is None:
            delta.missing += 1
            return
        before = node.text_content or ""
        shown = shows_something(node)
        node.text_content = value
        self.content += shows_something(node) - shown
        delta.texts.append((node, before))

    def _reattribute(self, change: Reattributed, delta: Delta) -> None:
        node = self.nodes.get(change.id)
        if node is None:
            delta.missing += 1
            return
        current = attributes_of(node)
        before = {name: current.get(name) for name in change.attributes}
        for name, value in change.attributes.items():
            if name == "style" and isinstance(value, dict):
                value = restyle(current.get("style"), value)
            if value is None:
                current.pop(name, None)
            else:
                current[name] = value
        node.altered, node.look = current, -1
        delta.attributes.append((node, before, {name: current.get(name) for name in change.attributes}))


def shows_something(node: Node) -> bool:
    """Whether the node alone would put something on screen (its styles are not known)."""
    if node.type == NodeType.TEXT:
        text = node.text_content
        if not text or text.isspace():
            return False
        parent = node.parent
        return parent is None or parent.tag_name not in _UNSEEN_PARENTS
    return node.tag_name in CONTENT_TAGS


def restyle(before: Any, change: dict[str, Any]) -> str:
    """An inline style after rrweb's incremental style object: ``false`` removes, ``[v, "important"]`` sets."""
    parts = dict(_STYLE_PART.findall(before)) if isinstance(before, str) else {}
    for name, value in change.items():
        if value is False or value is None:
            parts.pop(name, None)
        else:
            parts[name] = str(value[0] if isinstance(value, list) and value else value)
    return ";".join(f"{name}:{value}" for name, value in parts.items())


def _insert(parent: Node, added: Added) -> None:
    """Puts the node before its next sibling where that is cheap to find, else last."""
    children = parent.child_nodes
    if not children:
        parent.child_nodes = [added.node]
        return
    if len(children) >= _COMPACT_FROM and (len(children) & (len(children) - 1)) == 0:
        children[:] = [child for child in children if child.parent is parent]
    if added.next_id is not None and len(children) < _COMPACT_FROM:
        for place, child in enumerate(children):
            if child.id == added.next_id:
                children.insert(place, added.node)
                return
    children.append(added.node)
