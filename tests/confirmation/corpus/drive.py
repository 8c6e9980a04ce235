"""Record the corpus anew: drive each case's page in a real Chromium and keep what rrweb saw.

    npm ci && python -m tests.confirmation.corpus.drive [NAME...]

Each ``cases/*.html`` begins with a comment that holds its label and its steps: click, rage (many clicks),
type, scroll, drag, move, wait. ``v`` and ``w`` are the first set; ``x`` and ``y`` were made later, in other styles, and judged by a
checker that did not know them. The page's own failures mark themselves, as the SDK would.
"""

import asyncio
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import zstandard
from playwright.async_api import Browser, Page, Route, async_playwright

from retrospec.domain.settings import ReplaySettings
from retrospec.replay.found import find_browser

HERE = Path(__file__).parent
RECORDER = HERE.parents[2] / "node_modules/@rrweb/record/dist/record.umd.min.cjs"
SITE = "http://corpus.test"
AFTER_MS = 6_500
"""Watched after the last step: longer than any effect in the corpus takes."""
AT_ONCE = 4
CLICK_SIGNALS = ("dead_click", "rage_click", "unresponsive")

START = """
(() => {
  const begin = () => {
    const recorder = window.rrwebRecord || window.rrweb;
    recorder.record({ emit: (event) => window.__keep(JSON.stringify(event)), slimDOMOptions: { script: true, comment: true } });
  };
  window.mark = (signal, evidence) => window.__mark(signal, Date.now(), evidence || {});
  window.wait = (ms) => new Promise((done) => setTimeout(done, ms));
  window.api = async (status, ms) => {
    const began = Date.now();
    const answer = await fetch(`/api/${status}/${ms}`);
    if (status >= 400) mark("http_error", { status, durationMs: Date.now() - began });
    return answer;
  };
  window.dead = (ms) => fetch(`/dead/${ms}`).catch(() => mark("network_error", { failure: "network" }));
  window.toast = (text, style) => {
    document.body.insertAdjacentHTML("beforeend", `<div class=toast style="${style || ""}">${text}</div>`);
    return document.body.lastElementChild;
  };
  addEventListener("error", (event) => mark("exception", { message: event.message }));
  addEventListener("unhandledrejection", (event) => mark("unhandled_rejection", { message: String(event.reason) }));
  if (location.pathname.startsWith("/case") || location.pathname.startsWith("/page")) {
    document.readyState === "loading" ? addEventListener("DOMContentLoaded", begin) : begin();
  }
})();
"""

PAGES = {
    "500": "<title>500</title><h1>Internal Server Error</h1><p>The server could not complete your request.</p>",
    "404": "<title>404</title><h1>Page not found</h1><p>What you are looking for is not here.</p>",
    "json": '<pre>{"error": "internal server error", "code": 500}</pre>',
    "slow": "<h1>Your basket</h1><ul><li>Assam<li>Sencha</ul><p>Total 17.00</p>",
}


class Case:
    """One page with its label; ``events`` and ``marks`` fill while it is driven."""

    def __init__(self, path: Path) -> None:
        head, self.body = path.read_text("utf-8").split(" -->\n", 1)
        label = json.loads(head.removeprefix("<!-- "))
        self.name, self.visible, self.signal = path.stem, bool(label["visible"]), str(label["signal"])
        self.steps: list[str] = label["steps"]
        self.skin = (HERE / "skins" / f"{label['skin']}.css").read_text("utf-8")
        self.events: list[dict[str, Any]] = []
        self.marks: list[tuple[str, float, dict[str, Any]]] = []

    @property
    def page(self) -> str:
        return f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{self.name}</title><style>{self.skin}</style></head><body>{self.body}</body></html>"

    def saved(self) -> bytes:
        zero = min(event["timestamp"] for event in self.events)
        told = [(at, evidence) for signal, at, evidence in self.marks if signal == self.signal]
        at, evidence = told[-1 if self.signal in CLICK_SIGNALS else 0]
        kept = {"visible": self.visible, "signal": self.signal, "tMs": round(at - zero), "evidence": evidence, "events": self.events}
        return zstandard.compress(json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode(), 19)


