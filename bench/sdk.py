"""``python -m bench.sdk``: what the SDK costs, as ratios to ``@rrweb/record`` alone, taken in one run.

Four measurements: gzipped size; main-thread time of three pages (Chromium's own TaskDuration, variants interleaved,
medians of the ratios within each round); bytes sent against the gzipped events; and how many of the errors thrown right before
a page goes away arrive. ``--rivals`` installs their published packages into ``build/bench`` and takes them along.
"""

import argparse
import gzip
import json
import os
import statistics
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

import hatch_build
from bench import rivals
from retrospec.bench.figures import Figure, Lacking, Note
from tests.browser.collector import BUILT, ROOT, Collector, Handler
from tests.chromium import chromium_path

PAGES = Path(__file__).parent / "pages"
RAW = """import { record } from "@rrweb/record"; window.events = []; const start = () => record({ emit: (e) => events.push(e), maskAllInputs: true });
document.readyState === "loading" ? addEventListener("DOMContentLoaded", start) : start();"""
ONLY_RECORD = 'export { record } from "@rrweb/record";'
TAGS = {
    "none": "",
    "rrweb": '<script src="/raw.js"></script>',
    "retrospec": '<script src="/sdk.js" data-key="k1" data-site="bench"></script>',
}
RIVALS_SEND_MS = 12_000
"""OpenReplay gathers for ten seconds before it sends, Sentry for five, PostHog for three."""
LEAVES = {"navigation": "location.href = '/blank.html'", "reload": "location.reload()", "close": "", "offline": ""}
"""How a page ends right after the error: by its own script, by closing the tab, or while offline."""


@contextmanager
def running_collector() -> Iterator[Collector]:
    """A collector on a free port."""
    collected = Collector()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("BenchHandler", (Handler,), {"collector": collected}))
    server.daemon_threads = True
    collected.base = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield collected
    server.shutdown()
    server.server_close()


def gzipped(text: bytes) -> int:
    """Bytes after gzip at level 9."""
    return len(gzip.compress(text, 9))


def measure_size(bundles: dict[str, Path]) -> list[Figure]:
    """The served script against ``record`` bundled the same way, and what comes later."""
    alone = ROOT / "build" / "bench" / "record.js"
    hatch_build.bundle(ROOT, ["--format=iife", "--global-name=rrwebRecord", hatch_build.BROWSERS, f"--outfile={alone}"], ONLY_RECORD)
    first, more, canvas = (gzipped((BUILT / name).read_bytes()) for name in ("retrospec.js", "sdk-more.mjs", "sdk-canvas.mjs"))
    theirs = gzipped(alone.read_bytes())
    print(f"size, gzipped: @rrweb/record alone {theirs:,} B; sdk.js {first:,} B, more by {first - theirs:,} B")
    print(f"  fetched later: sdk-more.mjs {more:,} B, together more by {first + more - theirs:,} B; sdk-canvas.mjs (with recordCanvas only) {canvas:,} B")
    for name, bundle in bundles.items():
        print(f"  {name}: {gzipped(bundle.read_bytes()):,} B")
    beside = f"record alone {theirs:,} B, sdk.js {first:,} B; later sdk-more.mjs {more:,} B"
    over = first - theirs
    return [Figure(name="gzipped, over @rrweb/record alone", goal="<= 7,168 B", reached=f"{over:,} B", is_met=over <= 7 * 1024, beside=beside)]


def open_page(page: Page, collector: Collector, name: str, tag: str, sent: list[int]) -> None:
    """One bench page with one variant's script in its head; ``sent`` gathers the sizes of what a rival sends."""
    text = (PAGES / f"{name}.html").read_text().replace("<!--sdk-->", tag)
    raw = ROOT / "build" / "bench" / "raw.js"
    page.route("**/bench.html", lambda route: route.fulfill(body=text, content_type="text/html;charset=utf-8"))
    page.route("**/raw.js", lambda route: route.fulfill(body=raw.read_text(), content_type="text/javascript"))
    rivals.serve(page, sent)
    page.goto(f"{collector.base}/bench.html")


RECORDED = "window.events ? events.length : window.retrospec ? retrospec.flush().then(() => 0) : 0"


