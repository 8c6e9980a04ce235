"""``python -m tests.web.vitals``: LCP, CLS and INP of the main pages in Chromium, on seeded data; the best of several rounds.

As web-vitals counts them: the largest paint before anything is pressed, the layout shifts that no press explains, and the slowest
answer to a press. Wall time: on a busy machine only the ratios between pages mean something.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, StorageState

from tests.web.browsing import chromium, sign_in
from tests.web.seeding import PAY_KEY, PAY_SESSION, PROJECT
from tests.web.serving import make_app, serving

HERE = f"/p/{PROJECT}"
PAGES = {
    "home": (f"{HERE}/home", ["Tab"]),
    "issues": (f"{HERE}/issues", ["j", "x", "k"]),
    "issue": (f"{HERE}/issues/{PAY_KEY}", ["Tab", "Tab"]),
    "sessions": (f"{HERE}/sessions", ["j", "k"]),
    "session": (f"{HERE}/sessions/{PAY_SESSION}", ["ArrowRight", "i", "Tab"]),
}
"""Address and the keys that are pressed."""
GOOD = {"lcp_ms": 2_500.0, "cls": 0.1, "inp_ms": 200.0}
WATCH = """
window.vitals = { lcp_ms: 0, cls: 0, inp_ms: 0 };
const watch = (type, take, more = {}) => new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true, ...more });
watch("largest-contentful-paint", (entry) => (vitals.lcp_ms = entry.startTime));
watch("layout-shift", (entry) => entry.hadRecentInput || (vitals.cls += entry.value));
watch("event", (entry) => entry.interactionId && (vitals.inp_ms = Math.max(vitals.inp_ms, entry.duration)), { durationThreshold: 16 });
"""
AT_REST = "() => new Promise((done) => requestIdleCallback(() => requestAnimationFrame(() => setTimeout(done, 100)), { timeout: 5000 }))"


def vitals_of(browser: Browser, url: str, state: StorageState, keys: list[str], width: int) -> dict[str, float]:
    """One visit with an empty cache."""
    context = browser.new_context(storage_state=state, viewport={"width": width, "height": 900})
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(url, wait_until="load")
    page.evaluate(AT_REST)
    for key in keys:
        page.keyboard.press(key)
        page.evaluate(AT_REST)
    found: dict[str, float] = page.evaluate("() => window.vitals")
    context.close()
    return found


def measure(rounds: int, width: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Each page and the best of it."""
    with tempfile.TemporaryDirectory(prefix="retrospec-vitals-") as folder, chromium() as browser, serving(make_app(Path(folder), filled=True)) as url:
        context = browser.new_context()
        sign_in(context.new_page(), url)
        state = context.storage_state()
        for name, (path, keys) in PAGES.items():
            seen = [vitals_of(browser, url + path, state, keys, width) for _ in range(rounds)]
            yield name, {vital: min(each[vital] for each in seen) for vital in GOOD}


def main() -> int:
    """A line each; 1 where one is not good by web-vitals' own thresholds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--width", type=int, default=1280)
    options = parser.parse_args()
    is_good = True
    for name, found in measure(options.rounds, options.width):
        sys.stdout.write(f"{name:<10} LCP {found['lcp_ms']:6.0f} ms   CLS {found['cls']:.3f}   INP {found['inp_ms']:4.0f} ms\n")
        sys.stdout.flush()
        is_good &= all(found[vital] <= limit for vital, limit in GOOD.items())
    return int(not is_good)


if __name__ == "__main__":
    sys.exit(main())