async def serve(case: Case, route: Route) -> None:
    """The whole site: the case's page, pages to go to, and an API that answers as it is asked to."""
    _, kind, *words = route.request.url.removeprefix(SITE).partition("?")[0].split("/")
    if kind == "api":
        await asyncio.sleep(int(words[1]) / 1_000)
        await route.fulfill(status=int(words[0]), body="{}")
    elif kind == "dead":
        await asyncio.sleep(int(words[0]) / 1_000)
        await route.abort()
    elif kind == "page":
        await asyncio.sleep(2 if words[0] == "slow" else 0.2)
        await route.fulfill(body=f"<!doctype html><meta charset=utf-8><style>{case.skin}</style><body>{PAGES[words[0]]}", content_type="text/html")
    else:
        await route.fulfill(body=case.page, content_type="text/html")


async def act(page: Page, case: Case, step: str) -> None:
    """Carry out one step as a hand would: the pointer moves there first."""
    word, *rest = step.split(" ")
    if word in ("click", "rage"):
        times = int(rest[1]) if word == "rage" else 1
        where = page.locator(rest[0])
        await where.hover(force=True)
        await asyncio.sleep(0.25)
        for _ in range(times):
            await page.mouse.down()
            await asyncio.sleep(0.06)
            await page.mouse.up()
            await asyncio.sleep(0.18 if times > 1 else 0)
        if case.signal in CLICK_SIGNALS:
            case.marks.append((case.signal, time.time() * 1_000, {}))
    elif word == "drag":
        where = page.locator(rest[0])
        await where.hover(force=True)
        box = await where.bounding_box()
        assert box is not None, f"{rest[0]} is not drawn"
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        await page.mouse.down()
        await page.mouse.move(x + int(rest[1]), y + int(rest[2]), steps=8)
        await page.mouse.up()
    elif word == "type":
        await page.locator(rest[0]).press_sequentially(rest[1], delay=90)
    elif word == "scroll":
        await page.mouse.wheel(0, int(rest[0]))
        await asyncio.sleep(0.6)
    elif word == "move":
        await page.mouse.move(int(rest[0]), int(rest[1]), steps=8)
    else:
        await asyncio.sleep(int(rest[0]) / 1_000)


async def record(browser: Browser, case: Case) -> None:
    """Drive one case from load to the last look around."""
    context = await browser.new_context(viewport={"width": 1024, "height": 640})
    page = await context.new_page()
    await context.route("**/*", lambda route: serve(case, route))
    await page.expose_function("__keep", lambda event: case.events.append(json.loads(event)))
    await page.expose_function("__mark", lambda signal, at, evidence: case.marks.append((signal, at, evidence)))
    await page.add_init_script(RECORDER.read_text("utf-8") + ";" + START)
    await page.goto(f"{SITE}/case")
    await page.mouse.move(500, 400, steps=4)
    await asyncio.sleep(1.8)
    for step in case.steps:
        await act(page, case, step)
    for turn in range(5):
        await asyncio.sleep(AFTER_MS / 5_000)
        await page.mouse.move(700 + 20 * turn, 500 + random.randrange(40), steps=3)
    await asyncio.sleep(0.7)
    await context.close()


async def main(names: list[str]) -> None:
    """Record the named cases, or all."""
    cases = [Case(path) for path in sorted((HERE / "cases").glob("*.html")) if not names or path.stem in names]
    found = find_browser(ReplaySettings())
    if found is None or not RECORDER.is_file():
        raise SystemExit("the corpus needs a Chromium and rrweb's recorder: npm ci")
    slots = asyncio.Semaphore(AT_ONCE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found.path)

        async def one(case: Case) -> None:
            async with slots:
                await record(browser, case)
            try:
                (HERE / "recordings" / f"{case.name}.json.zst").write_bytes(case.saved())
                print(case.name, len(case.events), "events", [mark[0] for mark in case.marks])
            except (IndexError, ValueError):
                print(case.name, "NOT SAVED:", len(case.events), "events, marks", case.marks)

        await asyncio.gather(*map(one, cases))
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
