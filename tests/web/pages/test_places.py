"""The Places page: what comes to nothing where, and a page's clicks over its own snapshot."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Visitor
from tests.web.seeding import PROJECT

PLACES = f"/p/{PROJECT}/places"


def rows(text: str, table: str) -> list[str]:
    body = text.split(f'id="{table}"', 1)[1].split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in body.split("</tr>")[:-1]]


def test_it_tells_pages_fields_and_endpoints_with_the_people_they_hit(mara: Visitor) -> None:
    text = mara.get(PLACES).text
    assert rows(text, "clicks-title") == ["/checkout 17 48"]
    assert rows(text, "fields-title") == ["Postcode /checkout/address patternMismatch 8 4 50 %"]
    assert rows(text, "calls-title") == ["POST /api/orders/\u2026/pay shop.example 17 36 48 75 %"]


def test_a_shorter_time_counts_less_and_an_empty_project_says_so(mara: Visitor) -> None:
    day = rows(mara.get(f"{PLACES}?span=24h").text, "clicks-title")
    assert day[0].startswith("/checkout 5 10")
    assert "No request failed" in mara.get("/p/proj_studio/places").text


def test_without_scripts_a_page_lists_what_was_clicked_and_where_to_watch_it(mara: Visitor) -> None:
    text = mara.get(f"{PLACES}/page?route=/checkout").text
    assert rows(text, "controls-title") == ["button \u201cPay \u20ac64.80\u201d 17 24 0", "a part of the page without a name 17 0 24"]
    assert re.search(r'href="/p/proj_default/sessions/[^"]+\?t=12919"', text)
    assert mara.get(f"{PLACES}/page?route=/nowhere").status_code == 404
    assert mara.get(f"{PLACES}/page").status_code == 404


@pytest.mark.browser
def test_the_clicks_lie_on_the_page_as_it_was(page: Page, url: str) -> None:
    page.goto(url + PLACES)
    page.get_by_role("link", name="/checkout").click()
    page.wait_for_selector("#heat[data-ready]")
    replayed = page.frame_locator("#heat iframe")
    expect(replayed.get_by_text("Maidenhair fern")).to_be_visible()
    assert page.locator("#heat circle").count() == 48
    button = replayed.get_by_role("button", name=re.compile("Pay")).bounding_box()
    marks = [mark.bounding_box() for mark in page.locator("#heat circle[data-sort=rage]").all()]
    assert button is not None
    centres = [(m["x"] + m["width"] / 2, m["y"] + m["height"] / 2) for m in marks if m]
    assert all(abs(y - button["y"] - button["height"] / 2) < 60 for _, y in centres)
    assert page.locator("#heat iframe").get_attribute("sandbox") == "allow-same-origin"
