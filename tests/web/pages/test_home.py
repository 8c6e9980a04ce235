"""Home answers "is anything on fire?" at a glance, and is where one lands."""

import re

import pytest
from playwright.sync_api import Page, expect

from retrospec.web.pages import charts
from retrospec.web.pages.home import Group, headline_of
from tests.web.conftest import Visit, Visitor
from tests.web.seeding import PROJECT

HOME = f"/p/{PROJECT}/home"


def _numbers(text: str) -> list[str]:
    return [re.sub(r"<[^>]+>", "", found).strip() for found in re.findall(r"<b>(.*?)</b>", text.split('class="glance"')[1].split("</ul>")[0], re.DOTALL)]


def test_one_lands_there(mara: Visitor) -> None:
    assert mara.get("/").url.path == HOME
    assert mara.get(f"/p/{PROJECT}/").url.path == HOME


def test_it_says_what_came_back_and_what_is_new_before_anything_else(mara: Visitor) -> None:
    text = mara.get(f"{HOME}?span=7d").text
    headline = re.search(r'class="headline" data-mood="bad">.*?</span>([^<]+)', text)
    assert headline is not None
    assert headline[1] == "1 issue came back and 4 issues are new, within 7 days."
    titles = re.findall(r'<h2 id="news-\w+">([^<]+)', text)
    assert titles == ["Came back", "New"]
    back = text.split('id="news-back"')[1].split("</section>")[0]
    assert "Paying fails with" in back
    assert "Came back in 2026.11.2" in back
    assert "The newsletter box" not in text  # resolved
    assert "Search suggestions" not in text  # muted


def test_it_counts_people_hit_healthy_visits_and_its_own_precision(mara: Visitor) -> None:
    people, healthy, open_issues, precision = _numbers(mara.get(f"{HOME}?span=7d").text)
    assert int(people) > 20
    assert 0 < int(healthy.removesuffix("\u202f%")) < 100
    assert open_issues == "5"
    assert 0 < int(precision.removesuffix("\u202f%")) <= 100


def test_releases_stand_on_the_time_line(mara: Visitor) -> None:
    text = mara.get(f"{HOME}?span=7d").text
    assert text.count('class="release-mark"') == 2
    assert "2026.11.2 first seen" in text


def test_the_live_part_answers_204_until_something_changes(fresh: str, visit: Visit) -> None:
    visitor = visit(fresh)
    visitor.sign_in()
    seen = re.search(r'hx-get="([^"]+seen=[^"]+)"', visitor.get(HOME).text)
    assert seen is not None
    again = visitor.get(seen[1].replace("&amp;", "&"), HX_Request="true")
    assert (again.status_code, again.content) == (204, b"")


def test_before_anything_arrived_it_shows_what_to_paste(empty_url: str, visit: Visit) -> None:
    visitor = visit(empty_url)
    visitor.sign_in()
    text = visitor.get(HOME).text
    assert "sdk.js" in text
    assert 'class="headline"' not in text


@pytest.mark.parametrize(
    ("counts", "open_count", "failed", "sentence", "mood"),
    [
        ({"back": 1, "new": 2, "growing": 1}, 9, 9, "1 issue came back, 2 issues are new and 1 issue is growing, within 24 hours.", "bad"),
        ({"growing": 3}, 3, 3, "3 issues are growing, within 24 hours.", "warm"),
        ({"top": 2}, 2, 5, "Nothing new within 24 hours. 2 issues are open.", "good"),
        ({}, 0, 2, "No open issue. 2 sessions had a failure that nobody else was seen to have.", "good"),
        ({}, 0, 0, "All quiet: no open issue.", "good"),
    ],
)
def test_the_headline(counts: dict[str, int], open_count: int, failed: int, sentence: str, mood: str) -> None:
    groups = [Group(name=name, title="", lines=[], more=count) for name, count in counts.items()]
    assert headline_of(groups, open_count, failed, charts.SPANS[0]) == (sentence, mood)


def test_a_phone_shows_the_answer_and_the_numbers_without_scrolling(page: Page, url: str) -> None:
    page.set_viewport_size({"width": 360, "height": 780})
    page.goto(url + HOME)
    expect(page.locator(".headline")).to_be_in_viewport(ratio=1)
    expect(page.locator(".glance")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
