"""What a visit hands over: events, session, pages, and how it travels."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.collector import Collector

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


def test_a_visit_arrives_as_a_replayable_recording(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.click("#works")
    result = page.evaluate("retrospec.flush()")
    assert result["ingestAccepted"] is True
    assert result["sessionId"] == collector.chunks[0]["sessionId"]
    kinds = [event["type"] for event in collector.events]
    assert kinds.index(4) < kinds.index(2)
    assert any(event["type"] == 3 and event["data"]["source"] == 0 for event in collector.events)
    times = [event["timestamp"] for event in collector.events]
    assert max(times) - min(times) < 60_000


def test_the_first_chunk_says_who_where_and_when(visit: Visit, collector: Collector) -> None:
    page = visit(release="shop@7", environment="test")
    page.evaluate("retrospec.identify('u-1', {plan: 'gold'}); retrospec.setTags({shop: 'north'})")
    page.evaluate("retrospec.flush()")
    chunk = collector.chunks[0]
    assert chunk["v"] == 2 and chunk["seq"] == 0 and chunk["segment"] == 0
    assert chunk["site"] == "shop" and chunk["route"] == "/shop.html"
    assert chunk["user"] == {"id": "u-1", "traits": {"plan": "gold"}}
    assert (chunk["release"], chunk["environment"], chunk["tags"]) == ("shop@7", "test", {"shop": "north"})
    assert chunk["client"]["viewport"] == {"width": 900, "height": 700}
    assert chunk["client"]["sdk"] == "0.1.0"
    assert chunk["startedAt"] <= chunk["events"][0]["timestamp"] <= chunk["sentAt"]


def test_chunks_are_numbered_compressed_and_need_no_preflight(visit: Visit, collector: Collector) -> None:
    page = visit()
    for _ in range(3):
        page.click("#works")
        page.evaluate("retrospec.flush()")
    assert [chunk["seq"] for chunk in collector.chunks] == [0, 1, 2]
    assert collector.bodies[0][:2] == b"\x1f\x8b"
    assert set(collector.content_types) == {"text/plain;charset=UTF-8"}
    assert not [line for line in collector.methods if line.startswith("OPTIONS")]


def test_each_event_is_sent_once(visit: Visit, collector: Collector) -> None:
    page = visit()
    for _ in range(5):
        page.click("#works")
        page.evaluate("retrospec.flush()")
    texts = [event["data"]["texts"][0]["value"] for event in collector.events if event["type"] == 3 and event["data"].get("texts")]
    assert texts == ["1", "2", "3", "4", "5"] or [add for event in collector.events if event["type"] == 3 for add in event["data"].get("adds", [])]
    stamps = [(event["timestamp"], event["type"], str(event["data"])) for event in collector.events]
    assert len(stamps) == len(set(stamps))


def test_pages_of_a_tab_are_segments_of_one_session(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate("retrospec.flush()")
    page.reload()
    page.evaluate("retrospec.flush()")
    collector.wait(lambda: {chunk["segment"] for chunk in collector.chunks} == {0, 1})
    assert len({chunk["sessionId"] for chunk in collector.chunks}) == 1
    assert len({chunk["tabId"] for chunk in collector.chunks}) == 1
    numbers = sorted(chunk["seq"] for chunk in collector.chunks)
    assert numbers == list(range(len(numbers)))
    for segment in (0, 1):
        assert any(event["type"] == 2 for chunk in collector.chunks if chunk["segment"] == segment for event in chunk["events"])


def test_a_page_that_goes_away_says_goodbye(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.evaluate("retrospec.flush()")
    page.click("#works")
    page.close()
    collector.wait(lambda: any(chunk.get("final") for chunk in collector.chunks))


def test_the_visitor_stays_the_same_and_a_new_tab_is_a_tab_of_its_own(visit: Visit, collector: Collector, context: BrowserContext) -> None:
    first = visit()
    first.evaluate("retrospec.flush()")
    with context.expect_page() as opening:
        first.evaluate("window.open('/shop-copy.html', '_blank', 'noopener')")
    second = opening.value
    second.goto(f"{collector.base}/module.html")
    second.wait_for_function("window.ready")
    second.evaluate("window.client.flush()")
    assert len({chunk["visitorId"] for chunk in collector.chunks}) == 1
    assert len({chunk["tabId"] for chunk in collector.chunks}) == 2


def test_the_module_returns_the_v1_handle(page: Page, collector: Collector) -> None:
    page.goto(f"{collector.base}/module.html")
    page.wait_for_function("window.ready")
    assert page.evaluate("window.client.sessionId").startswith("s-")
    flushed = page.evaluate("window.client.flush()")
    assert set(flushed) == {"sessionId", "eventsObjectKey", "ingestAccepted"}
    stopped = page.evaluate("window.client.stop()")
    assert stopped["ingestAccepted"] is True and stopped["sessionId"] == flushed["sessionId"]


def test_two_copies_record_once(visit: Visit, collector: Collector) -> None:
    page = visit()
    page.add_script_tag(url="/sdk.js?again")
    page.evaluate("() => import('/sdk.mjs').then((sdk) => sdk.initRetrospec({apiKey: 'k1', site: 'shop'}).sessionId)")
    page.evaluate("retrospec.flush()")
    assert len([event for event in collector.events if event["type"] == 2]) == 1


def test_recording_waits_for_consent(visit: Visit, collector: Collector) -> None:
    page = visit(auto_start="false")
    page.click("#throws")
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    page.evaluate("retrospec.start()")
    page.click("#works")
    page.evaluate("retrospec.flush()")
    assert collector.markers == []
    assert any(event["type"] == 2 for event in collector.events)


def test_pause_leaves_the_page_as_it_was(visit: Visit, collector: Collector) -> None:
    page = visit(auto_start="false")
    before = page.evaluate("window.natives = [fetch, console.error, XMLHttpRequest.prototype.send]; 1")
    assert before == 1
    page.evaluate("retrospec.start()")
    assert page.evaluate("natives[0] !== fetch && fetch.name === 'fetch' && fetch.length === natives[0].length")
    page.evaluate("retrospec.pause()")
    assert page.evaluate("natives.every((one, at) => one === [fetch, console.error, XMLHttpRequest.prototype.send][at])")
    sent = len(collector.events)
    page.click("#works")
    page.evaluate("retrospec.flush()")
    assert len(collector.events) <= sent + 5
    page.evaluate("retrospec.start()")
    page.click("#throws")
    collector.wait_for_label("nowhere is not defined")
