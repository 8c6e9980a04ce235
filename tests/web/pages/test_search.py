"""Sessions are searched from one field, from menus and by address; typing never loses the field or the place."""

import html
import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Visitor
from tests.web.seeding import PAY_SESSION, PROJECT

SESSIONS = f"/p/{PROJECT}/sessions"


def titles(text: str) -> list[str]:
    return re.findall(r'class="row-title" id="visit-[^"]+"[^>]*>([^<]+)', text)


def ids(text: str) -> list[str]:
    return re.findall(r'id="visit-([^"]+)"', text)


@pytest.mark.parametrize(
    "asked",
    ["route:/checkout", 'kind:api_error route:"/checkout"', "payment", "error:pay", 'story:"could not take"', "has:failures route:checkout"],
)
def test_the_failing_payment_is_found_by_whatever_one_remembers(mara: Visitor, asked: str) -> None:
    assert PAY_SESSION in ids(mara.client.get(SESSIONS, params={"q": asked}).text)


def test_what_was_not_understood_is_told_and_the_rest_is_found(mara: Visitor) -> None:
    text = mara.client.get(SESSIONS, params={"q": "rout:/checkout duration:soon"}).text
    assert "There is no rout: to search by" in text
    assert "duration: wants a length such as" in text


def test_a_row_tells_what_was_found_in_it(mara: Visitor) -> None:
    text = mara.client.get(SESSIONS, params={"q": "clicked:pay"}).text
    assert PAY_SESSION in ids(text)
    assert re.search(r'class="row-why"><span>Pressed [^<]*pay', text)


def test_a_menu_adds_a_part_to_the_search_and_takes_it_away(mara: Visitor) -> None:
    text = mara.get(f"{SESSIONS}?q=route:checkout").text
    added = next(url for url in map(html.unescape, re.findall(r'href="(/p/[^"]+)"', text.split('id="facet-browser"')[1])) if "Safari" in url)
    assert "q=route%3Acheckout+browser%3ASafari" in added
    narrowed = mara.get(added).text
    assert 0 < len(ids(narrowed)) < len(ids(text))
    taken = next(url for url in map(html.unescape, re.findall(r'href="(/p/[^"]+)"', narrowed.split('id="facet-browser"')[1])) if "Safari" not in url)
    assert ids(mara.get(taken).text) == ids(text)


def test_links_of_before_still_lead_to_the_same(mara: Visitor) -> None:
    text = mara.get(f"{SESSIONS}?person=customer-20418&markers=yes").text
    assert 'value="person:customer-20418 has:failures"' in text
    assert ids(text)


def test_pages_of_what_was_found_follow_one_another(mara: Visitor) -> None:
    seen, path = [], f"{SESSIONS}?q=site:shop.example"
    while path:
        text = mara.get(path).text
        seen += ids(text)
        older = re.search(r'href="([^"]+)" rel="next"', text)
        path = html.unescape(older[1]) if older else ""
    assert len(seen) == len(set(seen)) > 80


def test_typing_narrows_the_list_and_keeps_the_field_and_the_address(page: Page, url: str) -> None:
    page.goto(url + SESSIONS)
    field = page.locator("#q")
    field.press_sequentially("route:/basket", delay=15)
    expect(page.locator(".visit-list .row-title").first).to_contain_text("/basket")
    expect(page).to_have_url(re.compile(r"q=route%3A%2Fbasket"))
    expect(field).to_be_focused()
    assert field.input_value() == "route:/basket"


def test_keys_walk_the_list_and_are_told(page: Page, url: str) -> None:
    page.goto(url + SESSIONS)
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".visit-list .row-title").nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator(".visit-list .row-title").nth(0)).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
