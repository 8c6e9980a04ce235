"""What sets an issue's visits apart, on its page."""

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Visitor
from tests.web.seeding import PAY_KEY, PROJECT

ISSUES = f"/p/{PROJECT}/issues"


def test_what_was_pressed_before_is_told_and_what_came_after_is_not(mara: Visitor) -> None:
    text = mara.get(f"{ISSUES}/{PAY_KEY}/apart").text
    assert "Pressed “<b>pocket wallet</b>” before" in text
    assert "people who used button “Pay now” and were spared" in text
    assert "ask for help" not in text and "to checkout" not in text


def test_where_nothing_sets_them_apart_nothing_is_said(mara: Visitor) -> None:
    answer = mara.get(f"{ISSUES}/ui_no_effect:aa00bb11cc22/apart")
    assert (answer.status_code, answer.text.strip()) == (200, "")
    assert mara.get(f"{ISSUES}/none:such/apart").status_code == 404


@pytest.mark.browser
def test_the_page_brings_it_once_and_keeps_it_while_other_parts_change(page: Page, url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/apart") else None)
    page.goto(f"{url}{ISSUES}/{PAY_KEY}")
    row = page.get_by_role("row", name="Pressed “pocket wallet” before")
    expect(row).to_be_visible()
    page.locator("#status").select_option("ready")
    expect(page.locator(".row-sure", has_text="Not confirmed")).to_have_count(0)
    expect(row).to_be_visible()
    assert len(asked) == 1
