"""A visit is watched while it goes on: its browser is asked to send soon, as long as somebody looks."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from retrospec.demo.product import Product, demo_settings, running_product
from retrospec.demo.shop import running_shop
from retrospec.domain.settings import CaptureSettings, Settings
from retrospec.domain.shipped import built_dir
from tests.web.browsing import chromium

pytestmark = pytest.mark.browser


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Product]:
    """The demo's, but a visit goes on while its person does nothing for a while, as with the defaults."""
    if not (built_dir() / "retrospec.js").is_file():
        pytest.skip("needs the built SDK")

    def patient(chosen: Settings, folder: Path, port: int) -> Settings:
        made = demo_settings(chosen, folder, port)
        made.capture.idle_seconds = CaptureSettings().idle_seconds
        return made

    monkeypatch.setattr("retrospec.demo.product.demo_settings", patient)
    settings = Settings()
    settings.confirmation.checker = "none"
    with running_product(settings, tmp_path / "data", 0, keep=False) as running:
        yield running


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def shows(visitor: Page, text: str) -> float:
    """Something happens on the visitor's page; when."""
    visitor.evaluate("(text) => document.body.append(Object.assign(document.createElement('p'), { textContent: text }))", text)
    return time.monotonic()


def is_asked_to_hurry(visitor: Page) -> bool:
    """Sends what there is; whether the answer tells that somebody looks."""
    with visitor.expect_response("**/v2/chunks*") as answer:
        visitor.evaluate("() => { document.title += '.'; return window.retrospec.flush() }")
    return "soonMs" in answer.value.json()


def test_what_happens_is_seen_within_seconds_and_the_page_stands_still(product: Product, browser: Browser) -> None:
    with running_shop(product.snippet("kettle-lane")) as shop_url:
        visitor = browser.new_context().new_page()
        visitor.goto(shop_url)
        visitor.wait_for_function("() => window.retrospec?.sessionId")
        visitor.evaluate("() => window.retrospec.flush()")  # else its first chunk comes after half a minute

        mara = browser.new_context(viewport={"width": 1280, "height": 700}).new_page()
        mara.goto(product.sign_in_url)
        mara.get_by_label("E-mail").fill("mara@shop.example")
        mara.get_by_label("Password").fill("three quiet kettles")
        mara.get_by_role("button", name="Create my account").click()
        mara.wait_for_url("**/home")
        mara.goto(f"{mara.url.partition('?')[0]}/sessions/{visitor.evaluate('() => window.retrospec.sessionId')}".replace("/home/", "/"))
        mara.wait_for_selector("#player[data-ready]")
        mara.get_by_role("button", name="Live").click()
        mara.evaluate("() => { window.sameDocument = true; scrollTo(0, 90) }")
        at = mara.evaluate("() => scrollY")

        replayed = mara.frame_locator("#screen iframe")
        told_by = time.monotonic() + 30
        while not is_asked_to_hurry(visitor):  # an unwatched page would ask by itself, every half minute
            assert time.monotonic() < told_by
        shows(visitor, "A first thing happened")
        expect(replayed.get_by_text("A first thing happened")).to_be_visible(timeout=15_000)
        for number in range(3):  # within half of the half minute after which an unwatched page sends
            since = shows(visitor, f"Thing {number} happened")
            expect(replayed.get_by_text(f"Thing {number} happened")).to_be_visible(timeout=15_000)
            print(f"seen after {time.monotonic() - since:.1f} s")
        assert mara.evaluate("() => [window.sameDocument, scrollY]") == [True, at]
