"""The asset vault's client half: what the page showed goes up once per content, and nothing private does."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.collector import Collector

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


def told(collector: Collector) -> dict[str, Any]:
    """Path → what was told of it."""
    return {one["url"].removeprefix(collector.base): one for call in collector.known for one in call["assets"]}


def summary(page: Page, collector: Collector, rounds: int = 1) -> dict[str, Any]:
    """The last ``retrospec.assets`` event, once there are as many as rounds."""
    for _ in range(40):  # the note follows what the server saw, so the first flush may be too early for it
        page.evaluate("retrospec.flush()")
        if len(collector.custom("retrospec.assets")) >= rounds:
            break
        page.wait_for_timeout(250)
    return dict(collector.custom("retrospec.assets")[-1])


def test_what_a_page_shows_is_kept_once_and_what_is_hidden_stays(visit: Visit, collector: Collector) -> None:
    page = visit("gallery.html")
    collector.wait(lambda: len(collector.assets) >= 3)
    assert set(told(collector)) == {"/photo.gif", "/twin-2x.gif", "/hero.gif"}
    assert {kind for kind, _ in collector.assets.values()} == {"image/gif"}
    assert told(collector)["/hero.gif"]["bytes"] == len(collector.assets[told(collector)["/hero.gif"]["sha256"]][1])
    assert collector.known[0]["sessionId"] == page.evaluate("retrospec.sessionId")
    seen = summary(page, collector)
    assert (seen["kept"], seen["tooLarge"], seen["foreign"], seen["hidden"]) == (3, 1, 1, 3)
    assert not [line for line in collector.methods if line.startswith("OPTIONS")]


def test_what_comes_later_is_kept_too_and_a_second_page_uploads_nothing(visit: Visit, collector: Collector, context: BrowserContext) -> None:
    page = visit("gallery.html")
    collector.wait(lambda: len(collector.assets) == 3)
    page.click("#add")
    collector.wait(lambda: len(collector.assets) == 4)
    uploads = len([line for line in collector.methods if line.startswith("POST /v2/assets?")])
    page.close()
    again = context.new_page()
    again.route("**/again.html", lambda route: route.fulfill(body='<img src="/photo.gif"><img src="/fresh.gif"><script src="/sdk.js" data-key="k1"></script>', content_type="text/html"))
    again.goto(f"{collector.base}/again.html")
    collector.wait(lambda: "/fresh.gif" in told(collector))
    assert collector.known[-1]["sessionId"] != collector.known[0]["sessionId"]
    assert {"/photo.gif", "/fresh.gif"} <= {one["url"].removeprefix(collector.base) for one in collector.known[-1]["assets"]}
    collector.wait(lambda: len(collector.assets) == 5)
    assert len([line for line in collector.methods if line.startswith("POST /v2/assets?")]) == uploads + 1


def test_a_page_uploads_no_more_than_its_share(visit: Visit, collector: Collector) -> None:
    page = visit("gallery.html", asset_page_bytes="100")
    collector.wait(lambda: collector.known)
    seen = summary(page, collector)
    assert len(collector.assets) == 1
    assert (seen["kept"], seen["overBudget"]) == (1, 2)


def test_a_content_the_server_refuses_costs_only_itself(visit: Visit, collector: Collector) -> None:
    collector.refuse_asset = lambda content: 413 if b"/photo" in content else 0
    page = visit("gallery.html")
    collector.wait(lambda: len(collector.assets) == 2)
    page.click("#add")
    collector.wait(lambda: len(collector.assets) == 3)
    seen = summary(page, collector, rounds=2)
    assert (seen["kept"], seen["refused"], "unavailable" in seen) == (3, 1, False)


def test_a_server_that_takes_no_more_is_asked_no_more(visit: Visit, collector: Collector) -> None:
    collector.refuse_asset = lambda content: 429
    page = visit("gallery.html")
    collector.wait(lambda: "POST /v2/assets?" in str(collector.methods))
    assert summary(page, collector)["unavailable"] == "server"
    page.click("#add")
    page.wait_for_timeout(3_500)  # a round is due after three seconds
    assert len([line for line in collector.methods if line.startswith("POST /v2/assets?")]) == 1


def test_nothing_is_kept_of_a_healthy_visit_in_on_error_mode(visit: Visit, collector: Collector) -> None:
    page = visit("gallery.html", sample_rate="0", on_error_sample_rate="1")
    page.wait_for_timeout(5_000)
    assert not [line for line in collector.methods if "/v2/" in line]
    page.click("#throws")
    collector.wait(lambda: len(collector.assets) == 3)


@pytest.mark.parametrize("ground", ["off", "no vault", "no subtle crypto"])
def test_without_a_vault_the_recording_goes_on_and_says_so(page: Page, visit: Visit, collector: Collector, ground: str) -> None:
    collector.vault = ground != "no vault"
    if ground == "no subtle crypto":
        page.add_init_script("Object.defineProperty(Crypto.prototype, 'subtle', {value: undefined})")
    visit("gallery.html", assets="false" if ground == "off" else "true")
    page.wait_for_timeout(4_500)
    page.click("#throws")
    collector.wait_for_label("nowhere is not defined")
    assert collector.assets == {}
    page.evaluate("retrospec.flush()")
    said = [one.get("unavailable") for one in collector.custom("retrospec.assets")]
    assert said == {"off": [], "no vault": ["server"], "no subtle crypto": ["insecure context"]}[ground]
