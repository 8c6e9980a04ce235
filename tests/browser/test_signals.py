"""What is marked as a failure, with which evidence, and what is left alone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from retrospec.issues.stacks import parse_stack
from tests.browser.collector import Collector

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


def test_an_exception_carries_its_type_stack_place_and_the_click_before(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.click("#throws")
    marker = collector.wait_for_label("nowhere is not defined")
    evidence = marker["evidence"]
    assert marker["kind"] == "js_exception"
    assert marker["label"] == "ReferenceError: nowhere is not defined"
    assert (evidence["signal"], evidence["type"]) == ("exception", "ReferenceError")
    assert "shop.html" in evidence["stack"] and evidence["filename"].endswith("/shop.html") and evidence["lineno"] > 1
    assert evidence["control"]["name"] == "Throw" and evidence["control"]["nodeId"] > 0
    assert any(crumb["message"] == "button “Throw”" for crumb in evidence["breadcrumbs"])
    assert collector.chunks[0]["startedAt"] <= marker["at"] <= collector.chunks[-1]["sentAt"]
    page.wait_for_function(f"(retrospec.receipt('{marker['id']}') || {{}}).state === 'stored'")


def test_an_unhandled_rejection_is_marked(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate("void Promise.reject(new RangeError('too far'))")
    assert collector.wait_for_label("RangeError: too far")["evidence"]["signal"] == "unhandled_rejection"


def test_console_errors_are_marked_and_formatted_but_not_twice(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate("console.error('%s failed after %d tries', 'Login', 3)")
    assert collector.wait_for_label("Login failed after 3 tries")["evidence"]["signal"] == "console_error"
    page.evaluate("setTimeout(() => { throw window.thrown = new Error('once only') }); setTimeout(() => console.error('Caught:', window.thrown), 50)")
    collector.wait_for_label("once only")
    page.evaluate("new Promise((done) => setTimeout(done, 100)).then(() => retrospec.flush())")
    assert len([label for label in collector.labels() if "once only" in label]) == 1


def test_failed_fetches_are_marked_with_their_request(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate("fetch('/status/500/orders/81723?card=4111111111111111', {method: 'POST'})")
    marker = collector.wait_for_label("POST /status/:id/orders/:id 500")
    evidence = marker["evidence"]
    assert marker["kind"] == "api_error"
    assert (evidence["method"], evidence["status"], evidence["requestId"]) == ("POST", 500, "req-7")
    assert "4111" not in evidence["url"] and "/orders/81723" in evidence["url"]
    page.evaluate("fetch('/hang-up').catch(() => 0)")
    assert collector.wait_for_label("GET /hang-up network")["evidence"]["signal"] == "network_error"


def test_failed_xhr_is_marked(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate("(() => { const x = new XMLHttpRequest(); x.open('POST', '/status/404/thing'); x.send() })()")
    evidence = collector.wait_for_label("POST /status/:id/thing 404")["evidence"]
    assert (evidence["status"], evidence["signal"], evidence["requestId"]) == (404, "http_error", "req-7")


SENDERS = """
async function placeOrder() { await fetch("/status/500/fetched", { method: "POST" }); }
function loadBasket() { const x = new XMLHttpRequest(); x.open("GET", "/status/500/asked"); x.send(); }
function lookUp() { return fetch("/hang-up").catch(() => 0); }
//# sourceURL=https://shop.test/static/shop.js
"""


def test_a_failed_request_says_which_function_sent_it_and_nothing_of_ours(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.add_script_tag(content=SENDERS)
    page.evaluate("() => { placeOrder(); loadBasket(); lookUp(); }")
    for label, function in (("POST /status/:id/fetched 500", "placeOrder"), ("GET /status/:id/asked 500", "loadBasket"), ("GET /hang-up network", "lookUp")):
        frames = parse_stack(collector.wait_for_label(label)["evidence"]["stack"]).frames
        assert (frames[0].function, frames[0].file) == (function, "https://shop.test/static/shop.js"), label


def test_what_was_pressed_is_named_as_it_was_then(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate(
        """() => {
          const pay = document.createElement("button");
          pay.textContent = "Order now";
          pay.onclick = () => { pay.textContent = "Ordering…"; fetch("/status/500/order", { method: "POST" }); };
          document.body.append(pay);
        }"""
    )
    page.wait_for_function("performance.getEntriesByType('resource').some((one) => one.name.includes('/sdk-more.mjs'))")
    page.wait_for_timeout(300)  # for it to have taken over
    page.get_by_text("Order now").click()
    evidence = collector.wait_for_label("POST /status/:id/order 500")["evidence"]
    assert evidence["control"]["name"] == "Order now"


def test_aborted_requests_and_good_ones_are_no_failures(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate(
        """async () => {
          await fetch("/status/200");
          const stop = new AbortController();
          const asked = fetch("/status/200/late", { signal: stop.signal });
          stop.abort();
          await asked.catch(() => 0);
          const xhr = new XMLHttpRequest();
          xhr.open("GET", "/status/200/later");
          xhr.send();
          xhr.abort();
          await retrospec.flush();
        }"""
    )
    assert collector.markers == []
    requests = collector.custom("retrospec.request")
    assert {one["failure"] for one in requests} == {"", "aborted"}


def test_a_failed_fetch_nobody_catches_is_one_failure_not_two(visit: Visit, collector: Collector) -> None:
    page = visit()
    with page.expect_event("pageerror") as thrown:
        page.evaluate("void fetch('/hang-up')")
    assert "Failed to fetch" in str(thrown.value)
    collector.wait_for_label("GET /hang-up network")
    page.evaluate("retrospec.flush()")
    assert len(collector.markers) == 1


def test_rage_on_a_dead_button_is_marked(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.add_script_tag(url="/shop.js?v=3")
    for _ in range(4):
        page.click("#dead")
    marker = collector.wait_for_label("Rage click on button “Pay now”")
    assert marker["kind"] == "ui_no_effect"
    assert marker["evidence"]["count"] >= 3
    assert marker["evidence"]["control"]["landmark"].startswith("Checkout")
    assert marker["evidence"]["extra"]["scripts"] == [f"{collector.base}/shop.js?v=*"], "the site's own, and not the SDK"


@pytest.mark.parametrize("selector", ["#works", "#text"])
def test_repeated_clicks_that_get_an_answer_are_not_rage(visit: Visit, collector: Collector, selector: str) -> None:
    page = visit()
    page.click(selector, click_count=4)
    page.wait_for_timeout(900)
    page.evaluate("retrospec.flush()")
    assert collector.markers == []


SECOND_PART = "!String(print).includes('print')"
"""Whether the second part is at work: it wraps what opens windows and dialogs."""
OPENS = {
    "window": "window.open('/blank.html', '_blank', 'noopener')",
    "print": "print()",
    "clipboard": "navigator.clipboard.writeText('text').catch(() => 0)",
    "download": "Object.assign(document.createElement('a'), { href: '/photo.gif', download: 'photo.gif' }).click()",
    "file": "Object.assign(document.createElement('input'), { type: 'file' }).click()",
}


@pytest.mark.parametrize("what", OPENS)
def test_a_click_that_opens_something_outside_the_page_is_not_dead_and_says_what(visit: Visit, collector: Collector, what: str) -> None:
    page = visit(dead_click_ms="400")
    page.wait_for_function(SECOND_PART)
    page.evaluate(f"document.querySelector('#dead').addEventListener('click', () => {{ {OPENS[what]} }})")
    page.click("#dead")
    page.wait_for_timeout(700)
    page.evaluate("retrospec.flush()")
    collector.wait(lambda: collector.custom("retrospec.outside") == [{"what": what}])
    assert [label for label in collector.labels() if "Dead click" in label] == []


def test_an_exception_names_the_debug_ids_of_its_files(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.wait_for_function(SECOND_PART)
    page.evaluate(
        r"""() => {
          const at = location.origin + "/shop.html";
          window._debugIds = { [`Error\n    at ${at}:1:9\n    at https://elsewhere.invalid/x.js:1:1`]: "aa11-bb22", "Error\n    at https://other.invalid/y.js:2:2": "cc33" };
        }"""
    )
    page.click("#throws")
    marker = collector.wait_for_label("nowhere is not defined")
    assert marker["evidence"]["extra"]["debugIds"] == {f"{collector.base}/shop.html": "aa11-bb22"}


def test_dead_clicks_are_told_from_live_ones(visit: Visit, collector: Collector) -> None:
    page = visit(dead_click_ms="400")
    page.evaluate("setInterval(() => (document.querySelector('#clock').textContent = Date.now()), 50)")
    page.wait_for_timeout(200)
    page.click("#dead")
    assert collector.wait_for_label("Dead click on button “Pay now”")["evidence"]["signal"] == "dead_click"
    page.click("#ripple")
    collector.wait_for_label("Dead click on button “Ripple”")
    for selector in ("#works", "#slow", "input[type=email]", "#text"):
        page.click(selector)
        page.wait_for_timeout(500)
    page.evaluate("retrospec.flush()")
    assert len([label for label in collector.labels() if "Dead click" in label]) == 2


def test_a_refused_form_is_marked_once_with_its_rule_and_without_what_was_typed(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.fill("input[type=email]", "adalovelace")
    page.click("input[type=submit]")
    marker = collector.wait_for_label("E-mail: typeMismatch")
    evidence = marker["evidence"]
    assert marker["kind"] == "validation_failed"
    assert (evidence["rule"], evidence["form"], evidence["count"]) == ("typeMismatch", "Payment", 1)
    assert evidence["control"]["inputType"] == "email"
    assert "adalovelace" not in str(collector.chunks)


def test_asking_for_validity_while_typing_is_no_refusal(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate("document.querySelector('form').checkValidity()")
    page.evaluate("retrospec.flush()")
    assert collector.markers == []


def test_a_form_left_after_a_refusal_is_marked(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.click("input[type=submit]")
    collector.wait_for_label("E-mail: valueMissing")
    page.goto("about:blank")
    assert collector.wait_for_label("Payment left after E-mail: valueMissing")["evidence"]["signal"] == "form_abandoned"


def test_reloading_again_and_again_is_marked(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.reload()
    page.reload()
    assert collector.wait_for_label("Reload loop on /shop.html")["evidence"]["count"] == 3


def test_missing_own_scripts_are_marked_and_foreign_ones_are_not(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate(
        """() => new Promise((done) => {
          for (const src of ["http://tracker.invalid/t.js", "/gone.js"]) {
            const script = Object.assign(document.createElement("script"), { src, onerror: done });
            document.head.append(script);
          }
        })"""
    )
    assert collector.wait_for_label("Script /gone.js failed to load")["evidence"]["signal"] == "resource_error"
    assert len(collector.markers) == 1


def test_a_page_that_empties_itself_is_marked(visit: Visit, collector: Collector) -> None:
    page = visit("blank.html")
    page.evaluate("setTimeout(() => { document.body.textContent = ''; throw new TypeError('render') })")
    collector.wait_for_label("TypeError: render")
    collector.wait_for_label("Blank page on /blank.html")


def test_hydration_and_policy_violations_have_signals_of_their_own(visit: Visit, collector: Collector) -> None:
    collector.headers["Content-Security-Policy"] = "img-src 'self'"
    page = visit()
    page.evaluate("console.error('Hydration failed because the server rendered HTML did not match the client.')")
    assert collector.wait_for_label("Hydration failed")["evidence"]["signal"] == "hydration_error"
    page.evaluate("document.body.append(Object.assign(new Image(), {src: 'http://images.invalid/a.gif'}))")
    assert collector.wait_for_label("CSP img-src blocked")["evidence"]["signal"] == "csp_violation"


def test_going_straight_back_is_marked(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.goto(f"{collector.base}/module.html")
    page.wait_for_function("window.ready")
    page.go_back()
    collector.wait_for_label("Quick back from /module.html")


def test_a_route_change_without_a_page_load_is_an_event(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate("history.pushState({}, '', '/cart?token=abcdef')")
    page.click("#throws")
    collector.wait_for_label("nowhere is not defined")
    assert collector.custom("retrospec.navigation")[0]["route"] == "/cart"
    holding = next(chunk for chunk in collector.chunks if chunk["markers"])
    assert holding["route"] == "/cart"
    assert "abcdef" not in str(collector.chunks)


def test_sites_can_mark_and_capture_for_themselves(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate("retrospec.addBreadcrumb('chose plan', {plan: 'gold'})")
    page.evaluate("retrospec.mark('No stock', {sku: 7})")
    evidence = collector.wait_for_label("No stock")["evidence"]
    assert (evidence["signal"], evidence["extra"]) == ("custom", {"sku": 7})
    page.evaluate("try { null.x } catch (error) { retrospec.capture(error, {step: 'pay'}) }")
    caught = collector.wait_for_label("Cannot read properties of null")["evidence"]
    assert caught["handled"] is True and caught["extra"] == {"step": "pay"}
    assert any(crumb["message"] == "chose plan" for crumb in caught["breadcrumbs"])


def test_allow_listed_bodies_are_attached_and_scrubbed(page: Page, collector: Collector) -> None:
    page.goto(f"{collector.base}/blank.html")
    page.evaluate("import('/sdk.mjs').then((sdk) => sdk.initRetrospec({apiKey: 'k1', captureBodies: ['/status/']}))")
    page.evaluate("fetch('/status/422', {method: 'POST', body: '{\"password\":\"hunter2\",\"city\":\"Ulm\"}'})")
    extra = collector.wait_for_label("422")["evidence"]["extra"]
    assert "Ulm" in extra["requestBody"] and "hunter2" not in extra["requestBody"]
    assert "asked for" in extra["responseBody"]
