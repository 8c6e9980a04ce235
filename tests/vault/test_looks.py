"""A page whose site is gone keeps its pictures, fonts and styles: in the player and before the renderer's camera."""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from playwright.sync_api import Page, expect

from retrospec.accounts.links import create_user
from retrospec.capture.compress import decompress
from retrospec.domain.clock import utc_now
from retrospec.domain.recording import Recording
from retrospec.domain.settings import ReplaySettings, Settings
from retrospec.replay.browser import find_browser
from retrospec.replay.chromium import Chromium
from retrospec.replay.stage import Stage
from retrospec.replay.timeline import Size, read_timeline
from retrospec.storage import recordings, sessions
from retrospec.storage.blobs import Blobs, blob_key
from retrospec.storage.database import Database
from retrospec.storage.projects import DEFAULT_PROJECT_ID
from retrospec.vault.store import Vault
from tests.conftest import Client, make_key, serving, settings_for
from tests.vault import looks
from tests.web.browsing import chromium, sign_in
from tests.web.serving import EMAIL, PASSWORD

pytestmark = pytest.mark.browser
WITH, WITHOUT = "with-assets", "without-assets"


async def add_person(settings: Settings) -> None:
    database = Database.open(settings.database_url)
    await create_user(database, email=EMAIL, name="Mara", password=PASSWORD, is_admin=True, now=utc_now())
    await database.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Settings]]:
    """A server with the same page twice: once with what the SDK sends for the vault, once without."""
    settings = settings_for(tmp_path_factory.mktemp("vault"))
    with serving(settings) as server:
        key = make_key(settings)
        asyncio.run(add_person(settings))
        client = Client(server, key)
        for name in (WITH, WITHOUT):
            sent = client.http.post("/v2/chunks", content=looks.chunk_body(name))
            assert sent.status_code == 202, sent.text
        missing = client.http.post("/v2/assets/known", content=looks.known_body(WITH)).json()["missing"]
        for kind, content in looks.CONTENTS.values():
            assert looks.digest(content) in missing
            kept = client.http.post("/v2/assets", params={"sha256": looks.digest(content), "type": kind}, content=content)
            assert kept.status_code == 201, kept.text
        assert client.http.post("/v2/assets/known", content=looks.known_body(WITH)).json() == {"missing": []}
        client.http.close()
        yield server.url, settings


@pytest.fixture(scope="module")
def window(filled: tuple[str, Settings]) -> Iterator[Page]:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 1000}, reduced_motion="reduce")
        sign_in(page, filled[0])
        yield page
        page.close()


def played(page: Page, url: str, session_id: str) -> bytes:
    """The player's screen once the page is shown."""
    page.goto(f"{url}/p/{DEFAULT_PROJECT_ID}/sessions/{session_id}")
    page.wait_for_selector("#player[data-ready]")
    replayed = page.frame_locator("#screen iframe")
    expect(replayed.locator("#words")).to_have_text("AA")
    page.evaluate("document.querySelector('#screen iframe').contentDocument.fonts.ready.then(() => 0)")  # asking again and again would be eval, which the page forbids
    page.wait_for_load_state("networkidle")
    return page.locator("#screen").screenshot()


def test_the_player_shows_picture_background_and_font_of_a_site_that_is_gone(window: Page, filled: tuple[str, Settings]) -> None:
    bare, dressed = played(window, filled[0], WITHOUT), played(window, filled[0], WITH)
    assert [looks.area(bare, color) for color in (looks.RED, looks.GREEN)] == [0, 0]
    picture, ground = (looks.area(dressed, color) for color in (looks.RED, looks.GREEN))
    assert picture > 2_000
    assert ground == pytest.approx(picture, rel=0.05), "both are squares of 100 pixels"
    assert looks.area(dressed, looks.BLUE) == pytest.approx(picture * 0.32, rel=0.1), "two letters of 40 by 40"
    assert looks.area(bare, looks.BLUE) == 0


def test_the_session_page_says_what_of_the_looks_is_missing(window: Page, filled: tuple[str, Settings]) -> None:
    played(window, filled[0], WITH)
    expect(window.locator("#looks-note")).to_contain_text("1 picture")
    played(window, filled[0], WITHOUT)
    expect(window.locator("#looks-note")).to_contain_text("2 pictures")
    expect(window.locator("#looks-note")).to_contain_text("1 stylesheet")


