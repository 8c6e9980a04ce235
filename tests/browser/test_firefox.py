"""The same SDK in Firefox, where the machine has one: a recording, a marker, a page change."""

from pathlib import Path

import pytest

from retrospec.issues.stacks import parse_stack
from tests.browser.collector import Collector
from tests.browser.firefox import firefox_path, running_firefox

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not firefox_path(), reason="no Firefox here")]


def test_firefox_records_marks_and_delivers_across_a_page_change(collector: Collector, tmp_path: Path) -> None:
    with running_firefox(firefox_path(), tmp_path) as firefox:
        firefox.goto(f"{collector.base}/module.html")
        assert firefox.run("return window.client.sessionId").startswith("s-")
        firefox.script("document.querySelector('h1').textContent = 'changed'; setTimeout(() => { throw new TypeError('seen in Firefox') })")
        marker = collector.wait_for_label("TypeError: seen in Firefox")
        assert marker["evidence"]["signal"] == "exception" and "module.html" in marker["evidence"]["filename"]
        firefox.script("window.placeOrder = () => fetch('/status/500/order', { method: 'POST' }); placeOrder()")
        sent = collector.wait_for_label("POST /status/:id/order 500")["evidence"]["stack"]
        assert parse_stack(sent).frames[0].function.endswith("placeOrder"), sent
        firefox.script("setTimeout(() => { location.href = '/module.html?2'; throw new Error('last words') })")
        collector.wait_for_label("last words")
        firefox.goto(f"{collector.base}/module.html?3")
        firefox.run("return window.client.flush().then(() => true)")
        collector.wait(lambda: len({chunk["segment"] for chunk in collector.chunks}) > 1)
    assert len({chunk["sessionId"] for chunk in collector.chunks}) == 1
    assert any(event["type"] == 2 for event in collector.events)
    assert any(event["type"] == 3 and event["data"].get("adds") for event in collector.events)
    assert "Firefox" in collector.chunks[0]["client"]["userAgent"]
