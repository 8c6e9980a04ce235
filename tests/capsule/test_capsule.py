"""A capsule opens from a disk with the network refused, shows the failure, and runs nothing of the recorded site."""

import base64
import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from retrospec.capsule import Capsule, Tick, capsule_page, trim
from retrospec.domain.clock import utc_now
from retrospec.domain.recording import Recording
from retrospec.domain.session import Session, Stage
from retrospec.domain.shipped import built_dir
from retrospec.vault.store import STAGE_ORIGIN
from tests.web.browsing import chromium
from tests.web.conftest import Visit
from tests.web.seeding import PAY_SESSION, PROJECT
from tests.web.serving import make_app, serving

needs_build = pytest.mark.skipif(not (built_dir() / "replay.js").is_file(), reason="needs the built replayer")
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
PIXEL_NAME = hashlib.sha256(PIXEL).hexdigest()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


class Opened:
    """A capsule in a window without a network."""

    def __init__(self, browser: Browser, file: Path) -> None:
        self.context = browser.new_context(viewport={"width": 1000, "height": 800})
        self.context.set_offline(True)
        self.asked: list[str] = []
        self.page: Page = self.context.new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("#player[data-ready]")

    @property
    def fetched(self) -> list[str]:
        """What it asked for beside itself and what it holds."""
        return [url for url in self.asked[1:] if not url.startswith(("data:", "about:"))]


def _node(number: int, tag: str, attributes: dict[str, Any] | None = None, *children: dict[str, Any]) -> dict[str, Any]:
    return {"type": 2, "id": number, "tagName": tag, "attributes": attributes or {}, "childNodes": list(children)}


def _text(number: int, text: str) -> dict[str, Any]:
    return {"type": 3, "id": number, "textContent": text}


def _recording(*inside: dict[str, Any], minutes: int = 0) -> Recording:
    """One page, and a change each second of so many minutes; each fifth minute a new snapshot."""
    body = _node(4, "body", None, _node(5, "h1", None, _text(6, "Second 0")), *inside)
    root = {"type": 0, "id": 1, "childNodes": [_node(2, "html", None, _node(3, "head"), body)]}
    events: list[dict[str, Any]] = []
    for second in range(minutes * 60 + 3):
        if second % 300 == 0:
            events.append({"type": 4, "timestamp": 1_000 * second, "data": {"href": "https://shop.test/", "width": 800, "height": 500}})
            events.append({"type": 2, "timestamp": 1_000 * second + 1, "data": {"node": root, "initialOffset": {"top": 0, "left": 0}}})
        change = {"source": 0, "texts": [{"id": 6, "value": f"Second {second}"}], "attributes": [], "removes": [], "adds": []}
        events.append({"type": 3, "timestamp": 1_000 * second + 2, "data": change})
    return Recording([msgspec.json.encode(events)], [], lambda name: (PIXEL, "image/png") if name == PIXEL_NAME else None)


def _capsule(recording: Recording, *moments_ms: int, label: str = "Something failed", **more: Any) -> bytes:
    now = utc_now()
    session = Session(
        id="ses_1", project_id="p", site="shop.test", route="/", started_at=now - timedelta(minutes=20), duration_ms=1, events_object_key="",
        created_at=now, updated_at=now, stage=Stage.DONE,
    )  # fmt: skip
    ticks = [Tick(t_ms=ms, kind="js_exception", label=label, state="confirmed") for ms in moments_ms]
    trimmed = trim(recording, list(moments_ms), whole=False)
    return capsule_page(
        Capsule(session=session, report=None, ticks=ticks, way=None, test="", redactions={"email": 2}, losses=[], recording=trimmed, **more)
    )


