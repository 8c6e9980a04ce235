"""Visitors whose browsers send as the SDK does: chunk after chunk, each kept and sent again until it is taken."""

import asyncio
import json
import random
import time
from collections import Counter

import httpx
import msgspec

from tests.analysis.recordings import document, element, text

STARTED_MS = int(time.time() * 1_000) - 3_600_000
"""When every visit began; an hour ago, so that nobody's clock is ahead."""
CHUNKS = 3
EVENTS = 4
RETRY_BASE_S, RETRY_MAX_S = 1.0, 60.0
"""As in sdk.js."""
TIMEOUT_S = 35.0
PAGE = document(element(10, "h1", {}, text(11, "Pay")), element(12, "p", {}, text(13, "Your basket holds three things and is ready to be paid.")))


class Told(msgspec.Struct):
    """What all visitors together were answered."""

    taken: int = 0
    refused_politely: int = 0
    """503 with ``Retry-After`` and a sentence."""
    unreachable: int = 0
    """No answer: a connection refused or cut."""
    wrong: Counter[str] = msgspec.field(default_factory=Counter)
    """Any other answer; there must be none."""
    sentences: Counter[str] = msgspec.field(default_factory=Counter)
    spooled: int = 0
    """Chunks that wait in browsers now."""
    most_spooled: int = 0


def chunk(name: str, seq: int) -> dict[str, object]:
    """The ``seq``-th chunk of the visit ``name``; the last one tells of a failure."""
    at = STARTED_MS + seq * 3_000
    first = [
        {"type": 4, "timestamp": at, "data": {"href": "https://shop.example/pay", "width": 800, "height": 600}},
        {"type": 2, "timestamp": at, "data": {"node": PAGE, "initialOffset": {"left": 0, "top": 0}}},
    ]
    moves = [{"type": 3, "timestamp": at + 10 + place, "data": {"source": 1, "positions": []}} for place in range(EVENTS - len(first))]
    failure = {"id": f"{name}-m", "at": at + 5, "kind": "js_exception", "label": "TypeError: cart is undefined", "evidence": {"message": "cart is undefined"}}
    return {
        "v": 2, "sessionId": name, "tabId": "t1", "visitorId": f"v-{name}", "seq": seq, "segment": 0, "site": "Shop", "route": "/pay",
        "url": "https://shop.example/pay", "startedAt": STARTED_MS, "sentAt": at + 1_000, "final": seq == CHUNKS - 1, "dropped": [],
        "events": [*first, *moves], "markers": [failure] if seq == CHUNKS - 1 else [],
    }  # fmt: skip


class Visitors:
    """Come at a steady rate, whatever the servers do, until told to stop."""

    def __init__(self, urls: list[str], key: str, *, a_second: float) -> None:
        self._urls, self._key, self._every_s = urls, key, 1 / a_second
        self.told = Told()
        self.names: list[str] = []
        self.taken: set[tuple[str, int]] = set()
        self._visits: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()

    async def come(self) -> None:
        """Until ``stop``; returns once every chunk of every visit was taken."""
        async with httpx.AsyncClient(timeout=TIMEOUT_S, limits=httpx.Limits(max_connections=200)) as http:
            while not self._over.is_set():
                self.names.append(f"visit-{len(self.names):05}")
                self._visits.add(asyncio.create_task(self._visit(http, self.names[-1])))
                try:
                    await asyncio.wait_for(self._over.wait(), self._every_s)
                except TimeoutError:
                    continue
            await asyncio.gather(*self._visits)

    def stop(self) -> None:
        """Nobody new comes; who is there still sends what is in the spool."""
        self._over.set()

    async def _visit(self, http: httpx.AsyncClient, name: str) -> None:
        for seq in range(CHUNKS):
            self.told.spooled += 1
            self.told.most_spooled = max(self.told.most_spooled, self.told.spooled)
            await self._see_taken(http, name, seq)
            self.told.spooled -= 1

    async def _see_taken(self, http: httpx.AsyncClient, name: str, seq: int) -> None:
        body, failures = json.dumps(chunk(name, seq)), 0
        while (asked_s := await self._send(http, body, hash((name, seq, failures)))) is not None:
            backoff_s = min(RETRY_BASE_S * 2**failures, RETRY_MAX_S) * (0.5 + random.random() / 2)
            failures += 1
            await asyncio.sleep(max(asked_s, backoff_s))
        self.taken.add((name, seq))

    async def _send(self, http: httpx.AsyncClient, body: str, place: int) -> float | None:
        """None when it was taken, else how long the server asks to wait."""
        url = self._urls[place % len(self._urls)]  # as a balancer before them would choose
        try:
            answer = await http.post(f"{url}/v2/chunks?key={self._key}", content=body, headers={"Content-Type": "text/plain"})
        except httpx.TransportError:
            self.told.unreachable += 1
            return 0.0
        if answer.status_code == 202:
            self.told.taken += 1
            return None
        wait_s = answer.headers.get("Retry-After", "")
        if answer.status_code == 503 and wait_s.isdigit() and answer.json().get("error"):
            self.told.refused_politely += 1
            self.told.sentences[answer.json()["error"][:90]] += 1
            return float(wait_s)
        self.told.wrong[f"{answer.status_code} {answer.text[:200]}"] += 1
        return 1.0
