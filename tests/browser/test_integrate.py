"""Each snippet of docs/integrate.md, as it stands there, in a page."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.collector import ROOT, Collector

pytestmark = pytest.mark.browser
GUIDE = (ROOT / "docs" / "integrate.md").read_text(encoding="utf-8")
SNIPPETS = dict(re.findall(r"<!-- snippet: (\w+) -->\n```\w*\n(.*?)```", GUIDE, re.DOTALL))

# Stand-ins for what a framework does with the hooks the snippets give it.
STANDINS = {
    "react": "export const createElement = (type) => ({ type });",
    "react-dom/client": """export const createRoot = (root, hooks) => ({ render({ type }) {
      try { type() } catch (error) { hooks.onUncaughtError(error, { componentStack: "at App" }) } } });""",
    "vue": """export const createApp = (App) => { const app = { config: {}, mount() {
      try { App() } catch (error) { app.config.errorHandler(error, null, "render") } } }; return app };""",
    "./App.js": "export const App = () => { throw new Error('render failed') };",
}


def open_with(page: Page, collector: Collector, body: str, headers: dict[str, str] | None = None) -> None:
    """Opens ``body`` as a page of the collector, which also answers for the example's server."""
    text = body.replace("https://retrospec.example.com", collector.base)
    imports = {name: "data:text/javascript," + json.dumps(code)[1:-1].replace("\\n", " ").replace('\\"', "%22") for name, code in STANDINS.items()}
    imports[collector.base + "/App.js"] = imports.pop("./App.js")
    importmap = "" if headers else f'<script type="importmap">{json.dumps({"imports": imports})}</script>'
    html = f'<!doctype html><html lang="en"><head><title>x</title>{importmap}</head><body><div id="root"></div>{text}</body></html>'

    def answer(route: Any) -> None:
        route.fulfill(body=html, content_type="text/html;charset=utf-8", headers=headers or {})

    page.route("**/guide.html", answer)
    page.goto(f"{collector.base}/guide.html")


def assert_recording(page: Page, collector: Collector) -> None:
    page.evaluate("window.retrospec ? retrospec.flush() : import('/sdk.mjs').then((sdk) => sdk.retrospec.flush())")
    collector.wait(lambda: any(event["type"] == 2 for event in collector.events))


@pytest.mark.parametrize("name", ["tag", "module", "proxy"])
def test_html_snippets_record(page: Page, collector: Collector, name: str) -> None:
    open_with(page, collector, SNIPPETS[name])
    assert_recording(page, collector)
    if name == "proxy":
        assert any(line.startswith("POST /watch/v2/chunks") for line in collector.methods)


def test_the_api_snippet_marks_what_it_says(page: Page, collector: Collector) -> None:
    open_with(page, collector, SNIPPETS["tag"])
    page.add_script_tag(content=SNIPPETS["api"])
    collector.wait_for_label("No delivery date offered")
    assert collector.wait_for_label("riskyThing is not defined")["evidence"]["extra"] == {"step": "delivery"}
    assert collector.chunks[-1]["user"] == {"id": "user-17", "traits": {"plan": "gold"}}


@pytest.mark.parametrize("name", ["react", "vue"])
def test_framework_snippets_capture_render_errors(page: Page, collector: Collector, name: str) -> None:
    open_with(page, collector, f'<script type="module">{SNIPPETS[name]}</script>')
    assert collector.wait_for_label("Error: render failed")["evidence"]["handled"] is True


def test_the_next_snippet_records(page: Page, collector: Collector) -> None:
    open_with(page, collector, f"<script>{SNIPPETS['next']}</script>")
    collector.wait(lambda: page.evaluate("import('/sdk.mjs').then((sdk) => sdk.retrospec.sessionId)"))
    assert_recording(page, collector)


def test_the_policy_of_the_guide_is_enough(page: Page, collector: Collector) -> None:
    name, value = SNIPPETS["csp"].replace("https://retrospec.example.com", collector.base).strip().split(": ", 1)
    open_with(page, collector, SNIPPETS["tag"], {name: value})
    assert_recording(page, collector)
    assert collector.markers == []


def test_nothing_happens_before_consent(page: Page, collector: Collector) -> None:
    open_with(page, collector, SNIPPETS["consent"])
    page.evaluate("retrospec.flush()")
    assert not [line for line in collector.methods if "/v2/chunks" in line]
    page.click("text=You may record")
    page.evaluate("retrospec.flush()")
    collector.wait(lambda: any(event["type"] == 2 for event in collector.events))
    page.click("text=Stop recording")
    assert page.evaluate("fetch.toString().includes('native code')")


def test_the_types_name_every_option() -> None:
    source = (ROOT / "sdk.js").read_text(encoding="utf-8")
    defaults = source[source.index("const DEFAULTS = {") : source.index("\n};\n")]
    types = (ROOT / "sdk.d.ts").read_text(encoding="utf-8")
    missing = [name for name in re.findall(r"^  (\w+):", defaults, re.MULTILINE) if not re.search(rf"\b{name}\??:", types)]
    assert missing == []
