"""Recorded visits, for machines without a browser: made by the same script, sent with fresh ids and times.

One file per visitor in ``visits/``: JSON, zstd-compressed, with the shop's address as it was then
replaced by ``SHOP``.
"""

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import zstandard

from retrospec.demo.inspection import Met
from retrospec.demo.product import Product
from retrospec.domain.clock import from_epoch_ms, to_epoch_ms, utc_now
from retrospec.domain.ids import new_id

VISITS_DIR = Path(__file__).parent / "visits"
SHOP = "http://shop.invalid"
SITE = "kettle-lane"
MAX_VISIT_BYTES = 20_000_000
_GAPS = re.compile(r"[^a-z0-9]+")


class RecordedMarker(msgspec.Struct, rename="camel"):
    """A marker as the SDK sent it."""

    kind: str
    label: str
    replay_offset_ms: int
    evidence: Any = None


class RecordedVisit(msgspec.Struct, rename="camel"):
    """One visitor's whole session."""

    visitor: str
    fault: str
    route: str
    duration_ms: int
    markers: list[RecordedMarker]
    events: list[dict[str, Any]]


def recorded_visits() -> list[RecordedVisit]:
    """All that were shipped, in the order of their file names."""
    unpacked = (_unpacked(path) for path in sorted(VISITS_DIR.glob("*.json.zst")))
    return [msgspec.json.decode(text, type=RecordedVisit) for text in unpacked]


def _unpacked(path: Path) -> bytes:
    return zstandard.ZstdDecompressor().decompress(path.read_bytes(), max_output_size=MAX_VISIT_BYTES)


def save_visit(product: Product, session_id: str, met: Met, shop_url: str) -> Path:
    """Fetch a session back from the server and keep it as a recorded visit."""
    session = product.get(f"/v1/sessions/{quote(session_id)}")["session"]
    visit = RecordedVisit(
        visitor=met.visitor,
        fault=met.fault,
        route=session["route"],
        duration_ms=session["durationMs"],
        markers=[
            RecordedMarker(marker["kind"], marker["label"], marker["replayOffsetMs"], marker.get("evidence"))
            for marker in session["markers"]
            if marker["source"] == "sdk"
        ],
        events=product.get(f"/v1/sessions/{quote(session_id)}/events")["events"],
    )
    text = msgspec.json.encode(visit).replace(shop_url.encode(), SHOP.encode())
    path = VISITS_DIR / f"{_file_stem(met)}.json.zst"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zstandard.compress(text, 19))
    return path


def _file_stem(met: Met) -> str:
    plain = unicodedata.normalize("NFKD", met.visitor).encode("ascii", "ignore").decode().lower()
    return f"{met.fault or 'healthy'}--{_GAPS.sub('-', plain).strip('-')}"


def send_recorded(
    product: Product, visits: list[RecordedVisit], shop_url: str, on_visit: Callable[[], None]
) -> dict[str, Met]:
    """Send ``visits`` as if they ended just now; who each session was, by its new id."""
    met: dict[str, Met] = {}
    for visit in visits:
        session_id = new_id("demo")
        _send(product, session_id, visit, shop_url)
        met[session_id] = Met(visit.visitor, visit.fault)
        on_visit()
    return met


def _send(product: Product, session_id: str, visit: RecordedVisit, shop_url: str) -> None:
    start_ms = to_epoch_ms(utc_now()) - visit.duration_ms - 1_000
    moved = start_ms - visit.events[0]["timestamp"]
    here = msgspec.json.decode(
        msgspec.json.encode(visit).replace(SHOP.encode(), shop_url.encode()), type=RecordedVisit
    )
    events = [{**event, "timestamp": event["timestamp"] + moved} for event in here.events]
    uploaded = product.post(
        "/v1/artifacts/session-events", {"sessionId": session_id, "site": SITE, "events": events}
    )
    session = {
        "id": session_id, "site": SITE, "route": here.route, "startedAt": from_epoch_ms(start_ms).isoformat(),
        "durationMs": here.duration_ms, "eventsObjectKey": uploaded["eventsObjectKey"],
    }  # fmt: skip
    product.post(
        "/v1/ingest/session",
        {"session": session, "markers": [_wire_marker(m, session_id, n) for n, m in enumerate(here.markers)]},
    )


def _wire_marker(marker: RecordedMarker, session_id: str, number: int) -> dict[str, Any]:
    return {
        "id": f"{session_id}-m{number}", "clusterKey": f"{marker.kind}:{marker.label}", "label": marker.label,
        "kind": marker.kind, "replayOffsetMs": marker.replay_offset_ms, "evidence": marker.evidence,
    }  # fmt: skip
