"""Small recordings written out by hand, event by event."""

import json
from datetime import UTC, datetime
from typing import Any

from retrospec.domain.marker import Marker, MarkerKind
from retrospec.domain.recording import Recording

EPOCH_MS = 1_700_000_000_000


def text(node_id: int, content: str) -> dict[str, Any]:
    return {"type": 3, "id": node_id, "textContent": content}


def element(node_id: int, tag: str, attributes: dict[str, Any] | None = None, *children: dict[str, Any]) -> dict[str, Any]:
    return {"type": 2, "id": node_id, "tagName": tag, "attributes": attributes or {}, "childNodes": list(children)}


def document(*body: dict[str, Any]) -> dict[str, Any]:
    return {"type": 0, "id": 1, "childNodes": [element(2, "html", {}, element(3, "head"), element(4, "body", {}, *body))]}


def event(event_type: int, t_ms: int, data: Any) -> dict[str, Any]:
    return {"type": event_type, "timestamp": EPOCH_MS + t_ms, "data": data}


def page(t_ms: int, *body: dict[str, Any], url: str = "https://shop.test/checkout") -> list[dict[str, Any]]:
    return [event(1, t_ms, {}), event(4, t_ms, {"href": url, "width": 800, "height": 600}), event(2, t_ms, {"node": document(*body)})]


def click(t_ms: int, node_id: int, x: int = 20, y: int = 20) -> dict[str, Any]:
    return event(3, t_ms, {"source": 2, "type": 2, "id": node_id, "x": x, "y": y})


def typed(t_ms: int, node_id: int, value: str = "***") -> dict[str, Any]:
    return event(3, t_ms, {"source": 5, "id": node_id, "text": value, "isChecked": False})


def mutation(t_ms: int, **changes: Any) -> dict[str, Any]:
    return event(3, t_ms, {"source": 0, "adds": [], "removes": [], "texts": [], "attributes": []} | changes)


def added(parent_id: int, node: dict[str, Any], next_id: int | None = None) -> dict[str, Any]:
    return {"parentId": parent_id, "nextId": next_id, "node": node}


def idle(t_ms: int) -> dict[str, Any]:
    return event(3, t_ms, {"source": 1, "positions": []})


def recording(*events: Any) -> Recording:
    flat: list[Any] = []
    for item in events:
        flat.extend(item) if isinstance(item, list) else flat.append(item)
    return Recording([json.dumps(flat).encode()])


def marker(kind: str, label: str, offset_ms: int = 0, evidence: Any = None, marker_id: str = "mk_1") -> Marker:
    return Marker(
        id=marker_id, project_id="proj", session_id="sess", kind=MarkerKind(kind), label=label, cluster_key=f"{kind}:x",
        replay_offset_ms=offset_ms, observed_at=datetime(2026, 1, 1, tzinfo=UTC), evidence=evidence,
    )  # fmt: skip
