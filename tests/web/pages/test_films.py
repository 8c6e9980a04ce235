"""Films on the session page: asked for with and without scripts, made in the background, played and sought."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from retrospec.domain.settings import ReplaySettings, Settings, StorageSettings
from retrospec.domain.shipped import built_dir
from retrospec.replay.found import find_browser
from tests.conftest import serving as whole_server
from tests.web.browsing import sign_in
from tests.web.conftest import Visit, Visitor
from tests.web.seeding import PAY_SESSION, PROJECT
from tests.web.serving import make_app, serving

SESSION = f"/p/{PROJECT}/sessions/{PAY_SESSION}"
FILMS = f"{SESSION}/films"
needs_browser = pytest.mark.skipif(
    find_browser(ReplaySettings()) is None or not (built_dir() / "replay.js").is_file(),
    reason="needs a Chromium and the built replayer",
)


@needs_browser
def test_without_scripts_a_film_is_asked_for_and_waits_its_turn(mara: Visitor) -> None:
    landed = mara.send(FILMS, SESSION, film="replay_video")
    assert landed.url.path == SESSION
    assert "Waiting for its turn" in landed.text
    part = mara.get(FILMS, HX_Request="true")
    assert "<html" not in part.text and 'data-live="1"' in part.text
    again = re.search(r'hx-get="([^"]+)"', part.text)
    assert again is not None
    assert mara.get(again[1].replace("&amp;", "&"), HX_Request="true").status_code == 204, "nothing is new"


@needs_browser
def test_a_clip_that_is_no_longer_offered_is_refused_in_a_sentence(mara: Visitor) -> None:
    refused = mara.send(FILMS, SESSION, film="clip-1")
    assert refused.status_code == 400 and "no longer suspected" in refused.text
    assert mara.send(f"/p/{PROJECT}/sessions/nowhere/films", SESSION, film="replay_video").status_code == 404


def test_where_nothing_can_film_the_page_says_why_and_has_no_button(
    tmp_path: Path, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(tmp_path, filled=True)
    app.state.settings.replay.render = "off"
    with serving(app) as url:
        mara = visit(url)
        mara.sign_in()
        page = mara.get(SESSION).text
        assert "Replaying is switched off (replay.render is off)." in page
        assert "Make this film" not in page
        assert mara.send(FILMS, SESSION, film="replay_video").status_code == 400


@pytest.fixture
def whole_url(tmp_path: Path) -> Iterator[str]:
    """The whole product over a week of data, its projector too."""
    make_app(tmp_path, filled=True)
    settings = Settings(storage=StorageSettings(dir=str(tmp_path)))
    settings.server.port = 0
    settings.replay.width, settings.replay.height = 640, 360
    with whole_server(settings) as server:
        yield server.url


@needs_browser
@pytest.mark.browser
def test_a_film_appears_without_a_reload_plays_and_seeks(whole_url: str, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    try:
        sign_in(page, whole_url)
        page.goto(whole_url + SESSION)
        page.get_by_role("tab", name="Files").click()
        page.evaluate("window.notReloaded = true")
        page.locator("#films button").first.click()
        video = page.locator("#films video")
        expect(video).to_be_visible(timeout=60_000)
        assert page.evaluate("window.notReloaded")
        played = video.evaluate(
            """video => new Promise((done, fail) => {
                video.muted = true;
                video.onerror = () => fail(video.error.message);
                video.ontimeupdate = () => video.currentTime > 0.2 && done([video.duration, video.videoWidth]);
                video.play();
            })"""
        )
        assert played == [pytest.approx(15.1, abs=0.1), 640]
        sought = video.evaluate(
            "video => new Promise(done => { video.pause(); video.onseeked = () => done(video.currentTime); video.currentTime = 12 })"
        )
        assert sought == 12
    finally:
        page.close()
        context.close()