@needs_build
@pytest.mark.browser
def test_a_downloaded_capsule_shows_the_failure_without_a_network(tmp_path: Path, browser: Browser, visit: Visit) -> None:
    with serving(make_app(tmp_path / "server", filled=True)) as url:
        visitor = visit(url)
        visitor.sign_in()
        answer = visitor.get(f"/p/{PROJECT}/sessions/{PAY_SESSION}/capsule.html")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="failure-s-pay-1.html"'
    file = tmp_path / "failure.html"
    file.write_bytes(answer.content)

    opened = Opened(browser, file)
    replay = opened.page.frame_locator("#screen iframe")
    expect(replay.get_by_role("heading", name="Checkout")).to_be_visible()
    expect(opened.page.get_by_text("POST /api/orders/:id/pay → 500").first).to_be_visible()
    expect(opened.page.get_by_text("Likely cause")).to_be_visible()
    expect(opened.page.get_by_role("listitem").filter(has_text="Click the button “Pay €64.80”")).to_be_visible()
    opened.page.get_by_role("button", name="0:10").first.click()
    expect(opened.page.get_by_role("button", name="Pause")).to_be_visible()
    assert [url for url in opened.fetched if "127.0.0.1:9/" not in url] == []  # the recorded page's own are refused by the policy
    opened.context.close()


@needs_build
@pytest.mark.browser
def test_nothing_of_the_recorded_site_runs_or_is_fetched(tmp_path: Path, browser: Browser) -> None:
    boom = "parent.document.title = document.title = 'ran'"
    recording = _recording(
        _node(10, "img", {"src": "https://shop.test/x.png", "onerror": boom}),
        _node(11, "script", {}, _text(12, boom)),
        _node(13, "iframe", {"srcdoc": f"<script>{boom}</script>"}),
        _node(14, "svg", {"onload": boom}),
        _node(15, "a", {"href": f"javascript:{boom}"}, _text(16, "</script><script>document.title='ran'</script>")),
        _node(17, "iframe", {"src": "https://shop.test/frame"}),
    )
    file = tmp_path / "hostile.html"
    file.write_bytes(_capsule(recording, 1_000, label=f"</script><script>{boom}</script><img src=x onerror={boom!r}>"))

    opened = Opened(browser, file)
    expect(opened.page.frame_locator("#screen > .replayer-wrapper > iframe").get_by_role("heading", name="Second")).to_be_visible()
    opened.page.get_by_role("button", name="Play").click()
    expect(opened.page.get_by_role("button", name="Play")).to_be_visible()  # it played to its end
    assert opened.page.title() == "shop.test/"
    assert [url for url in opened.fetched if not url.startswith("https://shop.test/")] == []
    policy = opened.page.locator("meta[http-equiv]").get_attribute("content")
    assert policy is not None and policy.startswith("default-src 'none'; script-src 'sha256-") and "unsafe-inline' data:" in policy
    opened.context.close()


@needs_build
@pytest.mark.browser
def test_pictures_of_the_vault_are_inside(tmp_path: Path, browser: Browser) -> None:
    file = tmp_path / "picture.html"
    file.write_bytes(_capsule(_recording(_node(10, "img", {"src": STAGE_ORIGIN + PIXEL_NAME, "alt": "dot"})), 1_000))

    opened = Opened(browser, file)
    picture = opened.page.frame_locator("#screen iframe").get_by_role("img", name="dot")
    expect(picture).to_have_js_property("naturalWidth", 1)
    opened.context.close()


def test_a_long_recording_is_trimmed_to_the_failure_and_says_so() -> None:
    recording = _recording(minutes=20)
    part = trim(recording, [15 * 60_000], whole=False)
    assert part.start_ms in range(10 * 60_000, 14 * 60_000)
    first, second = msgspec.json.decode(part.text)[:2]
    assert (first["type"], second["type"]) == (4, 2)
    assert part.left_out > 600
    assert part.cut == "only what leads to the failures and follows them is here"
    whole = trim(recording, [15 * 60_000], whole=True)
    assert (whole.left_out, whole.cut) == (0, "")


def test_a_recording_without_a_page_gives_a_capsule_that_says_so() -> None:
    assert trim(Recording([b"[]"]), [5], whole=False).event_count == 0


@needs_build
def test_it_carries_its_redaction_report() -> None:
    assert "Removed before storing: 2 email." in _capsule(_recording(), 1_000).decode()
