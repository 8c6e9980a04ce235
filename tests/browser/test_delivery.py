"""Nothing lost: navigation, tab close, a server that is down or busy, and what was dropped is told."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.collector import Collector

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]

# The pause lets the call that sets this off come back first: one whose page goes away under it may never return.
THROW_AND = "void setTimeout(() => {{ setTimeout(() => {{ {leave} }}); throw new Error('last words {n}') }}, 100)"

BIG_GOODBYE = """() => {
  const noise = () => Array.from({ length: 20000 }, () => Math.random().toString(36)).join(" ");
  document.body.append(Object.assign(document.createElement("p"), { textContent: noise() }));
  setTimeout(() => { location.href = "/module.html"; throw new Error("big goodbye") }, 100);
}"""


@pytest.mark.parametrize("leave", ["location.href = '/blank.html'", "location.reload()", "window.close()"])
def test_an_error_right_before_leaving_arrives(collector: Collector, context: BrowserContext, leave: str) -> None:
    opener = context.new_page()
    opener.goto(f"{collector.base}/module.html")
    for number in range(3):
        with context.expect_page() as opening:
            opener.evaluate(f"void window.open('/module.html?{number}', '_blank')")
        opening.value.wait_for_function("window.ready")
        opening.value.evaluate(THROW_AND.format(leave=leave, n=number))
    collector.wait(lambda: len({label for label in collector.labels() if "last words" in label}) == 3)


def test_an_error_with_a_large_page_behind_it_arrives_before_its_events(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate("retrospec.flush()")
    page.evaluate(BIG_GOODBYE)
    collector.wait_for_label("big goodbye")
    page.wait_for_function("window.ready")
    page.evaluate("window.client.flush()")
    collector.wait(lambda: any(len(str(event)) > 200_000 for event in collector.events))


def test_what_the_spool_had_not_taken_when_the_page_went_arrives_from_the_next(visit: Visit, page: Page, collector: Collector) -> None:
    """A browser under load may take a second to open IndexedDB: here it never does, for the page that goes."""
    page.add_init_script("if (location.pathname.includes('shop')) IDBFactory.prototype.open = () => ({})")
    is_next = threading.Event()
    collector.answer = lambda chunk: (202 if is_next.is_set() or len(str(chunk["events"])) < 200_000 else 500, {})
    visit().evaluate(BIG_GOODBYE)
    collector.wait_for_label("big goodbye")
    page.wait_for_function("window.ready")
    is_next.set()
    collector.wait(lambda: any(len(str(event)) > 200_000 for event in collector.events))
    page.evaluate("window.client.flush()")
    assert collector.dropped() == {}
    assert page.evaluate("sessionStorage.getItem('retrospec.left')") is None


def test_a_busy_page_sends_what_it_has_closed_and_loses_nothing(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate(
        """async () => {
          const text = Array.from({ length: 30_000 }, (_, n) => n).join(" ");
          for (let n = 0; n < 40; n++) {
            document.body.append(Object.assign(document.createElement("p"), { textContent: n + " of 40 " + text }));
            await new Promise((done) => setTimeout(done, 100));
          }
        }"""
    )
    assert len(collector.chunks) > 3, "chunks closed by their size do not wait for the clock"
    page.evaluate("retrospec.flush()")
    collector.wait(lambda: "39 of 40 " in str(collector.chunks[-1]["events"]))
    assert collector.dropped() == {}


def test_what_a_dead_server_missed_arrives_from_the_next_page(visit: Visit, collector: Collector) -> None:
    collector.answer = lambda chunk: (500, {})
    page = visit()
    page.click("#throws")
    collector.wait(lambda: any("/v2/chunks" in line for line in collector.methods))
    page.wait_for_timeout(1_300)
    assert collector.chunks == []
    collector.answer = None
    page.goto(f"{collector.base}/module.html")
    collector.wait_for_label("nowhere is not defined")
    page.evaluate("window.client.flush()")
    collector.wait(lambda: {0, 1} <= {chunk["segment"] for chunk in collector.chunks})
    first = [chunk for chunk in collector.chunks if chunk["segment"] == 0]
    assert any(event["type"] == 2 for chunk in first for event in chunk["events"])


def test_a_page_that_died_without_goodbye_is_finished_by_a_later_visit(collector: Collector, context: BrowserContext) -> None:
    collector.answer = lambda chunk: (503, {"Retry-After": "100"})
    page = context.new_page()
    page.add_init_script("addEventListener('pagehide', (event) => event.stopImmediatePropagation(), true)")
    page.goto(f"{collector.base}/module.html")
    page.wait_for_function("window.ready")
    page.evaluate("setTimeout(() => { throw new Error('cut off') })")
    page.wait_for_function(
        """() => new Promise((done) => {
          const asked = indexedDB.open("retrospec", 1);
          asked.onsuccess = () => {
            const counted = asked.result.transaction("parts").objectStore("parts").count();
            counted.onsuccess = () => done(counted.result > 0);
          };
        })"""
    )
    page.close()
    collector.answer = None
    later = context.new_page()
    later.add_init_script("const real = Date.now; Date.now = () => real() + 180000;")
    later.goto(f"{collector.base}/module.html")
    collector.wait_for_label("cut off")


def test_retry_after_is_respected(visit: Visit, collector: Collector) -> None:
    asked: list[float] = []

    def busy_once(chunk: object) -> tuple[int, dict[str, str]]:
        asked.append(time.monotonic())
        return (429, {"Retry-After": "2", "Access-Control-Expose-Headers": "Retry-After"}) if len(asked) == 1 else (202, {})

    collector.answer = busy_once
    page = visit()
    page.click("#throws")
    collector.wait_for_label("nowhere is not defined")
    assert asked[1] - asked[0] >= 2


def test_a_refused_chunk_is_given_up_and_counted(visit: Visit, collector: Collector) -> None:
    refusals = iter([True])
    collector.answer = lambda chunk: (400 if next(refusals, False) else 202, {})
    page = visit()
    page.evaluate("retrospec.flush()")
    page.click("#works")
    page.evaluate("retrospec.flush()")
    assert collector.dropped()["refused_400"] > 0


def test_a_refused_marker_is_named_even_when_its_first_report_is_refused_too(visit: Visit, collector: Collector) -> None:
    refusals = iter([400, 400])
    collector.answer = lambda chunk: (next(refusals, 202) if chunk["markers"] or chunk.get("dropped") else 202, {})
    page = visit()
    page.evaluate("retrospec.flush()")
    lost = page.evaluate("retrospec.mark('never seen by the server')")
    for _ in range(4):
        page.evaluate("retrospec.flush()")
        page.click("#works")
    page.evaluate("retrospec.flush()")
    told = [one for chunk in collector.chunks for one in chunk.get("dropped", []) if one["reason"] == "refused_400"]
    assert next(refusals, None) is None
    assert [one["markers"] for one in told if "markers" in one] == [[lost]]


def test_a_wrong_key_ends_the_recording_for_good(visit: Visit, collector: Collector) -> None:
    collector.answer = lambda chunk: (401, {})
    page = visit()
    for _ in range(5):
        page.click("#works")
        page.evaluate("retrospec.flush()")
    assert len([line for line in collector.methods if "/v2/chunks" in line]) == 3
    assert page.evaluate("/native code/.test(fetch.toString())")


def test_flush_waits_for_the_marker_that_left_at_once(visit: Visit, collector: Collector) -> None:
    def slowly(_chunk: Any) -> tuple[int, dict[str, str]]:
        time.sleep(0.5)
        return 202, {}

    page = visit()
    page.evaluate("retrospec.flush()")
    collector.answer = slowly
    lost = page.evaluate("retrospec.mark('on its way')")
    page.wait_for_timeout(100)
    page.evaluate("retrospec.flush()")
    assert lost in [marker["id"] for marker in collector.markers]


def test_a_storm_of_errors_costs_little_and_is_counted(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate("for (let n = 0; n < 10000; n++) window.dispatchEvent(new ErrorEvent('error', {message: 'storm ' + n % 3, error: new Error('storm ' + n % 3)}))")
    page.evaluate("retrospec.flush()")
    page.evaluate("retrospec.flush()")
    assert 1 <= len(collector.markers) <= 15
    page.click("#works")
    page.evaluate("retrospec.flush()")
    assert collector.dropped()["marker_repeated"] > 9_000


def test_markers_of_one_page_are_bounded(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate("for (let n = 0; n < 300; n++) retrospec.mark('own ' + String.fromCharCode(97 + n % 26) + String.fromCharCode(97 + n / 26))")
    page.evaluate("retrospec.flush()")
    assert len(collector.markers) == 200


def test_nothing_is_sent_of_a_healthy_visit_in_on_error_mode(visit: Visit, collector: Collector) -> None:
    page = visit(sample_rate="0", on_error_sample_rate="1", error_buffer_ms="60000")
    page.click("#works")
    page.evaluate("retrospec.flush()")
    page.wait_for_timeout(1_200)
    assert not [line for line in collector.methods if "/v2/chunks" in line]
    page.click("#throws")
    collector.wait_for_label("nowhere is not defined")
    assert any(event["type"] == 2 for event in collector.events)
    assert any(event["type"] == 3 and event["data"]["source"] == 0 for event in collector.events)


def test_sampled_out_visits_leave_no_hook(visit: Visit, collector: Collector) -> None:
    page = visit(sample_rate="0")
    page.click("#throws")
    page.evaluate("retrospec.flush()")
    assert not [line for line in collector.methods if "/v2/chunks" in line]


def test_idle_visits_end_and_a_return_begins_a_new_session(visit: Visit, collector: Collector) -> None:
    page = visit(idle_ms="2500")
    page.click("#works")
    page.evaluate("retrospec.flush()")
    page.wait_for_timeout(2_800)
    page.click("#works")
    page.wait_for_timeout(100)
    page.click("#works")
    page.evaluate("retrospec.flush()")
    sessions = list(dict.fromkeys(chunk["sessionId"] for chunk in collector.chunks))
    assert len(sessions) == 2
    second = [chunk for chunk in collector.chunks if chunk["sessionId"] == sessions[1]]
    assert min(chunk["seq"] for chunk in second) == 0
    assert any(event["type"] == 2 for chunk in second for event in chunk["events"])
