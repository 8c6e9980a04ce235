"""Accepted means kept: a server killed in the middle of its work."""

import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from retrospec.bench.spawned import Spawned, spawned_server
from tests.conftest import marker, wait_for

SESSIONS = 200
KILLED_AFTER = 60
QUIET = {"REPLAY_RENDER": "off", "CONFIRMATION_CHECKER": "none"}
LABELS = ("TypeError: cart is undefined", "RangeError: too deep", "SyntaxError: no such token")


def _send(http: httpx.Client, number: int) -> bool:
    """Whether both calls of session ``number`` were answered with a 2xx."""
    name = f"crash-{number}"
    try:
        body = {"sessionId": name, "site": "Shop", "events": [{"type": 2}, {"type": 3}]}
        uploaded = http.post("/v1/artifacts/session-events", json=body)
        about = {
            "id": name, "site": "Shop", "route": "/", "startedAt": datetime.now(UTC).isoformat(), "durationMs": 5_000,
            "eventsObjectKey": uploaded.json()["eventsObjectKey"],
        }  # fmt: skip
        seen = marker(f"{name}-m", label=LABELS[number % len(LABELS)])
        return http.post("/v1/ingest/session", json={"session": about, "markers": [seen]}).status_code == 202
    except httpx.TransportError:
        return False


def _send_until_killed(server: Spawned) -> set[str]:
    """The sessions that were accepted before the server died under the rest."""
    accepted: set[str] = set()

    def send(number: int) -> None:
        if _send(http, number):
            accepted.add(f"crash-{number}")
        if len(accepted) >= KILLED_AFTER:
            server.process.kill()

    with (
        httpx.Client(base_url=server.url, headers={"X-Retrospec-Key": server.key}, timeout=30) as http,
        ThreadPoolExecutor(12) as senders,
    ):
        list(senders.map(send, range(SESSIONS)))
    return accepted


def _judged(http: httpx.Client, session_id: str) -> dict[str, Any] | None:
    answer = http.get(f"/v1/sessions/{session_id}")
    assert answer.status_code == 200, f"{session_id} was accepted and is gone: {answer.text}"
    session: dict[str, Any] = answer.json()["session"]
    return session if session["stage"] == "done" else None


def test_what_was_accepted_survives_a_kill_and_counts_once(tmp_path: Path) -> None:
    with spawned_server(QUIET, tmp_path) as server:
        key = server.key
        accepted = _send_until_killed(server)
        assert server.process.wait(10) == -signal.SIGKILL
    assert KILLED_AFTER <= len(accepted) < SESSIONS

    with (
        spawned_server(QUIET, tmp_path) as server,
        httpx.Client(base_url=server.url, headers={"X-Retrospec-Key": key}, timeout=30) as http,
    ):
        for session_id in accepted:
            session = wait_for(lambda named=session_id: _judged(http, named), 60)
            assert session["reportCard"]["status"] == "ready"
            assert [each["id"] for each in session["markers"]] == [f"{session_id}-m"]
            assert http.get(f"/v1/sessions/{session_id}/events").json()["events"] == [
                {"type": 2},
                {"type": 3},
            ]

        counted: list[str] = []
        for issue in http.get("/v1/issues?state=active").json()["issues"]:
            path = f"/v1/issues/{issue['key']}/sessions?limit=200&reportStatus=ready"
            members = [row["sessionId"] for row in http.get(path).json()["sessions"]]
            assert issue["sessionCount"] == len(members) == len(set(members))
            counted += members
        assert accepted <= set(counted)
        assert len(counted) == len(set(counted))
