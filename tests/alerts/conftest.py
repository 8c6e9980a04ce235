"""A webhook's receiver on the loopback address, and visitors that meet failures."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import msgspec
import pytest

from retrospec.domain.clock import to_epoch_ms, utc_now
from retrospec.domain.issue import IssueState
from retrospec.domain.settings import Settings
from retrospec.domain.workflow import FixIn
from retrospec.shapes.alerts import Alert, AlertFacts
from retrospec.storage import triage
from retrospec.storage.database import Connection, Database
from retrospec.storage.projects import DEFAULT_PROJECT_ID
from retrospec.storage.triage import Triage

KEY = "a long random text for the tests"


def as_published(body: bytes) -> Any:
    """The message, which must be what the published schema describes and nothing beside."""
    msgspec.json.decode(body, type=Alert)
    told, names = json.loads(body), {field.encode_name for field in msgspec.structs.fields(AlertFacts)}
    for event in told["events"]:
        assert set(event["facts"]) <= names, "a fact that docs/alert.v1.schema.json does not know"
    return told


class Receiver:
    """Keeps every request; ``answer`` decides what it is answered with (None: the connection is cut)."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[], int | None] = lambda: 204
        self.has_come = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                receiver.has_come.set()
                status = receiver.answer()
                if status is None:
                    return
                self.send_response(status)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """Every event of every request, in order."""
        told = [event for _, body in self.got for event in as_published(body)["events"]]
        return [event for event in told if name in ("", event["event"])]

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    listening = Receiver()
    yield listening
    listening.close()


def visit(
    url: str, key: str, name: str, *, release: str, fails: bool = True, started_ms: int = 0, browser: str = ""
) -> None:
    """One finished visit of a person of their own, with a failed payment or without."""
    started = started_ms or to_epoch_ms(utc_now()) - 3_000
    pay = {"tag": "button", "role": "button", "name": "Pay now", "selector": "#pay"}
    evidence = {"signal": "http_error", "method": "POST", "url": "https://shop.example/api/pay", "status": 500, "control": pay}
    failure = {"id": f"{name}-m", "at": started + 2_000, "kind": "api_error", "label": "POST /api/pay 500", "evidence": evidence}
    body = {
        "v": 2, "sessionId": name, "tabId": "t", "visitorId": f"visitor-{name}", "seq": 0, "segment": 0,
        "site": "shop", "route": "/checkout", "url": "https://shop.example/checkout", "startedAt": started,
        "sentAt": to_epoch_ms(utc_now()), "events": page_with_a_click(started, fails=fails), "markers": [failure] if fails else [],
        "release": release, "final": True, "client": {"userAgent": browser},
    }  # fmt: skip
    answer = httpx.post(f"{url}/v2/chunks", json=body, headers={"X-Retrospec-Key": key}, timeout=30)
    assert answer.status_code == 202, answer.text


def page_with_a_click(started: int, *, fails: bool) -> list[dict[str, Any]]:
    """A recorded page with a button "Pay now", clicked once, that then says how it went."""
    said = "We could not take your payment. Please try again." if fails else "Thank you, your order is placed."
    sentence = {"type": 2, "id": 6, "tagName": "p", "attributes": {"role": "alert"} if fails else {}, "childNodes": []}
    words = {"type": 3, "id": 7, "textContent": said}
    adds = [{"parentId": 3, "nextId": None, "node": sentence}, {"parentId": 6, "nextId": None, "node": words}]
    shown = {"source": 0, "adds": adds, "removes": [], "texts": [], "attributes": []}
    text = {"type": 3, "id": 5, "textContent": "Pay now"}
    button = {"type": 2, "id": 4, "tagName": "button", "attributes": {"id": "pay"}, "childNodes": [text]}
    body = {"type": 2, "id": 3, "tagName": "body", "attributes": {}, "childNodes": [button]}
    html = {"type": 2, "id": 2, "tagName": "html", "attributes": {}, "childNodes": [body]}
    document = {"type": 0, "id": 1, "childNodes": [html]}
    click = {"source": 2, "type": 2, "id": 4, "x": 5, "y": 5}
    return [
        {"type": 4, "timestamp": started, "data": {"href": "https://shop.example/checkout", "width": 800, "height": 600}},
        {"type": 2, "timestamp": started + 5, "data": {"node": document, "initialOffset": {"left": 0, "top": 0}}},
        {"type": 3, "timestamp": started + 1_900, "data": click},
        {"type": 3, "timestamp": started + 2_100, "data": shown},
        {"type": 3, "timestamp": started + 2_900, "data": {"source": 3, "id": 1, "x": 0, "y": 1}},
    ]


def in_database(settings: Settings, work: Callable[[Connection], Coroutine[Any, Any, Any]]) -> Any:
    """``work`` in a transaction of its own, beside the running server."""

    async def run() -> Any:
        database = Database.open(settings.database_url)
        async with database.write() as connection:
            found = await work(connection)
        await database.close()
        return found

    return asyncio.run(run())


def resolve(settings: Settings, issue_key: str, *, fix_in: FixIn, release: str = "", seen: str = "active") -> None:
    """As a person resolves it in the dashboard."""
    decision = Triage(state=IssueState.RESOLVED, assignee="", note="", fix_in=fix_in, fix_release=release)

    async def decide(connection: Connection) -> bool:
        return await triage.set_triage(
            connection, DEFAULT_PROJECT_ID, issue_key, decision, seen_state=IssueState(seen), now=utc_now(), author="Mara"
        )

    assert in_database(settings, decide)
