"""The doctor's own patient: a made-up session through a server of its own, from front door to report."""

import asyncio
import copy
import tempfile
import time
from typing import Any

import httpx

from retrospec.accounts.keys import mint_key
from retrospec.checkup import Check, Level
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import RetroSpecError
from retrospec.domain.settings import Settings
from retrospec.serving import start_server
from retrospec.storage.database import Database
from retrospec.storage.projects import DEFAULT_PROJECT_ID

DEADLINE_S = 60.0
REMEDY = "The server's log would say more: start `retrospec serve` and send a session; restart or reinstall."


def walk(settings: Settings) -> Check:
    """Whether a session sent today would end in a report. Uses a folder of its own, and these settings but for stage 2."""
    with tempfile.TemporaryDirectory(prefix="retrospec-doctor-") as scratch:
        own = copy.deepcopy(settings)
        own.storage.dir, own.database.url, own.blobs.url, own.backup.every_hours = scratch, "", "", 0.0
        own.server.host, own.server.port, own.server.public_url, own.server.log_level = "127.0.0.1", 0, "", "error"
        own.analysis.provider, own.confirmation.checker = "heuristic", "none"
        own.worker.sweep_seconds = 0.2
        started = time.monotonic()
        try:
            server = start_server(own)
            try:
                status = _send(server.url, asyncio.run(_key(own)))
            finally:
                server.stop()
        except (RetroSpecError, httpx.HTTPError, OSError) as error:
            return Check("session", Level.PROBLEM, f"A made-up session got no report: {error}.", REMEDY)
    if status != "ready":
        return Check("session", Level.PROBLEM, f"A made-up session with an exception ended as {status!r}, not as ready.", REMEDY)
    told = f"A made-up session was taken in, judged and counted, {time.monotonic() - started:.1f} s with the start."
    return Check("session", Level.OK, told)


async def _key(settings: Settings) -> str:
    database = Database.open(settings.database_url)
    scopes = frozenset({"ingest", "read"})
    _, secret = await mint_key(database, project_id=DEFAULT_PROJECT_ID, name="doctor", scopes=scopes, now=utc_now())
    await database.close()
    return secret


def _send(url: str, key: str) -> str:
    """The report's status, or how far it came."""
    with httpx.Client(base_url=url, headers={"X-Retrospec-Key": key}, timeout=10) as http:
        events = [{"type": 4, "timestamp": 1, "data": {"href": "https://shop.example/", "width": 800, "height": 600}}, {"type": 3, "timestamp": 2, "data": {}}]
        uploaded = http.post("/v1/artifacts/session-events", json={"sessionId": "doctor", "site": "Doctor", "events": events})
        uploaded.raise_for_status()
        session = {
            "id": "doctor", "site": "Doctor", "route": "/", "startedAt": utc_now().isoformat(), "durationMs": 5_000,
            "eventsObjectKey": uploaded.json()["eventsObjectKey"],
        }  # fmt: skip
        marker = {"id": "m", "clusterKey": "", "label": "TypeError: doctor", "replayOffsetMs": 1_000, "kind": "js_exception"}
        http.post("/v1/ingest/session", json={"session": session, "markers": [marker]}).raise_for_status()
        deadline, found = time.monotonic() + DEADLINE_S, {}
        while time.monotonic() < deadline:
            found = _session(http)
            if found["stage"] in ("done", "dead"):
                break
            time.sleep(0.05)
        return str(found.get("reportCard", {}).get("status", "pending"))


def _session(http: httpx.Client) -> dict[str, Any]:
    answer = http.get("/v1/sessions/doctor")
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()["session"]
    return found
