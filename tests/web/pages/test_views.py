"""Searches are kept under a name: for oneself or the project, and a list may open with one."""

import html
import re

from playwright.sync_api import Page, expect

from tests.web.conftest import Visit, Visitor
from tests.web.seeding import PAY_KEY, PROJECT

ISSUES = f"/p/{PROJECT}/issues"
HERE = f"{ISSUES}?q=route%3A%2Fcheckout&sort=people"


def save(visitor: Visitor, name: str, **more: str) -> str:
    fields = {"name": name, "section": "issues", "query": HERE.partition("?")[2], "back": HERE} | more
    answer = visitor.send(f"/p/{PROJECT}/views", HERE, **fields)
    assert answer.status_code == 200
    return answer.text


def chips(text: str) -> dict[str, str]:
    if 'aria-label="Views"' not in text:
        return {}
    part = text.split('aria-label="Views"')[1].split("</nav>")[0]
    return {name: html.unescape(url) for url, name in re.findall(r'href="([^"]+)"[^>]*>([^<]+)', part)}


def of_view(visitor: Visitor, do: str) -> str:
    text = visitor.get(HERE).text
    address = re.search(r'action="(/p/[^"]+/views/[^"]+)"', text)
    assert address is not None
    return visitor.send(address[1], HERE, section="issues", do=do, back=f"{ISSUES}?view=none").text


def test_a_search_is_kept_opened_first_and_removed(fresh: str, visit: Visit) -> None:
    mara = visit(fresh)
    mara.sign_in()
    assert chips(mara.get(ISSUES).text) == {}
    assert 'aria-current="true" title="Yours alone"' in save(mara, "Checkout")
    assert chips(mara.get(f"{ISSUES}?view=none").text)["Checkout"] == HERE
    of_view(mara, "open")
    assert str(mara.get(ISSUES).url).endswith(HERE)
    everything = chips(mara.get(HERE).text)["Everything"]
    assert mara.get(everything).text.count('class="row-title"') == 5
    of_view(mara, "open_not")
    assert mara.get(ISSUES).url.query == b""
    assert chips(of_view(mara, "remove")) == {}


def test_a_view_without_a_name_or_of_no_list_is_refused(mara: Visitor) -> None:
    for fields in ({"name": " ", "section": "issues"}, {"name": "x", "section": "nothing"}):
        assert mara.send(f"/p/{PROJECT}/views", HERE, query="", **fields).status_code == 400
    assert mara.send(f"/p/{PROJECT}/views/view_nothing", HERE, section="issues", do="remove").status_code == 404


def test_what_a_view_keeps_is_a_list_and_nothing_else(fresh: str, visit: Visit) -> None:
    mara = visit(fresh)
    mara.sign_in()
    text = save(mara, "Odd", query="q=pay&after=1~x&next=//elsewhere.example&view=none")
    assert chips(text)["Odd"] == f"{ISSUES}?q=pay"


def test_issues_are_found_by_what_happened_in_their_sessions(mara: Visitor) -> None:
    for asked in ("clicked:pay", "payment", "route:/checkout kind:api_error"):
        text = mara.client.get(ISSUES, params={"q": asked, "state": "all"}).text
        assert f'id="row-{PAY_KEY}"' in text, asked


def test_ticking_by_keyboard_gives_the_actions(page: Page, url: str) -> None:
    page.goto(url + ISSUES)
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator(".pick").first).to_be_checked()
    page.keyboard.press("m")
    expect(page.get_by_role("button", name="Resolve", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".pick").first).not_to_be_checked()


def test_a_change_arrives_without_taking_the_place_away(page: Page, url: str) -> None:
    page.goto(url + ISSUES)
    title = page.locator(".row-title").nth(1)
    title.focus()
    name = title.inner_text()
    title.evaluate("each => { each.dataset.keptMark = 'same element'; }")
    page.evaluate("document.querySelector('#issues-live').setAttribute('hx-get', location.pathname + '?seen=other')")
    page.evaluate("htmx.process(document.querySelector('#issues-live'))")
    with page.expect_response(lambda answer: "seen=other" in answer.url):
        page.evaluate("document.querySelector('#issues-live').dispatchEvent(new CustomEvent('refresh'))")
    expect(page.locator("#issues-live")).not_to_have_attribute("hx-get", re.compile("seen=other"))
    expect(page.locator("[data-kept-mark]")).to_be_focused()
    expect(page.locator("[data-kept-mark]")).to_have_text(name)
