"""``python -m bench.player``: how soon a long recording shows its first picture, and what it costs the browser.

Makes a recording of the asked size (ten page loads, in pieces of half a megabyte, as the SDK sends them), serves it from a
temporary folder on the loopback address, opens its Session page in headless Chromium, and prints, as medians: the time from
the navigation to the first picture, also of a recording of 100 KB as a yardstick for the machine; to a moment far on, asked
for at once; until everything has come; and the JavaScript heap.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from playwright.sync_api import Browser, Page

from retrospec.bench.recordings import NORMAL, Habit, recording
from retrospec.capture.compress import compress
from retrospec.domain.clock import from_epoch_ms, to_epoch_ms, utc_now
from retrospec.domain.settings import Settings, StorageSettings
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.storage.tables import chunks
from tests.web.browsing import chromium, sign_in
from tests.web.seeding import PROJECT, add_session
from tests.web.serving import make_app, serving

ASKED_FIRST_MS = 1_000
PAGES = 10
PIECE_BYTES = 512 * 1024
SESSION, SMALL = "s-long", "s-small"
SMALL_BYTES = 100_000
HABIT = Habit(0.06, NORMAL.weights)
"""A page's picture is a sixteenth of what happens on it: 300 KB of 5 MB."""
FIRST_PICTURE = """() => new Promise((done) => {
  const isShown = () => document.querySelector("#player[data-ready] #screen[data-shown]") !== null;
  const look = () => (isShown() ? requestAnimationFrame(() => done(performance.now())) : requestAnimationFrame(look));
  look();
})"""


def pieces_of(events: bytes) -> list[list[msgspec.Raw]]:
    """A recording's events in pieces of about ``PIECE_BYTES``."""
    made: list[list[msgspec.Raw]] = [[]]
    size = 0
    for event in msgspec.json.decode(events, type=list[msgspec.Raw]):
        if size >= PIECE_BYTES:
            made.append([])
            size = 0
        made[-1].append(event)
        size += len(memoryview(event))
    return made


async def store(folder: Path, session: str, size_bytes: int) -> int:
    """The session and its chunks; its length in ms."""
    settings = Settings(storage=StorageSettings(dir=str(folder)))
    database, blobs = Database.open(settings.database_url), Blobs.open(settings.blobs_url)
    started_ms = to_epoch_ms(utc_now() - timedelta(hours=6))
    at_ms, seq, rows = started_ms, 0, []
    for page in range(PAGES):
        for place, piece in enumerate(pieces_of(recording(page, size_bytes // PAGES, at_ms, HABIT))):
            text = b"[" + b",".join(piece) + b"]"
            key = f"session-events/{session}-{seq}.json"
            await blobs.put(f"{key}.zst", compress(text))
            stamps = [json.loads(bytes(piece[i]))["timestamp"] for i in (0, -1)]
            rows.append(
                {
                    "project_id": PROJECT, "session_id": session, "tab_id": "t", "seq": seq, "segment": page, "object_key": key,
                    "sha256": "", "size_bytes": len(text) // 6, "inflated_bytes": len(text), "event_count": len(piece),
                    "first_ms": stamps[0], "last_ms": stamps[1], "snapshot_ms": stamps[0] if place == 0 else 0, "created_at": utc_now(),
                }
            )  # fmt: skip
            seq, at_ms = seq + 1, stamps[1] + 1_000
    async with database.write() as connection:
        await add_session(connection, session, route="/long", started_at=from_epoch_ms(started_ms), duration_ms=at_ms - started_ms)
        await connection.execute(chunks.insert(), rows)
    await database.close()
    return at_ms - started_ms


def opened(browser: Browser, url: str, state: Any, moment: str, session: str = SESSION) -> tuple[Page, float, float]:
    """The page at ``moment``, ms from the navigation to its picture, and of these the main thread's own (processor time)."""
    page = browser.new_context(storage_state=state, viewport={"width": 1280, "height": 900}).new_page()
    metrics = page.context.new_cdp_session(page)
    metrics.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(f"{url}/p/{PROJECT}/sessions/{session}{moment}", wait_until="commit")
    took_ms = float(page.evaluate(FIRST_PICTURE))
    busy = {each["name"]: each["value"] for each in metrics.send("Performance.getMetrics")["metrics"]}
    return page, took_ms, busy["TaskDuration"] * 1000


def heap_mb(page: Page) -> float:
    """The JavaScript heap after a collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


def measure(browser: Browser, url: str, state: Any, length_ms: int, rounds: int) -> dict[str, float]:
    """Medians over ``rounds``; of processor times the least."""
    small, first, far, whole, heaps, small_busy, busy = [], [], [], [], [], [], []
    for _ in range(rounds):
        page, ms, busy_ms = opened(browser, url, state, "", SMALL)
        small.append(ms)
        small_busy.append(busy_ms)
        page.context.close()
        page, ms, busy_ms = opened(browser, url, state, "")
        busy.append(busy_ms)
        page.wait_for_selector("#player[data-whole]", timeout=120_000)
        first.append(ms)
        whole.append(float(page.evaluate("performance.now()")))
        heaps.append(heap_mb(page))
        page.context.close()
        page, ms, _ = opened(browser, url, state, f"?t={length_ms * 82 // 100}")
        far.append(ms)
        page.context.close()
    told = {"small_first_picture_ms": small, "first_picture_ms": first, "far_moment_ms": far, "whole_ms": whole, "heap_mb": heaps}
    least = {"first_picture_cpu_ms": round(min(busy)), "small_first_picture_cpu_ms": round(min(small_busy)), "best_first_picture_ms": round(min(first))}
    return {name: round(statistics.median(values)) for name, values in told.items()} | least


def main() -> int:
    """Prints the medians; 1 where the first picture took longer than asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="retrospec-player-") as folder:
        app = make_app(Path(folder), filled=False)
        lengths: list[int] = []

        def fill() -> None:
            asyncio.run(store(Path(folder), SMALL, SMALL_BYTES))
            lengths.append(asyncio.run(store(Path(folder), SESSION, options.mb * 1_000_000)))

        storing = threading.Thread(target=fill)
        storing.start()
        storing.join()
        with serving(app) as url, chromium() as browser:
            context = browser.new_context()
            sign_in(context.new_page(), url)
            told = measure(browser, url, context.storage_state(), lengths[0], options.rounds)
    if options.json:
        sys.stdout.write(json.dumps(told | {"mb": options.mb, "asked_first_picture_ms": ASKED_FIRST_MS}) + "\n")
    else:
        sys.stdout.write(
            f"{options.mb} MB, {lengths[0] // 60_000} min, median of {options.rounds}\n"
            f"  first picture   {told['first_picture_ms']:,.0f} ms (asked: under {ASKED_FIRST_MS:,}; of 100 KB: {told['small_first_picture_ms']:,.0f} ms)\n"
            f"  best of all     {told['best_first_picture_ms']:,.0f} ms; main thread's processor time {told['first_picture_cpu_ms']:,.0f} ms (100 KB: {told['small_first_picture_cpu_ms']:,.0f} ms)\n"
            f"  a far moment    {told['far_moment_ms']:,.0f} ms\n  all of it       {told['whole_ms']:,.0f} ms\n  heap            {told['heap_mb']:,.0f} MB\n"
        )
    return int(told["first_picture_ms"] >= ASKED_FIRST_MS)


if __name__ == "__main__":
    sys.exit(main())