def recorded(page: Page, collector: Collector, sent: list[int]) -> str:
    """What the script of a variant has recorded or sent by the time it has had a few seconds more: proof that it was at work."""
    events = page.evaluate(RECORDED)
    page.wait_for_timeout(RIVALS_SEND_MS)
    events += len(collector.events)
    return f"{events} events" if events else f"{sum(sent):,} bytes sent in {len(sent)} requests"


def task_ms(browser: Browser, collector: Collector, name: str, tag: str, proof: list[str]) -> float:
    """Main-thread time of loading and working through a page, in milliseconds. An empty ``proof`` is given one."""
    sent: list[int] = []
    collector.chunks.clear()
    context = browser.new_context()
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
    open_page(page, collector, name, tag, sent)
    page.evaluate("run()")
    page.wait_for_timeout(300)
    metrics = {one["name"]: one["value"] for one in cdp.send("Performance.getMetrics")["metrics"]}
    if not proof:
        proof.append(recorded(page, collector, sent))
    page.goto("about:blank")  # Chromium now and then never answers for a whole context whose page is still sending
    page.close()
    context.close()
    return float(metrics["TaskDuration"]) * 1_000


def quartiles(values: list[float]) -> str:
    """``median (first to third quartile)``."""
    ordered = sorted(values)
    low, high = ordered[len(ordered) // 4], ordered[-1 - len(ordered) // 4]
    return f"{statistics.median(ordered):.3f} ({low:.3f} to {high:.3f})"


def measure_main_thread(browser: Browser, collector: Collector, rounds: int, bundles: dict[str, Path], pages: list[str]) -> list[Figure]:
    """Per page and variant: the ratio to rrweb alone in the same round, its median and quartiles."""
    raw = ROOT / "build" / "bench" / "raw.js"
    hatch_build.bundle(ROOT, ["--format=iife", hatch_build.BROWSERS, f"--outfile={raw}"], RAW)
    found = []
    tags = TAGS | {name: f'<script src="/rival/{bundle.name}"></script>' for name, bundle in bundles.items()}
    for name in pages:
        times: dict[str, list[float]] = {variant: [] for variant in tags}
        proofs: dict[str, list[str]] = {variant: [] for variant in tags}
        for _ in range(rounds):
            for variant, tag in tags.items():
                times[variant].append(task_ms(browser, collector, name, tag, proofs[variant]))
        print(f"main thread, {name} page, {rounds} rounds; rrweb alone takes {statistics.median(times['rrweb']):.0f} ms", flush=True)
        for variant in tags:
            ratios = [one / rrweb for one, rrweb in zip(times[variant], times["rrweb"], strict=True)]
            print(f"  {variant:<10} / rrweb {quartiles(ratios)}; first round: {proofs[variant][0]}", flush=True)
            if variant == "retrospec":
                middle = statistics.median(ratios)
                beside = f"quartiles {quartiles(ratios)}, {rounds} rounds; rrweb alone {statistics.median(times['rrweb']):.0f} ms"
                found.append(Figure(name=f"main thread, {name} page, against rrweb alone", goal="<= 1.05 x", reached=f"{middle:.3f} x", is_met=middle <= 1.05, beside=beside))
    return found


def measure_bytes(browser: Browser, collector: Collector, seconds: int) -> list[Figure]:
    """Request bodies of a busy visit against its very events, joined and gzipped as one.

    At level 6, gzip's usual one and the one Chromium's ``CompressionStream`` has and lets nobody choose, and at 9.
    """
    collector.chunks.clear()
    collector.bodies.clear()
    context = browser.new_context()
    page = context.new_page()
    open_page(page, collector, "app", TAGS["retrospec"], [])
    page.evaluate("async (ms) => { const until = Date.now() + ms; while (Date.now() < until) { await run(); await new Promise((r) => setTimeout(r, 500)) } }", seconds * 1_000)
    page.evaluate("retrospec.flush()")
    context.close()
    events = json.dumps(collector.events, separators=(",", ":"), ensure_ascii=False).encode()
    sent = sum(len(body) for body in collector.bodies)
    print(f"bytes of a {seconds} s visit: sent {sent:,} in {len(collector.bodies)} requests; dropped: {collector.dropped() or 'nothing'}")
    for level in (6, 9):
        alone = len(gzip.compress(events, level))
        print(f"  its {len(collector.events):,} events gzipped at level {level}: {alone:,}; ratio {sent / alone:.3f}")
    ratio = sent / len(gzip.compress(events, 6))
    beside = f"{sent:,} B in {len(collector.bodies)} requests, {seconds} s, {len(collector.events):,} events"
    return [Figure(name="bytes sent, against its gzipped events", goal="<= 1.1 x", reached=f"{ratio:.3f} x", is_met=ratio <= 1.1, beside=beside)]


def leave_with_error(page: Page, leave: str, label: str) -> None:
    """Throws, and leaves before anything else can run."""
    script = f"setTimeout(() => {{ setTimeout(() => {{ {LEAVES[leave]} }}); throw new Error('{label}') }})"
    if leave == "offline":
        page.context.set_offline(True)
    page.evaluate(script)
    if leave == "close":
        page.close()
    elif leave == "offline":
        page.wait_for_timeout(50)
        page.context.set_offline(False)
        page.reload()


def letters(number: int) -> str:
    """A name per error that no masking of numbers makes equal."""
    return "".join(chr(97 + int(digit)) for digit in str(number))


def measure_delivery(browser: Browser, collector: Collector, errors: int) -> list[Figure]:
    """How many of ``errors`` last words arrive, by how the page ended."""
    collector.chunks.clear()
    arrived = 0
    for leave in LEAVES:
        context = browser.new_context()
        labels = [f"{leave} {letters(number)}x" for number in range(errors // len(LEAVES))]
        for label in labels:
            page = context.new_page()
            page.goto(f"{collector.base}/module.html")
            page.wait_for_function("window.ready")
            leave_with_error(page, leave, label)
        returning = context.new_page()
        returning.goto(f"{collector.base}/module.html")
        returning.wait_for_timeout(4_000)
        seen = " ".join(collector.labels())
        count = sum(label in seen for label in labels)
        arrived += count
        print(f"errors right before {leave}: {count} of {len(labels)} arrived", flush=True)
        context.close()
    thrown, dropped = errors // len(LEAVES) * len(LEAVES), collector.dropped() or "nothing"
    print(f"together: {arrived} of {thrown}; counted as dropped: {dropped}")
    beside = f"before {', '.join(LEAVES)}; counted as dropped: {dropped}"
    return [Figure(name="last words that arrive", goal=">= 99 %", reached=f"{arrived} of {thrown}", is_met=arrived >= 0.99 * thrown, beside=beside)]


def figures(note: Note) -> list[Figure]:
    """For ``retrospec bench all``: some ten minutes, without rivals. Raises Lacking where there is no Chromium."""
    if not chromium_path():
        raise Lacking("no Chromium was found")
    (ROOT / "build" / "bench").mkdir(exist_ok=True)
    found = measure_size({})
    with sync_playwright() as driver, running_collector() as collector:
        browser = driver.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"] if os.geteuid() == 0 else [])
        found += measure_main_thread(browser, collector, 9, {}, ["typing", "app", "table"])
        note("part", 1, 3)
        found += measure_bytes(browser, collector, 60)
        note("part", 2, 3)
        found += measure_delivery(browser, collector, 200)
        note("part", 3, 3)
        browser.close()
    return found


def main() -> None:
    """Runs what was asked for; everything without arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["size", "main-thread", "bytes", "delivery"])
    parser.add_argument("--page", choices=["typing", "app", "table"], action="append", help="main-thread time of this page alone")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--errors", type=int, default=200)
    parser.add_argument("--rivals", action="store_true", help="install rivals' packages from npm and measure them in the same run")
    wanted = parser.parse_args()
    hatch_build.build_static(ROOT)
    (ROOT / "build" / "bench").mkdir(exist_ok=True)
    bundles = rivals.install() if wanted.rivals else {}
    if wanted.only in (None, "size"):
        measure_size(bundles)
    if not chromium_path():
        sys.exit("No Chromium found: only the size was measured.")
    with sync_playwright() as driver, running_collector() as collector:
        arguments: list[Any] = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = driver.chromium.launch(executable_path=chromium_path(), args=arguments)
        if wanted.only in (None, "main-thread"):
            measure_main_thread(browser, collector, wanted.rounds, bundles, wanted.page or ["typing", "app", "table"])
        if wanted.only in (None, "bytes"):
            measure_bytes(browser, collector, wanted.seconds)
        if wanted.only in (None, "delivery"):
            measure_delivery(browser, collector, wanted.errors)
        browser.close()


if __name__ == "__main__":
    main()
