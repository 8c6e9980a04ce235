"""The Session page with a visit of several pages: what stands beside the player, and how the recording comes."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from retrospec.storage import tables
from retrospec.web.pages.stream import LINE_BYTES, picture_first, split_events
from tests.web.browsing import sign_in
from tests.web.conftest import Visit
from tests.web.seeding import PAY_KEY, PAY_SESSION, PROJECT
from tests.web.seeding_long import LONG, LONGER, add_piece, add_visit, change, long_start
from tests.web.serving import make_app, serving

HERE = f"/p/{PROJECT}/sessions"
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("long")


@pytest.fixture(scope="module")
def url(data: Path) -> Iterator[str]:
    """A server with a week of data and two long visits of one person."""
    start = long_start()

    async def fill(connection, blobs) -> None:  # type: ignore[no-untyped-def]
        await add_visit(connection, blobs, LONG, start)
        await add_visit(connection, blobs, LONGER, start + timedelta(minutes=30))

    app = make_app(data, filled=True)
    change(data, fill)
    with serving(app) as address:
        yield address


def opened(page: Page, address: str) -> Page:
    page.goto(address)
    page.wait_for_selector("#player[data-ready]")
    return page


def lines(page: Page, tab: str) -> list[str]:
    page.get_by_role("tab", name=tab).click()
    pane = page.get_by_role("tabpanel", name=tab)
    expect(pane.locator(".rows li").first).to_be_visible()
    return [" ".join(text.split()) for text in pane.locator(".rows li").all_inner_texts()]


def test_requests_stand_with_their_answers_and_a_bar_of_when_they_ran(page: Page, url: str) -> None:
    opened(page, f"{url}{HERE}/{LONG}").wait_for_selector("#player[data-whole]")
    assert lines(page, "Network") == ["0:00.6 200 GET /api/basket 300 ms", "0:02.2 500 POST /api/voucher 800 ms"]
    first, second = page.locator(".rows-bar-took").all()
    assert first.bounding_box()["x"] < second.bounding_box()["x"]  # type: ignore[index]
    page.get_by_label("Which requests").select_option("bad")
    assert lines(page, "Network") == ["0:02.2 500 POST /api/voucher 800 ms"]
    page.locator("#network-list li button").click()
    expect(page.locator("#clock")).to_have_text("0:02")


def test_the_replay_never_keeps_the_page_from_having_loaded(page: Page, url: str) -> None:
    def late(route: Route) -> None:
        page.wait_for_timeout(1_500)
        route.fulfill(content_type="image/svg+xml", body="<svg xmlns=\"http://www.w3.org/2000/svg\"/>")

    def with_a_picture(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("</body>", '<img src="/static/x/late.svg" alt=""></body>'))

    page.route("**/late.svg", late)
    page.route(f"**/{PAY_SESSION}", with_a_picture)
    page.goto(f"{url}{HERE}/{PAY_SESSION}", wait_until="load")
    page.wait_for_selector("#player[data-ready]")


def test_a_failed_request_that_only_its_failure_tells_of_stands_there_too(page: Page, url: str) -> None:
    opened(page, f"{url}{HERE}/{PAY_SESSION}").wait_for_selector("#player[data-whole]")
    assert lines(page, "Network") == ["0:06.3 500 POST /api/orders/8841/pay 902 ms"]


def test_console_lines_can_be_searched(page: Page, url: str) -> None:
    opened(page, f"{url}{HERE}/{LONG}").wait_for_selector("#player[data-whole]")
    assert lines(page, "Console") == ["0:02.2 warn voucher is nearly used up", "0:03.1 error voucher: unexpected answer"]
    page.get_by_role("searchbox", name="Search console lines").fill("unexpected")
    assert lines(page, "Console") == ["0:03.1 error voucher: unexpected answer"]


def test_changes_say_what_appeared_and_vitals_grade_each_page(page: Page, url: str) -> None:
    opened(page, f"{url}{HERE}/{LONG}").wait_for_selector("#player[data-whole]")
    assert lines(page, "Changes")[0] == "0:02.1 + p.toast, + text “One voucher was added”"
    page.get_by_role("tab", name="Vitals").click()
    assert page.locator("#vitals-rows tr").inner_text().split() == ["/basket", "1.8", "s", "good", "620", "ms", "poor", "0.02", "good"]


def test_it_says_what_the_page_had_that_no_replay_shows(page: Page, url: str) -> None:
    opened(page, f"{url}{HERE}/{LONG}").wait_for_selector("#player[data-whole]")
    expect(page.locator("#coverage-note")).to_have_text(re.compile("Not captured: 1 stylesheet of another site .*2 canvases"))


def test_idle_stretches_and_pages_are_on_the_time_line(page: Page, url: str) -> None:
    opened(page, f"{url}{HERE}/{LONG}").wait_for_selector("#player[data-whole]")
    expect(page.locator("#moments .page-start")).to_have_count(3)
    assert page.locator("#timeline .idle").count() == 4  # until 20 s, 31 s, 61 s, and the end


def test_a_picture_on_and_back_and_the_keys_are_told(page: Page, url: str) -> None:
    opened(page, f"{url}{HERE}/{LONG}").wait_for_selector("#player[data-whole]")
    replayed = page.frame_locator("#screen iframe")
    for _ in range(3):
        page.keyboard.press(".")
    expect(replayed.get_by_text("One voucher was added")).to_be_visible()
    page.keyboard.press(",")
    page.keyboard.press(",")
    expect(replayed.get_by_text("One voucher was added")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_text("one picture back or on")).to_be_visible()


def test_brackets_walk_to_the_neighbouring_sessions(page: Page, url: str) -> None:
    opened(page, f"{url}{HERE}/{LONG}")
    page.keyboard.press("]")
    page.wait_for_url(f"**/{LONGER}")
    page.wait_for_selector("#player[data-ready]")
    page.keyboard.press("[")
    page.wait_for_url(f"**/{LONG}")
    page.goto(f"{url}{HERE}/{PAY_SESSION}?issue={PAY_KEY}")
    page.get_by_role("navigation", name="Neighbouring sessions").get_by_role("link", name=re.compile("Earlier")).first.click()
    page.wait_for_url(re.compile(rf"{HERE}/s-07ab4|issue={PAY_KEY}"))


def test_a_far_moment_comes_first_and_the_rest_after_it(page: Page, url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.split("/stream?")[1]) if "/stream?" in request.url else None)
    opened(page, f"{url}{HERE}/{LONG}?t=63000")
    expect(page.frame_locator("#screen iframe").get_by_role("heading", name="Payment")).to_be_visible()
    page.wait_for_selector("#player[data-whole]")
    assert asked == ["at=61000", "start=0&end=3"]
    page.locator("#toggle").click()
    page.get_by_role("slider", name="Position").press("Home")
    expect(page.frame_locator("#screen iframe").get_by_role("heading", name="Your basket")).to_be_visible()
    assert lines(page, "Network")[0].startswith("0:00.6")


def test_the_stream_begins_at_the_piece_that_is_asked_for(url: str, visit: Visit) -> None:
    mara = visit(url)
    mara.sign_in()

    def asked(query: str) -> list[int]:
        told = mara.get(f"{HERE}/{LONG}/stream?{query}").text.splitlines()
        assert len(msgspec.json.decode(told[0])["pieces"]) == 4
        return [msgspec.json.decode(line)["n"] for line in told[1:]]

    assert asked("") == [0, 0, 1, 2, 3]  # its first picture alone, then what follows
    assert asked("start=1&end=3") == [1, 2]
    assert asked("at=45000") == [2, 2, 3]
    assert mara.get(f"{HERE}/nowhere/stream").status_code == 404


def test_a_large_piece_comes_in_several_lines_and_nothing_is_lost() -> None:
    events = [{"type": 3, "timestamp": n, "data": "x" * 50_000} for n in range(60)]
    inside = msgspec.json.encode(events)[1:-1]
    parts = split_events(inside)
    assert len(parts) > 4
    assert max(map(len, parts)) < 2 * LINE_BYTES
    assert msgspec.json.decode(b"[" + b",".join(parts) + b"]") == events


def test_a_visit_that_goes_on_is_watched_as_it_comes(browser: Browser, tmp_path: Path) -> None:
    start = long_start()
    app = make_app(tmp_path, filled=False)
    change(tmp_path, lambda connection, blobs: add_visit(connection, blobs, "s-now", start, stage="recording", most=2))
    with serving(app) as url:
        context = browser.new_context()
        page = context.new_page()
        sign_in(page, url)
        opened(page, f"{url}{HERE}/s-now")
        page.get_by_role("button", name="Live").click()
        expect(page.get_by_role("button", name="Live")).to_have_attribute("aria-pressed", "true")
        change(tmp_path, lambda connection, blobs: add_piece(connection, blobs, "s-now", start, 2))
        expect(page.frame_locator("#screen iframe").get_by_role("heading", name="Delivery")).to_be_visible(timeout=20_000)

        async def end(connection, _blobs) -> None:  # type: ignore[no-untyped-def]
            await add_piece(connection, _blobs, "s-now", start, 3)
            await connection.execute(tables.sessions.update().where(tables.sessions.c.id == "s-now").values(stage="done"))

        change(tmp_path, end)
        expect(page.get_by_role("button", name="Live")).to_be_hidden(timeout=20_000)
        context.close()


def test_the_first_line_ends_where_a_replay_can_begin() -> None:
    def each(*types: int) -> bytes:
        return b",".join(msgspec.json.encode({"type": kind, "timestamp": n}) for n, kind in enumerate(types))

    lines = picture_first(each(4, 2, 3, 3, 3))
    assert [msgspec.json.decode(b"[%b]" % line) for line in lines] == [
        [{"type": 4, "timestamp": 0}, {"type": 2, "timestamp": 1}, {"type": 3, "timestamp": 2}],
        [{"type": 3, "timestamp": 3}, {"type": 3, "timestamp": 4}],
    ]
    for whole in (each(3, 3), each(4, 2, 3), b""):
        assert picture_first(whole) == [whole]
