"""Lists in a browser: rows that come while somebody reads wait, an issue shows what it looked like, keys walk and tick."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from retrospec.domain.clock import utc_now
from retrospec.storage import changes
from tests.web.seeding import PAY_KEY, PROJECT, add_session
from tests.web.seeding_long import change
from tests.web.seeding_strips import add_strips
from tests.web.serving import make_app, serving

HERE = f"/p/{PROJECT}"
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lists")


@pytest.fixture(scope="module")
def url(data: Path) -> Iterator[str]:
    """A week of data, with pictures of the issue that is on top."""
    app = make_app(data, filled=True)
    add_strips(data)
    with serving(app) as address:
        yield address


def arrive(data: Path, name: str) -> None:
    async def run(connection: Any, _blobs: Any) -> None:
        await add_session(connection, name, route="/just-now", started_at=utc_now() + timedelta(seconds=1), duration_ms=1_000)
        await changes._step(connection, [PROJECT])

    change(data, run)


def test_new_rows_wait_behind_a_button_while_somebody_reads_further_down(page: Page, url: str, data: Path) -> None:
    page.set_viewport_size({"width": 1280, "height": 500})
    page.goto(f"{url}{HERE}/sessions")
    page.evaluate("() => { window.sameDocument = true; scrollTo(0, 400) }")
    arrive(data, "s-fresh-1")
    button = page.get_by_role("button", name="1 new")
    expect(button).to_be_visible(timeout=20_000)
    assert page.evaluate("() => scrollY") == 400
    assert page.locator("#row-s-fresh-1").count() == 0
    button.click()
    expect(page.locator(".visit-list .row").first).to_have_id("row-s-fresh-1")
    expect(button).to_have_count(0)
    page.wait_for_function("() => scrollY === 0")
    assert page.evaluate("() => window.sameDocument")


def test_at_the_top_new_rows_come_by_themselves_and_the_focus_stays(page: Page, url: str, data: Path) -> None:
    page.goto(f"{url}{HERE}/sessions")
    third = page.locator(".visit-list .row-title").nth(2)
    third.focus()
    focused = page.evaluate("() => document.activeElement.id")
    arrive(data, "s-fresh-2")
    expect(page.locator(".visit-list .row").first).to_have_id("row-s-fresh-2", timeout=20_000)
    assert page.evaluate("() => document.activeElement.id") == focused


def test_an_issue_shows_what_it_looked_like_to_pointer_and_keys(page: Page, url: str) -> None:
    page.goto(f"{url}{HERE}/issues")
    row = page.locator(f".issue-list .row:has(a[href$='{PAY_KEY}'])")
    row.locator(".row-title").hover()
    preview = page.locator(".preview")
    expect(preview).to_be_visible()
    expect(preview.locator("img").first).to_have_js_property("complete", True)
    assert preview.locator("img").first.evaluate("(image) => image.naturalWidth") > 0
    expect(preview).to_contain_text("Seen on screen")
    box = preview.bounding_box()
    assert box is not None and box["y"] >= 0 and box["y"] + box["height"] <= 900
    page.keyboard.press("Escape")
    expect(preview).to_be_hidden()
    page.mouse.move(0, 0)
    titles = page.locator(".issue-list .row-title").all()
    for _ in range([title.get_attribute("href").endswith(PAY_KEY) for title in titles].index(True) + 1):  # type: ignore[union-attr]
        page.keyboard.press("j")
    expect(preview).to_be_visible()
    expect(preview.locator("img").first).to_be_visible()


def test_keys_walk_tick_act_search_and_open(page: Page, url: str) -> None:
    page.goto(f"{url}{HERE}/issues")
    ids = page.eval_on_selector_all(".issue-list .row-title", "(all) => all.map((one) => one.id)")
    here = "() => document.activeElement.id"
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate(here) == ids[1]
    page.keyboard.press("k")
    assert page.evaluate(here) == ids[0]
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.locator(".pick:checked").count() == 2
    page.keyboard.press("m")
    assert page.evaluate("() => document.activeElement.closest('#bulk') !== null")
    page.keyboard.press("Escape")
    assert page.locator(".pick:checked").count() == 0
    page.keyboard.press("/")
    assert page.evaluate(here) == "q"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    target = page.evaluate("() => document.activeElement.pathname")
    page.keyboard.press("o")
    page.wait_for_url(f"**{target}")
