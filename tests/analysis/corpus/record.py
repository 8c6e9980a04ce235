"""Records the corpus: drives every scenario's pages in Chromium and stores what rrweb recorded.

    python -m tests.analysis.corpus.record [--only NAME] [--rrweb FILE] [--chromium FILE]

``--rrweb`` is the browser bundle of @rrweb/record, by default the one ``npm ci`` put below the repository's root.
"""

import argparse
import asyncio
import json
import os
import random
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import zstandard
from playwright.async_api import Browser, Route, async_playwright

from tests.analysis.corpus.blind_faults import BLIND_FAULTS
from tests.analysis.corpus.blind_healthy import BLIND_HEALTHY
from tests.analysis.corpus.faults import FAULTS
from tests.analysis.corpus.healthy import HEALTHY
from tests.analysis.corpus.scenarios import Scenario

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
RECORDINGS = HERE / "recordings"
RRWEB = ROOT / "node_modules/@rrweb/record/dist/record.umd.min.cjs"
ORIGIN = "http://shop.localhost"
AT_ONCE = 4


def scenarios() -> list[Scenario]:
    """All of them, faults first."""
    return [*FAULTS.scenarios, *HEALTHY.scenarios, *BLIND_FAULTS.scenarios, *BLIND_HEALTHY.scenarios]


async def answer(route: Route, scenario: Scenario) -> None:
    """The scenario's site: its pages below ``/app/``, and ``/api/<status>?ms=<delay>``. Nothing reaches a network."""
    place = urlsplit(route.request.url)
    if place.path.startswith("/api/"):
        await asyncio.sleep(int(parse_qs(place.query).get("ms", ["60"])[0]) / 1000)
        await route.fulfill(status=int(place.path.rsplit("/", 1)[-1]), json={"ok": False})
    elif place.netloc != urlsplit(ORIGIN).netloc:
        await route.abort("connectionrefused")
    else:
        body = scenario.pages.get(place.path.removeprefix("/app/"))
        await route.fulfill(status=200 if body is not None else 404, content_type="text/html", body=body or "")


async def record(browser: Browser, scenario: Scenario, scripts: list[str]) -> dict[str, Any]:
    """One visit: its events, and its markers with offsets from the first event."""
    kept: list[dict[str, Any]] = []
    context = await browser.new_context(viewport={"width": 800, "height": 600})
    await context.expose_function("keep", lambda text: kept.append(json.loads(text)))
    await context.route("**/*", lambda route: answer(route, scenario))
    for script in scripts:
        await context.add_init_script(script)
    page = await context.new_page()
    await page.goto(f"{ORIGIN}/app/")
    await scenario.steps(page)
    await page.mouse.move(300, 400, steps=3)  # the visitor is still there
    await page.wait_for_timeout(700)
    await context.close()
    events = [item["value"] for item in kept if item["kind"] == "event"]
    start = min(event["timestamp"] for event in events)
    markers = [item["value"] for item in kept if item["kind"] == "marker"]
    for number, marker in enumerate(markers):
        marker["id"] = f"mk_{number}"
        marker["offsetMs"] = max(0, marker.pop("at") - start)
    return {"events": events, "markers": markers}


def save(scenario: Scenario, visit: dict[str, Any]) -> None:
    """``recordings/<name>.json.zst``, labels included."""
    labels = {"name": scenario.name, "half": scenario.half, "expects": sorted(scenario.expects), "allows": sorted(scenario.allows), "isFailure": scenario.is_failure}
    text = json.dumps({"labels": labels, **visit}, separators=(",", ":")).encode()
    (RECORDINGS / f"{scenario.name}.json.zst").write_bytes(zstandard.ZstdCompressor(level=19).compress(text))


def page_scripts(rrweb: Path) -> list[str]:
    """What runs in every page before its own scripts: the bundle, put where ``recorder.js`` looks for it, and the recorder."""
    wrapped = f"(() => {{ const module = {{exports: {{}}}}, exports = module.exports; {rrweb.read_text()}\n;window.rrwebRecord = window.rrwebRecord || module.exports }})()"
    return [wrapped, (HERE / "recorder.js").read_text()]


async def record_all(chosen: list[Scenario], scripts: list[str], chromium: str) -> None:
    """Records ``AT_ONCE`` visits at a time."""
    gate = asyncio.Semaphore(AT_ONCE)
    async with async_playwright() as playwright:
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        browser = await playwright.chromium.launch(executable_path=chromium, args=sandbox)

        async def one(scenario: Scenario) -> None:
            async with gate:
                visit = await record(browser, scenario, scripts)
                save(scenario, visit)
                print(f"{scenario.half:5} {scenario.name}: {len(visit['events'])} events, {len(visit['markers'])} markers", flush=True)

        random.Random(1).shuffle(chosen)
        await asyncio.gather(*(one(scenario) for scenario in chosen))
        await browser.close()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="names that contain this")
    parser.add_argument("--rrweb", type=Path, default=RRWEB)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    chosen = parser.parse_args()
    wanted = [scenario for scenario in scenarios() if chosen.only in scenario.name]
    RECORDINGS.mkdir(exist_ok=True)
    asyncio.run(record_all(wanted, page_scripts(chosen.rrweb), chosen.chromium))


if __name__ == "__main__":
    main()