async def photographed(settings: Settings, session_id: str) -> bytes:
    """What the renderer's camera sees at 3 s."""
    database, blobs = Database.open(settings.database_url), Blobs.open(settings.blobs_url)
    async with database.read() as connection:
        session = await sessions.find(connection, DEFAULT_PROJECT_ID, session_id)
        rows = await recordings.of_session(connection, DEFAULT_PROJECT_ID, session_id)
    assert session is not None
    chunks = [decompress(blobs.get_here(blob_key(row.object_key)), max_bytes=1 << 24) for row in rows]
    recording = await Vault(settings, database, blobs).dress(session, Recording(chunks))
    found = find_browser(ReplaySettings())
    assert found is not None
    browser = Chromium(found)
    await browser.start()
    try:
        async with Stage(browser, read_timeline(recording), Size(800, 600), 1.0, hover=False) as stage:
            await stage.seek(3_000)
            return await stage.picture()
    finally:
        await browser.stop()
        await database.close()


def test_the_renderer_photographs_them_too(filled: tuple[str, Settings]) -> None:
    with ThreadPoolExecutor(1) as thread:  # the player's browser runs a loop in this one
        bare, dressed = (
            thread.submit(asyncio.run, photographed(filled[1], name)).result() for name in (WITHOUT, WITH)
        )
    assert [looks.area(bare, color) for color in (looks.RED, looks.GREEN, looks.BLUE)] == [0, 0, 0]
    assert looks.area(dressed, looks.RED) == pytest.approx(10_000, abs=400)
    assert looks.area(dressed, looks.GREEN) == pytest.approx(10_000, abs=400)
    assert looks.area(dressed, looks.BLUE) == pytest.approx(80 * 40, abs=200)


def test_a_content_is_served_to_people_of_the_project_alone_and_can_do_nothing(window: Page, filled: tuple[str, Settings]) -> None:
    url, below = filled[0], f"{filled[0]}/p/{DEFAULT_PROJECT_ID}/sessions"
    sheet = looks.digest(looks.STYLESHEET)
    served = window.request.get(f"{below}/{WITH}/assets/{sheet}")
    assert served.status == 200
    assert served.headers["content-type"].startswith("text/css")
    assert served.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert served.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in served.headers["cache-control"]
    font, ground = (looks.digest(looks.CONTENTS[f"{looks.SITE}/{name}"][1]) for name in ("css/fonts/block.ttf", "ground.png"))
    text = served.text()
    assert f'url("{font}")' in text
    assert f"url({ground})" in text
    assert "elsewhere.example" not in text
    assert window.request.get(f"{below}/{WITHOUT}/assets/{sheet}").status == 404, "of a session that doesn't refer to it"
    assert window.request.get(f"{below}/{WITH}/assets/{'0' * 64}").status == 404
    stranger = httpx.get(f"{below}/{WITH}/assets/{sheet}")
    assert (stranger.status_code, stranger.headers["location"].startswith("/sign-in")) == (303, True)
    raw = window.request.get(f"{below}/{WITH}/events.json?form=raw").text()
    assert f"{looks.SITE}/css/site.css" in raw, "what is downloaded is the recording as it was stored"
    assert url not in raw


def test_time_line_and_list_show_deeds_requests_and_console_beside_the_picture(window: Page, filled: tuple[str, Settings]) -> None:
    played(window, filled[0], WITH)
    marks = window.locator("#moments .moment")
    expect(marks).to_have_count(4)  # two requests, a console line and the click; the page's own start is drawn otherwise
    expect(window.locator("#moments .moment[data-bad]")).to_have_count(2)
    expect(window.locator("#moments .page-start")).to_have_count(1)
    window.get_by_role("tab", name="Network").click()
    rows = window.locator("#network-list li")
    expect(rows).to_have_text([re.compile(r"200.*GET /api/teas.*31 ms"), re.compile(r"500.*POST /api/pay.*120 ms")])
    expect(rows.nth(1)).to_have_attribute("data-bad", "")
    window.locator("#timeline").press("Home")
    for _ in range(2):
        window.keyboard.press("ArrowRight")
    expect(rows.nth(1)).to_have_attribute("data-now", "")
    window.get_by_role("tab", name="Console").click()
    lines = window.locator("#console-list li")
    expect(lines).to_have_text([re.compile("error.*Payment failed")])
    expect(lines.first).to_have_attribute("data-now", "")
    window.locator("h1").click()
    window.keyboard.press(">")
    expect(window.locator("#speed")).to_have_value("2")
    window.keyboard.press("<")
    expect(window.locator("#speed")).to_have_value("1")
