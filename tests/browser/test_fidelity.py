"""What a replay needs beyond plain markup: shadow roots, frames, canvases, adopted styles, pages that come back."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright

from tests.browser.collector import Collector
from tests.chromium import chromium_path

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


def changes(collector: Collector, source: int) -> list[dict[str, Any]]:
    """The incremental events of one rrweb source."""
    return [event["data"] for event in collector.events if event["type"] == 3 and event["data"]["source"] == source]


def test_shadow_roots_and_same_origin_frames_are_part_of_the_recording(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate(
        """async () => {
          const host = document.body.appendChild(document.createElement("section"));
          host.attachShadow({ mode: "open" }).innerHTML = "<p>inside the shadow</p>";
          const frame = document.body.appendChild(document.createElement("iframe"));
          await new Promise((done) => { frame.onload = done; frame.srcdoc = "<p>inside the frame</p>"; });
          await new Promise((done) => setTimeout(done, 100));
          host.shadowRoot.firstChild.textContent = "changed in the shadow";
          frame.contentDocument.querySelector("p").textContent = "changed in the frame";
          await new Promise((done) => setTimeout(done, 100));
          await retrospec.flush();
        }"""
    )
    seen = str(changes(collector, 0))
    for words in ("inside the shadow", "inside the frame", "changed in the shadow", "changed in the frame"):
        assert words in seen


def test_adopted_style_sheets_are_recorded(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate(
        """async () => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync("h1 { color: rebeccapurple }");
          document.adoptedStyleSheets = [sheet];
          await new Promise((done) => setTimeout(done, 50));
          await retrospec.flush();
        }"""
    )
    assert "rebeccapurple" in str(changes(collector, 15))


DRAW = """async () => {
  const canvas = document.body.appendChild(document.createElement("canvas"));
  await new Promise((done) => setTimeout(done, 50));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "red";
  pen.fillRect(0, 0, 20, 20);
  await new Promise((done) => setTimeout(done, 200));
  await retrospec.flush();
}"""


def test_canvases_are_recorded_only_when_asked(visit: Visit, collector: Collector) -> None:
    page = visit(record_canvas="true")
    page.wait_for_function("performance.getEntriesByType('resource').some((one) => one.name.includes('sdk-canvas.mjs'))")
    page.evaluate("new Promise((done) => setTimeout(done, 300))")
    page.evaluate(DRAW)
    assert any(event["type"] == 2 for event in collector.events)
    assert "fillRect" in str(changes(collector, 9))


def test_without_being_asked_a_canvas_is_told_as_not_shown(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate(DRAW)
    assert changes(collector, 9) == []
    page.wait_for_function("performance.getEntriesByType('resource').some((one) => one.name.includes('sdk-more.mjs'))")
    page.evaluate("new Promise((done) => setTimeout(done, 1500)).then(() => retrospec.flush())")
    assert collector.custom("retrospec.coverage")[0]["canvases"] == 1


def test_a_page_restored_from_the_back_forward_cache_goes_on(playwright_driver: Playwright, built_sdk: object, collector: Collector) -> None:
    if not chromium_path():
        pytest.skip("no Chromium here")
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    browser = playwright_driver.chromium.launch(executable_path=chromium_path(), args=as_root, ignore_default_args=["--disable-back-forward-cache"])
    page = browser.new_page()
    page.goto(f"{collector.base}/module.html")
    page.evaluate("window.stayed = true; window.client.flush()")
    page.wait_for_function("performance.getEntriesByType('resource').some((one) => one.name.includes('sdk-more.mjs'))")
    page.goto(f"{collector.base}/blank.html")
    page.go_back(wait_until="commit")
    if not page.evaluate("window.stayed"):
        browser.close()
        pytest.skip("this Chromium keeps no page in its back/forward cache")
    page.evaluate("setTimeout(() => { throw new Error('after the return') })")
    collector.wait_for_label("after the return")
    page.evaluate("window.client.flush()")
    assert len([label for label in collector.labels() if "after the return" in label]) == 1
    assert {chunk["segment"] for chunk in collector.chunks} == {0, 1}
    assert any(event["type"] == 2 for chunk in collector.chunks if chunk["segment"] == 1 for event in chunk["events"])
    assert len({chunk["sessionId"] for chunk in collector.chunks}) == 1
    numbers = sorted((chunk["tabId"], chunk["seq"]) for chunk in collector.chunks)
    assert len(numbers) == len(set(numbers))
    browser.close()
