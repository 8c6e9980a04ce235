"""The hostile recordings in the player page: not one script runs, not one request leaves."""

import asyncio
import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page

from retrospec.capture.compress import compress
from retrospec.domain.settings import Settings
from retrospec.serving import RunningServer
from retrospec.storage.blobs import Blobs, blob_key
from tests.conftest import Client
from tests.security.conftest import _people, in_database
from tests.security.hostile import HARMLESS_ALONE, PAGES, SEAL, nodes_of, page_of, recording
from tests.security.hostile import _snapshot as snapshot
from tests.web.browsing import chromium

pytestmark = pytest.mark.browser
WAIT_MS = 20_000
PROJECT = "proj_default"


class Listener:
    """Where the recordings want to call."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.hits: list[str] = []


@contextmanager
def listening() -> Iterator[Listener]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            listener.hits.append(self.path.strip("/"))
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Content-Type", "text/javascript")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    listener = Listener(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield listener
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with listening() as found:
        yield found


@pytest.fixture(scope="module")
def login(server: RunningServer, settings: Settings) -> str:
    return str(in_database(settings, _people)["instance"])


@pytest.fixture(scope="module")
def browser(server: RunningServer, login: str, client: Client) -> Iterator[Browser]:
    """After the fixtures that run a loop of their own: Playwright's runs in this thread from here on."""
    with chromium() as found:
        yield found


@pytest.fixture
def window(browser: Browser, server: RunningServer, login: str) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.add_cookies([{"name": "retrospec_login", "value": login, "url": server.url}])
    yield context
    context.close()


def test_the_corpus_does_bite_where_there_are_no_walls(browser: Browser, listener: Listener) -> None:
    tame = []
    for name in PAGES.keys() - HARMLESS_ALONE:
        page = browser.new_page()
        page.goto(f"{listener.home}/empty")
        listener.hits.clear()
        page.evaluate("html => { document.open(); document.write(html); document.close(); }", page_of(name, listener.home))
        if (trap := page.locator("#trap")).count():
            page.wait_for_timeout(50)
            trap.first.dispatch_event("click")
        until = time.monotonic() + 2
        while name not in " ".join(listener.hits) and time.monotonic() < until:
            page.wait_for_timeout(20)
        if name not in " ".join(listener.hits):
            tame.append(name)
        page.close()
    assert tame == []


def upload(client: Client, session_id: str, events: list[dict[str, Any]]) -> str:
    sent = client.upload(session_id, events)
    assert sent.status_code == 201, sent.text
    key = str(sent.json()["eventsObjectKey"])
    assert client.ingest(session_id, key=key, durationMs=20_000).status_code == 202
    return key


def opened(page: Page, server: RunningServer, session_id: str) -> None:
    page.goto(f"{server.url}/p/{PROJECT}/sessions/{session_id}")
    page.wait_for_selector("#player[data-ready]", timeout=WAIT_MS)


def test_not_one_script_runs_and_not_one_request_leaves(
    window: BrowserContext, server: RunningServer, client: Client, listener: Listener
) -> None:
    upload(client, "hostile", recording(listener.home, 1_763_900_000_000))
    page, asked, dialogs = window.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    window.on("page", lambda other: dialogs.append(f"a window: {other.url}"))
    listener.hits.clear()
    opened(page, server, "hostile")
    here = page.url
    page.locator("#speed").select_option("4")
    if page.locator("#toggle").get_attribute("data-state") != "playing":
        page.locator("#toggle").click()
    replayed = page.frame_locator("#screen iframe")
    replayed.get_by_text(SEAL).wait_for(timeout=WAIT_MS)
    assert page.evaluate("typeof window.bitten") == "undefined"
    assert page.evaluate("typeof ({}).bitten") == "undefined"
    assert page.evaluate("typeof document.querySelector('#screen iframe').contentWindow?.bitten") == "undefined"
    sandbox = page.locator("#screen iframe").get_attribute("sandbox")
    assert sandbox is not None and "allow-scripts" not in sandbox
    assert (page.url.partition("?")[0], dialogs, listener.hits) == (here.partition("?")[0], [], [])
    left = [url for url in asked if url.startswith("http") and not url.startswith(server.url)]
    # what the browser refused by policy it lists as asked for; the listener above never heard of it
    assert listener.hits == [], left
    page.close()


def test_a_redacted_replay_is_the_same_but_for_the_redacted_words(
    window: BrowserContext, server: RunningServer, client: Client, settings: Settings
) -> None:
    style = "body{margin:0;font:16px sans-serif}p{width:500px;height:24px;padding:0 8px;overflow:hidden;background:#eee;margin:8px}.card{background:linear-gradient(#fff,#abc);width:300px;height:80px}.x4242424242424242{color:red}"
    secrets = ["ada@fern.example", "4242 4242 4242 4242", "Bearer abcdefghijklmnop0123456789", "DE89370400440532013000"]
    harmless = ["Order 123456 of 2026", "v1.2.3 on logo@2x.png", "#a1b2c3 rgb(10, 20, 30)", "12,450.00 EUR"]
    lines = "".join(f"<p class='secret'>{text}</p>" for text in secrets) + "".join(f"<p>{text}</p>" for text in harmless)
    svg = "<svg width=100 height=60><path d='M4242424242424242 0 L50 50 L4 42 Z M10 10 h30 v30 z'/></svg>"
    events = snapshot(nodes_of(f"<style>{style}</style>{lines}<div class='card'>{svg}</div>", 10), 1_763_900_000_000)
    events.append({"type": 3, "data": {"source": 1, "positions": [{"x": 1, "y": 1, "id": 5, "timeOffset": 0}]}, "timestamp": 1_763_900_002_000})
    upload(client, "redacted", events)
    key = upload(client, "plain", events)
    stored = compress(msgspec.json.encode(events))
    writing = threading.Thread(target=lambda: asyncio.run(Blobs.open(settings.blobs_url).put(blob_key(key), stored)))
    writing.start()
    writing.join()
    shots = []
    for session_id in ("redacted", "plain"):
        page = window.new_page()
        opened(page, server, session_id)
        frame = page.frame_locator("#screen iframe")
        frame.get_by_text("Order 123456").wait_for(timeout=WAIT_MS)
        words = frame.locator("body").inner_text()
        assert ("ada@fern.example" in words) == (session_id == "plain")
        assert all(text in words for text in harmless)
        shots.append(frame.locator("html").screenshot(mask=[frame.locator(".secret")], animations="disabled"))
        page.close()
    assert _pixels(shots[0]) == _pixels(shots[1])


def _pixels(png: bytes) -> bytes:
    picture = Image.open(io.BytesIO(png))
    return picture.convert("RGB").tobytes()
