"""How long a person waits for stage 1: from the end of a visit to its report, on a server with nothing else to do."""

import time
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec

from retrospec.bench.figures import Figure, Note
from retrospec.bench.recordings import recording
from retrospec.bench.spawned import Spawned, spawned_server

ASKED_P95_MS = 2_000
POLL_S = 0.005
DEADLINE_S = 60.0
_AGO_MS = 120_000
_SETTINGS = {"CONFIRMATION_CHECKER": "none", "REPLAY_RENDER": "off", "CAPTURE_END_GRACE_SECONDS": "0"}


class Delay(msgspec.Struct, rename="camel"):
    """Milliseconds from the answer to the session's last call until its report is settled."""

    session_count: int
    size_bytes: int
    p50_ms: float
    p95_ms: float
    max_ms: float

    @property
    def line(self) -> str:
        """For people."""
        kept = "within" if self.p95_ms < ASKED_P95_MS else "past"
        return (
            f"{self.session_count} sessions of {self.size_bytes / 1e6:g} MB, one at a time: report after "
            f"p50 {self.p50_ms:.0f} ms, p95 {self.p95_ms:.0f} ms ({kept} {ASKED_P95_MS} ms), at most {self.max_ms:.0f} ms"
        )


def measure(*, sessions: int, size_bytes: int) -> Delay:
    """Sends sessions one after the other to a server of its own, each when the one before is settled."""
    with spawned_server(_SETTINGS) as server, httpx.Client(base_url=server.url, headers={"X-Retrospec-Key": server.key}) as client:
        _send(client, 0, size_bytes)  # what a first call loads is not counted
        waits = sorted(_send(client, number, size_bytes) for number in range(1, sessions + 1))
        _require_alive(server)
    return Delay(sessions, size_bytes, _at(waits, 0.5), _at(waits, 0.95), waits[-1])


def _at(waits: list[float], share: float) -> float:
    return waits[min(len(waits) - 1, int(len(waits) * share))]


def _send(client: httpx.Client, number: int, size_bytes: int) -> float:
    session_id = f"delay-{uuid.uuid4()}"
    started_ms = int(time.time() * 1000) - _AGO_MS
    events = msgspec.Raw(recording(number, size_bytes, started_ms))
    upload = {"sessionId": session_id, "site": "bench", "events": events}
    key = _post(client, "/v1/artifacts/session-events", upload)["eventsObjectKey"]
    about = {
        "id": session_id, "site": "bench", "route": "/tea", "durationMs": 60_000, "eventsObjectKey": key,
        "startedAt": datetime.fromtimestamp(started_ms / 1000, UTC).isoformat(),
    }  # fmt: skip
    failure = {"id": "m1", "kind": "js_exception", "label": f"TypeError: part {number} is undefined", "clusterKey": "", "replayOffsetMs": 900}
    _post(client, "/v1/ingest/session", {"session": about, "markers": [failure]})
    began = time.perf_counter()
    while time.perf_counter() - began < DEADLINE_S:
        card = client.get(f"/v1/sessions/{session_id}").json()["session"].get("reportCard", {})
        if card.get("status", "pending") != "pending":
            return (time.perf_counter() - began) * 1_000
        time.sleep(POLL_S)
    raise RuntimeError(f"{session_id} had no report after {DEADLINE_S:.0f} s")


def _post(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, content=msgspec.json.encode(body), timeout=DEADLINE_S)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def _require_alive(server: Spawned) -> None:
    if server.process.poll() is not None:
        raise RuntimeError("the server ended while it was measured")


def figures(note: Note) -> list[Figure]:
    """60 sessions of 0.5 MB: a minute."""
    delay = measure(sessions=60, size_bytes=500_000)
    note("sessions", 60, 60)
    beside = f"p50 {delay.p50_ms:.0f} ms, at most {delay.max_ms:.0f} ms; {delay.session_count} sessions of {delay.size_bytes / 1e6:g} MB, one at a time"
    return [Figure(name="report after a visit's end, p95", goal="< 2 s", reached=f"{delay.p95_ms:.0f} ms", is_met=delay.p95_ms < ASKED_P95_MS, beside=beside)]
