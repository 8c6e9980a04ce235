"""Worse ground: a missing second part, a server down for long, jumping clocks, huge pages, frameworks' own complaints."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.collector import Collector

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


def test_without_its_second_part_errors_still_arrive_and_that_is_counted(page: Page, visit: Visit, collector: Collector) -> None:
    page.route("**/sdk-more.mjs*", lambda route: route.abort())
    visit()
    page.click("#throws")
    evidence = collector.wait_for_label("nowhere is not defined")["evidence"]
    assert evidence["control"]["tag"] == "button" and evidence["control"]["nodeId"] > 0
    page.evaluate("new Promise((done) => setTimeout(done, 2500)).then(() => retrospec.flush())")
    page.click("#works")
    page.evaluate("retrospec.flush()")
    assert collector.dropped()["second_part"] == 1


def test_a_second_part_of_another_build_is_not_used(page: Page, visit: Visit, collector: Collector) -> None:
    body = "export const BUILD = 'older'; export const install = () => { throw new Error('installed') };"
    page.route("**/sdk-more.mjs*", lambda route: route.fulfill(body=body, content_type="text/javascript"))
    visit()
    page.evaluate("new Promise((done) => setTimeout(done, 2500)).then(() => retrospec.flush())")
    page.click("#works")
    page.evaluate("retrospec.flush()")
    assert collector.dropped()["second_part"] == 1
    assert "sdk_fault" not in collector.dropped()


def test_what_happens_before_the_second_part_is_judged_when_it_comes(page: Page, visit: Visit, collector: Collector) -> None:
    held: list[Any] = []
    page.route("**/sdk-more.mjs*", lambda route: held.append(route))
    visit()
    for _ in range(3):
        page.click("#dead")
    page.click("#works", click_count=3)
    page.fill("input[type=email]", "ada")
    page.click("input[type=submit]")
    page.wait_for_timeout(1_500)
    assert held and collector.markers == []
    held[0].continue_()
    assert collector.wait_for_label("Rage click on button “Pay now”")["evidence"]["control"]["name"] == "Pay now"
    assert collector.wait_for_label("E-mail: typeMismatch")["at"] < collector.chunks[-1]["sentAt"] - 1_000
    assert not any("Add one" in label for label in collector.labels())


def test_ten_minutes_of_a_failing_server_cost_little_and_lose_no_marker(page: Page, visit: Visit, collector: Collector) -> None:
    collector.answer = lambda chunk: (500, {})
    page.clock.install()
    visit()
    page.click("#throws")
    for _ in range(40):
        page.clock.run_for(15_000)
        page.evaluate("document.querySelector('#count').textContent = Math.random()")
    asked = len([line for line in collector.methods if "/v2/chunks" in line])
    assert 3 <= asked <= 60
    collector.answer = None
    until = time.monotonic() + 20
    while not collector.markers and time.monotonic() < until:
        page.clock.run_for(15_000)
        page.evaluate("new Promise((done) => requestAnimationFrame(done))")
    assert any("nowhere is not defined" in label for label in collector.labels())


def test_a_clock_set_forward_ends_no_page_and_loses_no_marker(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate("(() => { const real = Date.now; Date.now = () => real() + 7200000 })()")
    page.click("#works")
    page.click("#throws")
    collector.wait_for_label("nowhere is not defined")
    page.evaluate("retrospec.flush()")
    assert page.inner_text("#count") == "1"


def test_a_page_too_large_to_send_is_not_snapshotted_again_and_again(page: Page, collector: Collector) -> None:
    rows = "document.write('<table>' + Array.from({length: 3000}, (_, n) => `<tr><td>${n}</td><td>${'words of the row '.repeat(280)}</td></tr>`).join('') + '</table>')"
    html = f'<!doctype html><html><head><script src="/sdk.js" data-key="k1"></script></head><body><script>{rows}</script><button id="works" onclick="this.textContent = 1">Add</button></body></html>'
    page.route("**/huge.html", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(f"{collector.base}/huge.html", timeout=60_000)
    page.evaluate("setTimeout(() => { throw new Error('on a huge page') })")
    collector.wait_for_label("on a huge page")
    page.evaluate("new Promise((done) => setTimeout(done, 4000)).then(() => retrospec.flush())")
    page.evaluate("document.querySelector('#works').click(); retrospec.mark('once more')")
    page.evaluate("retrospec.flush()")
    collector.wait_for_label("once more")
    assert collector.dropped()["event_too_large"] == 1
    assert collector.custom("retrospec.governor")[-1]["level"] == "markers only"
    assert page.inner_text("#works") == "1"


def test_a_privacy_selector_that_cannot_be_read_records_nothing(visit: Visit, collector: Collector) -> None:
    page = visit(mask_selector="..not a selector")
    page.click("#throws")
    page.evaluate("retrospec.flush()")
    assert not [line for line in collector.methods if "/v2/chunks" in line]


@pytest.mark.parametrize(
    "message",
    [
        "Warning: Text content did not match. Server: \\\"a\\\" Client: \\\"b\\\"",
        "Text content does not match server-rendered HTML.",
        "Warning: Expected server HTML to contain a matching <div> in <main>.",
        "Minified React error #418; visit https://react.dev/errors/418",
        "Hydration completed but contains mismatches.",
        "There was an error while hydrating.",
    ],
)
def test_what_frameworks_say_of_hydration_is_told_from_other_errors(page: Page, collector: Collector, message: str) -> None:
    page.goto(f"{collector.base}/module.html")
    page.wait_for_function("window.ready")
    page.evaluate(f'console.error("{message}")')
    collector.wait(lambda: collector.markers)
    assert collector.markers[0]["evidence"]["signal"] == "hydration_error"
