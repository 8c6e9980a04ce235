"""A real Chromium for the pages' tests."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.chromium import chromium_path, no_chromium
from tests.web.serving import EMAIL, PASSWORD


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, or a skip that says what is missing."""
    path = chromium_path()
    if not path:
        pytest.skip(no_chromium())
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=sandbox)
        yield browser
        browser.close()


def sign_in(page: Page, url: str) -> None:
    """As the administrator of ``make_app``."""
    page.goto(f"{url}/sign-in")
    page.fill("[name=email]", EMAIL)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/home")
