"""A good guest: on bad ground, and beside other code, the page works as without us."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.collector import Collector

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


def faults(page: Page) -> list[str]:
    seen: list[str] = []
    page.on("pageerror", lambda error: seen.append(str(error)))
    return seen


def works(page: Page) -> None:
    """The page's own button still counts."""
    page.click("#works")
    assert page.inner_text("#count") == "1"


@pytest.mark.parametrize(
    "ground",
    [
        "for (const name of ['localStorage', 'sessionStorage', 'indexedDB']) Object.defineProperty(window, name, {get() { throw new DOMException('no', 'SecurityError') }})",
        "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }; IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError') }",
        "Object.prototype.polluted = () => 1; Object.prototype.value = 1; Array.prototype.extra = function () {}",
        "delete window.CompressionStream; delete window.requestIdleCallback; delete window.PerformanceObserver; delete window.Worker",
        "window.fetch = ((own) => function fetch(...args) { return own.apply(this, args).then((r) => r) })(window.fetch)",
        "console.error = console.warn = () => {}; Object.freeze(console)",
    ],
    ids=["no storage", "full storage", "polluted prototypes", "old browser", "patched fetch", "frozen console"],
)
def test_bad_ground_neither_breaks_the_page_nor_the_recording(page: Page, visit: Visit, collector: Collector, ground: str) -> None:
    seen = faults(page)
    page.add_init_script(ground)
    visit()
    works(page)
    page.click("#throws")
    page.evaluate("retrospec.flush()")
    collector.wait_for_label("nowhere is not defined")
    assert any(event["type"] == 2 for event in collector.events)
    assert [fault for fault in seen if "nowhere" not in fault] == []


def test_a_strict_policy_is_enough(visit: Visit, collector: Collector) -> None:
    collector.headers["Content-Security-Policy"] = "default-src 'none'; script-src 'self'; connect-src 'self'"
    page = visit("policy.html")
    page.evaluate("document.querySelector('p').textContent = 'changed'")
    page.evaluate("retrospec.flush()")
    assert any(event["type"] == 2 for event in collector.events)
    assert collector.markers == []


def test_a_policy_that_forbids_the_endpoint_costs_the_page_nothing(page: Page, visit: Visit, collector: Collector) -> None:
    seen = faults(page)
    collector.headers["Content-Security-Policy"] = "connect-src 'none'"
    visit()
    works(page)
    result = page.evaluate("retrospec.flush()")
    assert result["ingestAccepted"] is False
    assert seen == [] and collector.chunks == []


def test_a_clock_set_back_does_not_turn_time_around(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.click("#works")
    page.evaluate("(() => { const real = Date.now; Date.now = () => real() - 3600000 })()")
    page.click("#works")
    page.click("#throws")
    collector.wait_for_label("nowhere is not defined")
    page.evaluate("retrospec.flush()")
    times = [event["timestamp"] for event in collector.events]
    assert max(times) - min(times) < 60_000
    assert abs(collector.markers[0]["at"] - max(times)) < 60_000


def test_calls_keep_their_results_errors_and_order(visit: Visit, collector: Collector) -> None:
    page = visit()
    seen = page.evaluate(
        """async () => {
          const order = [];
          const asked = fetch("/status/200").then((response) => order.push("answer " + response.status));
          order.push(asked instanceof Promise);
          Promise.resolve().then(() => order.push("microtask"));
          await asked;
          await fetch("nonsense://x").catch((error) => order.push(error instanceof TypeError && error.message));
          try { await fetch("/status/200", { method: "BAD METHOD" }) } catch (error) { order.push(error.constructor.name) }
          const sheet = document.head.appendChild(document.createElement("style")).sheet;
          try { sheet.insertRule("not a rule") } catch (error) { order.push(error.name) }
          order.push(console.error("x"), fetch.length, XMLHttpRequest.prototype.send.name);
          return order;
        }"""
    )
    assert seen == [True, "microtask", "answer 200", "Failed to fetch", "TypeError", "SyntaxError", None, 1, "send"]


def test_a_very_large_table_is_recorded_without_freezing_into_silence(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate(
        """() => {
          const rows = Array.from({ length: 10000 }, (_, n) => `<tr><td>${n}</td><td>row ${n}</td></tr>`).join("");
          document.body.insertAdjacentHTML("beforeend", `<table>${rows}</table>`);
        }"""
    )
    page.click("#throws")
    collector.wait_for_label("nowhere is not defined")
    works(page)


def test_the_governor_steps_down_and_says_so(page: Page, visit: Visit, collector: Collector) -> None:
    visit(cpu_budget="0.0001")
    page.evaluate(
        """() => { window.busy = setInterval(() => {
          const list = document.createElement("ul");
          list.innerHTML = "<li>x</li>".repeat(2000);
          document.body.replaceChildren(list);
        }, 50) }"""
    )
    page.wait_for_function("!window.done && (window.since = window.since || Date.now(), Date.now() - since > 6000)", timeout=20_000)
    page.evaluate("clearInterval(busy); retrospec.flush()")
    collector.wait(lambda: collector.custom("retrospec.governor"))
    page.evaluate("setTimeout(() => { throw new Error('still marked') })")
    collector.wait_for_label("still marked")
