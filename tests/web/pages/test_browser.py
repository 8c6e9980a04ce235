"""The flows in a real Chromium."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from retrospec.domain.clock import to_epoch_ms, utc_now
from retrospec.domain.settings import Settings, StorageSettings
from tests.web.browsing import sign_in
from tests.web.seeding import PAY_KEY, PAY_SESSION, PROJECT
from tests.web.serving import EMAIL, PASSWORD, make_app, serving

pytestmark = pytest.mark.browser
SESSION = f"/p/{PROJECT}/sessions/{PAY_SESSION}"
PAGES = (
    f"/p/{PROJECT}/issues",
    f"/p/{PROJECT}/issues/{PAY_KEY}",
    f"/p/{PROJECT}/sessions",
    SESSION,
    f"/p/{PROJECT}/project",
    f"/p/{PROJECT}/sessions/nowhere",
    "/sign-in",
)


def opened(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("#player[data-ready]", timeout=15_000)


def clock_s(page: Page) -> int:
    minutes, seconds = page.locator("#clock").inner_text().split(":")
    return int(minutes) * 60 + int(seconds)


def test_from_the_issue_to_the_page_as_it_was_when_it_failed(page: Page, url: str) -> None:
    page.get_by_role("link", name=re.compile("Paying fails with")).click()
    page.get_by_role("link", name="Watch it happen").click()
    page.wait_for_selector("#player[data-ready]")
    replayed = page.frame_locator("#screen iframe")
    expect(replayed.get_by_text("We could not take your payment")).to_be_visible(timeout=15_000)
    expect(replayed.get_by_text("Maidenhair fern")).to_be_visible()


def test_a_click_on_a_failure_plays_from_two_seconds_before_it(page: Page, url: str) -> None:
    opened(page, url + SESSION)
    replayed = page.frame_locator("#screen iframe")
    expect(replayed.get_by_text("We could not take your payment")).to_have_count(0)
    page.locator("[data-tick]").nth(1).click()
    assert 8 <= clock_s(page) <= 9
    expect(page.locator("#toggle")).to_have_attribute("data-state", "playing")
    assert page.url.endswith("?t=10640")
    expect(replayed.get_by_text("We could not take your payment")).to_be_visible()


def test_the_moment_in_the_address_and_the_ticks_jump_too(page: Page, url: str) -> None:
    opened(page, f"{url}{SESSION}?t=10640")
    assert 8 <= clock_s(page) <= 10
    page.locator(".tick-mark").first.click()
    assert 5 <= clock_s(page) <= 6
    page.get_by_role("link", name="0:04", exact=True).first.click()
    assert 2 <= clock_s(page) <= 3


def test_the_time_line_is_a_slider_for_keys_and_pointer(page: Page, url: str) -> None:
    opened(page, url + SESSION)
    timeline = page.get_by_role("slider", name="Position")
    timeline.focus()
    page.keyboard.press("End")
    expect(timeline).to_have_attribute("aria-valuetext", "0:15 of 0:15")
    page.keyboard.press("ArrowLeft")
    expect(timeline).to_have_attribute("aria-valuetext", "0:10 of 0:15")
    page.keyboard.press("Home")
    expect(page.frame_locator("#screen iframe").get_by_text("We could not take")).to_have_count(0)


def test_the_replayed_page_runs_no_script_and_fetches_nothing(page: Page, url: str) -> None:
    outside: list[Request] = []
    page.on(
        "request",
        lambda request: None if request.url.startswith((url, "data:", "blob:")) else outside.append(request),
    )
    opened(page, f"{url}{SESSION}?t=7255")
    frame = page.locator("#screen iframe")
    assert frame.get_attribute("sandbox") == "allow-same-origin"
    expect(page.frame_locator("#screen iframe").locator("img")).to_have_count(1)
    page.get_by_role("tab", name="Changes").click()
    assert outside, "the recording refers to a stylesheet and pictures elsewhere"
    assert {request.failure for request in outside} == {"csp"}


def test_story_and_events_follow_and_steer_the_player(page: Page, url: str) -> None:
    opened(page, url + SESSION)
    page.get_by_role("tab", name="Story").click()
    page.get_by_role("link", name=re.compile("Clicked “Pay €64.80” button in Checkout form")).first.click()
    assert 4 <= clock_s(page) <= 5
    page.get_by_role("tab", name="Changes").click()
    page.get_by_label("Which events").select_option("page")
    expect(page.locator("#events-list li")).to_have_count(2)
    page.get_by_role("tab", name="Story").click()
    expect(page.locator("#pane-events")).to_be_hidden()


def test_typing_narrows_the_list_without_a_reload(page: Page, url: str) -> None:
    page.goto(f"{url}/p/proj_default/issues")
    page.evaluate("window.sameDocument = true")
    page.get_by_role("searchbox").fill("postcode")
    expect(page.locator(".issue-list .row")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?q=postcode$"))
    page.get_by_role("searchbox").fill("postcode nobody has")
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    assert page.evaluate("window.sameDocument") is True
    page.get_by_role("link", name="Clear the filters").click()
    expect(page.locator(".issue-list .row")).to_have_count(5)


@pytest.mark.parametrize("width", [360, 768])
def test_no_page_scrolls_sideways(page: Page, url: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 780})
    wide = []
    for address in PAGES:
        page.goto(url + address)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(address)
    assert wide == []


def test_everything_can_be_reached_by_keyboard_and_the_focus_is_seen(page: Page, url: str) -> None:
    page.goto(f"{url}/p/{PROJECT}/issues")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("(document.activeElement.textContent || document.activeElement.placeholder).trim()")
        )
        outlined = page.evaluate(
            "(() => { const e = document.activeElement;"
            " const at = (p) => parseFloat(getComputedStyle(e, p).outlineWidth) * (getComputedStyle(e, p).outlineStyle !== 'none');"
            " return at(null) > 0 || at('::after') > 0; })()"
        )
        assert outlined or page.evaluate("document.activeElement === document.body"), reached[-1]
    assert reached[0] == "Skip to content"
    for name in ("Sessions", "Dark", "Symptom, message, page, element, tag, person", "7 days"):
        assert name in reached
    assert any(text.startswith("Paying fails") for text in reached)


def test_the_theme_changes_at_once_and_stays(page: Page, url: str) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(paper)
    page.get_by_role("button", name="Dark").click()
    after = page.evaluate(paper)
    assert before != after
    page.goto(f"{url}/p/{PROJECT}/sessions")
    assert page.evaluate(paper) == after


def test_it_works_without_scripts(browser: Browser, url: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{url}/p/{PROJECT}/issues?kind=api_error")
    page.fill("[name=email]", EMAIL)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    assert page.url.endswith("issues?kind=api_error")
    page.get_by_role("link", name=re.compile("Paying fails")).click()
    page.get_by_label("Report").select_option("discarded")
    page.get_by_role("button", name="Apply").click()
    assert set(page.locator(".session-list .pill").all_inner_texts()) == {"Not confirmed"}
    page.goto(url + SESSION)
    expect(page.get_by_role("heading", name="Story")).to_be_visible()
    expect(page.locator("#screen-note span")).to_be_visible()
    context.close()


def test_the_first_session_shows_up_by_itself(browser: Browser, tmp_path: Path) -> None:
    with serving(make_app(tmp_path, filled=False)) as url:
        context = browser.new_context()
        page = context.new_page()
        sign_in(page, url)
        expect(page.get_by_text("Waiting for the first session")).to_be_visible()
        page.goto(f"{url}/p/{PROJECT}/project")
        expect(page.get_by_text("No session yet: waiting…")).to_be_visible()
        page.get_by_placeholder("What will use it").evaluate("field => field.closest('details').open = true")
        page.get_by_placeholder("What will use it").fill("half typed")
        send_a_session(tmp_path)
        expect(page.get_by_text("Sessions are arriving")).to_be_visible(timeout=10_000)
        expect(page.get_by_placeholder("What will use it")).to_have_value("half typed")
        context.close()


def send_a_session(folder: Path) -> None:
    path = Settings(storage=StorageSettings(dir=str(folder))).database_url.removeprefix("sqlite:///")
    now_ms = to_epoch_ms(utc_now())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO sessions (project_id, id, site, route, started_at, duration_ms, events_object_key,"
            " created_at, updated_at, stage, not_before) VALUES (?, 's-first', 'shop', '/', ?, 1000, '', ?, ?, 'analysis', ?)",
            (PROJECT, now_ms, now_ms, now_ms, now_ms),
        )
        connection.execute("INSERT INTO project_changes (project_id, number) VALUES (?, 1) ON CONFLICT DO UPDATE SET number = number + 1", (PROJECT,))
