"""The SDK records a real page; the site goes down; the replay still looks as the visitor saw it."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from retrospec.accounts.links import create_user
from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings
from retrospec.domain.shipped import built_dir
from retrospec.serving import snippet
from retrospec.storage import assets, sessions
from retrospec.storage.database import Database
from retrospec.storage.projects import DEFAULT_PROJECT_ID
from tests.conftest import make_key, serving, settings_for, wait_for
from tests.vault import looks
from tests.web.browsing import chromium, sign_in
from tests.web.serving import EMAIL, PASSWORD

pytestmark = pytest.mark.browser
PAGE = """<!doctype html><title>Looks</title><link rel="stylesheet" href="css/./../css/site.css#top">{snippet}{snippet}
<style>body {{ margin: 0 }} img, div {{ position: absolute; top: 0; width: 100px; height: 100px; overflow: hidden }}</style>
<img src="/no-picture.png" alt="" style="left: 600px"><img src="pages/../logo.png?token=Zk3mq0Tn8xW2LcV5#whole" alt=""><div id="ground" style="left: 100px"></div><div id="words" style="left: 200px">AA</div>"""


@contextmanager
def site(page: str) -> Iterator[str]:
    """A site that serves the page and its looks, for the length of the block."""
    contents = {urlsplit(url).path: kept for url, kept in looks.CONTENTS.items()} | {"/": ("text/html", page.encode())}
    contents["/no-picture.png"] = ("image/png", b"the vault refuses this one, and goes on")

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body = contents.get(urlsplit(self.path).path, ("text/plain", b""))
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "max-age=60")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def in_database(settings: Settings, session_id: str) -> tuple[int, int]:
    """Addresses in the vault and events of a session."""

    async def read() -> tuple[int, int]:
        database = Database.open(settings.database_url)
        async with database.read() as connection:
            mapped = await assets.of_session(connection, DEFAULT_PROJECT_ID, session_id)
            session = await sessions.find(connection, DEFAULT_PROJECT_ID, session_id)
        await database.close()
        return len(mapped), session.event_count if session else 0

    with ThreadPoolExecutor(1) as thread:  # the browser's own loop runs in this one
        return thread.submit(asyncio.run, read()).result()


async def add_person(settings: Settings) -> None:
    database = Database.open(settings.database_url)
    await create_user(database, email=EMAIL, name="Mara", password=PASSWORD, is_admin=True, now=utc_now())
    await database.close()


def test_a_replay_looks_as_the_visitor_saw_it_once_the_site_is_gone(tmp_path: Path) -> None:
    if not (built_dir() / "retrospec.js").is_file():
        pytest.skip("the SDK is not built: python hatch_build.py")
    settings = settings_for(tmp_path)
    with serving(settings) as server:
        asyncio.run(add_person(settings))
        key = make_key(settings)
        seen, shown = recorded_and_shown(settings, server.url, key)
    colors = (looks.RED, looks.GREEN, looks.BLUE)
    shares = [[looks.area(picture, color) / looks.area(picture, looks.RED) for color in colors] for picture in (seen, shown)]
    assert all(shares[0]), "the page itself shows all three"
    assert shares[1] == pytest.approx(shares[0], rel=0.1)


def recorded_and_shown(settings: Settings, server_url: str, key: str) -> tuple[bytes, bytes]:
    """The page as it was, and as the player shows it once its site is gone."""
    with chromium() as browser:
        with site(PAGE.format(snippet=snippet(server_url, key))) as url:
            visit = browser.new_page(viewport={"width": 800, "height": 500})
            visit.goto(url)
            visit.wait_for_function("window.retrospec && retrospec.sessionId")
            session_id = visit.evaluate("retrospec.sessionId")
            seen = visit.screenshot()
            wait_for(lambda: in_database(settings, session_id)[0] >= 3)
            visit.evaluate("retrospec.flush()")
            wait_for(lambda: in_database(settings, session_id)[1] >= 2)
            visit.close()
        page = browser.new_page(viewport={"width": 1440, "height": 1000}, reduced_motion="reduce")
        sign_in(page, server_url)
        page.goto(f"{server_url}/p/{DEFAULT_PROJECT_ID}/sessions/{session_id}")
        page.wait_for_selector("#player[data-ready]")
        expect(page.frame_locator("#screen iframe").locator("#words")).to_have_text("AA")
        page.wait_for_function("document.querySelector('#screen iframe').contentDocument.fonts.status === 'loaded'")
        page.wait_for_load_state("networkidle")
        shown = page.locator("#screen").screenshot()
        expect(page.locator("#looks-note")).to_have_text("Not stored with this session, so not shown: 2 pictures of the page.")
        page.close()
    return seen, shown
