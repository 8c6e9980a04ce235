"""Small recordings written by hand: the events a recorder would send for a page of a few nodes."""

import json
from typing import Any

from retrospec.domain.finding import Finding, Standing
from retrospec.domain.marker import SIGNAL_KINDS, Evidence, MarkerKind, Signal
from retrospec.domain.recording import Recording

ZERO = 1_700_000_000_000
Node = dict[str, Any]


class Tape:
    """Events in the making; ``t`` counts milliseconds from the first."""

    def __init__(self, *body: Node, style: str = "", width: int = 800, height: int = 600, head: tuple[Node, ...] = ()) -> None:
        self.events: list[dict[str, Any]] = []
        self.size = (width, height)
        self.load(0, *body, style=style, head=head)

    def load(self, t: int, *body: Node, style: str = "", head: tuple[Node, ...] = (), href: str = "https://shop.test/") -> "Tape":
        self.add(t, 4, {"href": href, "width": self.size[0], "height": self.size[1]})
        sheet = el("style", {}, text(style, 3), id=4)
        page = el("html", {}, el("head", {}, sheet, *head, id=5), el("body", {}, *body, id=6), id=2)
        root = {"type": 0, "childNodes": [{"type": 1, "name": "html", "publicId": "", "systemId": "", "id": 7}, page], "id": 1}
        return self.add(t, 2, {"node": root, "initialOffset": {"left": 0, "top": 0}})

    def add(self, t: int, kind: int, data: dict[str, Any]) -> "Tape":
        self.events.append({"type": kind, "timestamp": ZERO + t, "data": data})
        return self

    def click(self, t: int, node_id: int, x: int, y: int) -> "Tape":
        for offset, kind in ((-80, 1), (-10, 0), (0, 2)):
            self.add(t + offset, 3, {"source": 2, "type": kind, "id": node_id, "x": x, "y": y, "pointerType": 0})
        return self

    def move(self, t: int, x: int, y: int, node_id: int = 6) -> "Tape":
        return self.add(t, 3, {"source": 1, "positions": [{"x": x, "y": y, "id": node_id, "timeOffset": 0}]})

    def append(self, t: int, parent_id: int, node: Node) -> "Tape":
        return self.mutate(t, adds=flat(parent_id, node))

    def remove(self, t: int, parent_id: int, node_id: int) -> "Tape":
        return self.mutate(t, removes=[{"parentId": parent_id, "id": node_id}])

    def attribute(self, t: int, node_id: int, **attributes: str | None) -> "Tape":
        return self.mutate(t, attributes=[{"id": node_id, "attributes": attributes}])

    def mutate(self, t: int, **changes: Any) -> "Tape":
        return self.add(t, 3, {"source": 0, "texts": [], "attributes": [], "removes": [], "adds": [], **changes})

    def recording(self) -> Recording:
        return Recording([json.dumps(self.events).encode()])


def flat(parent_id: int, node: Node) -> list[Node]:
    """A recorder sends each added node by itself, without its children."""
    alone = {"parentId": parent_id, "nextId": None, "node": {**node, "childNodes": []} if "childNodes" in node else node}
    return [alone, *(entry for child in node.get("childNodes", []) for entry in flat(node["id"], child))]


def el(tag: str, attributes: dict[str, Any], *children: Node, id: int) -> Node:
    return {"type": 2, "tagName": tag, "attributes": attributes, "childNodes": list(children), "id": id}


def text(words: str, id: int) -> Node:
    return {"type": 3, "textContent": words, "id": id}


def button(words: str, *, id: int, style: str = "") -> Node:
    look = f"position:absolute;left:100px;top:100px;width:120px;height:40px;{style}"
    return el("button", {"style": look}, text(words, id + 1), id=id)


def finding(t_ms: int, signal: Signal = Signal.DEAD_CLICK, name: str = "f1", **evidence: Any) -> Finding:
    return Finding(
        id=name,
        signal=signal,
        kind=SIGNAL_KINDS.get(signal, MarkerKind.UI_NO_EFFECT),
        t_ms=t_ms,
        standing=Standing.UNSEEN,
        confidence=0.7,
        evidence=Evidence(signal=signal, **evidence),
    )
