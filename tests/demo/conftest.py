import os
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Page, async_playwright

from retrospec.demo.shop import running_shop
from retrospec.domain.settings import ReplaySettings
from retrospec.replay.browser import find_browser, why_no_browser


@pytest.fixture
def shop_url() -> Iterator[str]:
    with running_shop("<!-- no snippet -->") as url:
        yield url


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    found = find_browser(ReplaySettings())
    if found is None:
        pytest.skip(why_no_browser(ReplaySettings()))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=found.path, chromium_sandbox=os.geteuid() != 0
        )
        page = await browser.new_page()
        page.set_default_timeout(10_000)
        yield page
        await browser.close()
