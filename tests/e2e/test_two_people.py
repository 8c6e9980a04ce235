"""The main job: two people meet a failure, a developer watches it happen."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from retrospec.demo.drive import drive, launch
from retrospec.demo.inspection import wait_for_reports
from retrospec.demo.product import Product, running_product
from retrospec.demo.shop import running_shop
from retrospec.demo.visitors import FAULTY_VISITS
from retrospec.domain.settings import Settings
from retrospec.domain.shipped import built_dir
from retrospec.replay.browser import find_browser

pytestmark = pytest.mark.browser
FOUND = find_browser(Settings().replay)
PEOPLE = [visitor for visitor in FAULTY_VISITS if visitor.fault == "coupon-crash"]


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    if FOUND is None or not (built_dir() / "retrospec.js").is_file():
        pytest.skip("needs a Chromium and the built SDK")
    settings = Settings()
    settings.confirmation.checker = "none"
    with running_product(settings, tmp_path / "data", 0, keep=False) as running:
        yield running


@pytest.fixture
def shop_url(product: Product) -> Iterator[str]:
    with running_shop(product.snippet("kettle-lane")) as url:
        yield url


async def _set_up_account(page: Page, product: Product) -> None:
    await page.goto(product.sign_in_url)
    await page.get_by_label("E-mail").fill("mara@shop.example")
    await page.get_by_label("Password").fill("three quiet kettles")
    await page.get_by_role("button", name="Create my account").click()


def _seconds(clock: str) -> int:
    minutes, seconds = clock.split(":")
    return int(minutes) * 60 + int(seconds)


async def test_two_profiles_share_one_issue_and_its_session_shows_the_page_as_it_was(
    product: Product, shop_url: str
) -> None:
    assert FOUND is not None
    made = await drive(FOUND.path, shop_url, PEOPLE, lambda: None)
    wait_for_reports(product, [visit.session_id for visit in made], lambda: None)

    async with async_playwright() as playwright:
        browser = await launch(playwright, FOUND.path)
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(20_000)
        await _set_up_account(page, product)
        await page.goto(product.url)
        await page.get_by_role("link", name="Issues", exact=True).first.click()

        rows = page.locator(".issue-list .row")
        await expect(rows).to_have_count(1)
        await expect(rows).to_contain_text("2 people")
        await rows.get_by_role("link").first.click()

        sessions = page.locator(".session-list .row-title")
        await expect(sessions).to_have_count(2)
        await sessions.first.click()
        await page.wait_for_selector("#player[data-ready]")

        failure = page.locator("[data-tick]").first
        moment_s = _seconds(re.findall(r"\d+:\d\d", await failure.inner_text())[0])
        await failure.click()
        clock_s = _seconds(await page.locator("#clock").inner_text())
        assert moment_s - 3 <= clock_s <= moment_s
        replayed = page.frame_locator("#screen iframe")
        await expect(replayed.get_by_role("heading", name="Your basket")).to_be_visible()
        await expect(replayed.get_by_role("button", name="Go to checkout")).to_be_visible()
        await expect(replayed.get_by_text("Your coupon SPRING is waiting")).to_be_visible()
        await browser.close()
