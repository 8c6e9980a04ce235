"""Two builds of one page throw the same error: with their maps uploaded it is one issue, shown by its source."""

import asyncio
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.async_api import Browser, async_playwright, expect

from hatch_build import node_command
from retrospec.cli.main import main
from retrospec.demo.drive import launch
from retrospec.domain.settings import Settings
from retrospec.domain.shipped import built_dir
from retrospec.replay.browser import find_browser
from tests.conftest import Client, make_key, serving, settings_for
from tests.web.serving import EMAIL, PASSWORD

pytestmark = pytest.mark.browser
FOUND = find_browser(Settings().replay)
ESBUILD = Path(__file__).resolve().parents[2] / "node_modules" / "esbuild" / "bin" / "esbuild"

CART = """export interface Item { price: number; discount?: { percent: number } }

export function applyDiscount(item: Item): number {
  // every tea has a discount, or so we thought
  return item.price * (1 - item.discount!.percent / 100);
}
"""
BASKET = """import { applyDiscount, type Item } from "./cart";
%s
const items: Item[] = [{ price: 12 }];

function showTotal(): void {
  document.querySelector("output")!.textContent = String(items.map((item) => applyDiscount(item)));
}

document.querySelector("button")!.addEventListener("click", () => showTotal());
"""
PAGE = """<!doctype html><html lang="en"><head><title>Basket</title>
<script src="{server}/sdk.js" data-key="{key}" data-site="kettle-lane" data-release="{release}"></script></head>
<body><main><h1>Basket</h1><button type="button">Show the total</button><output></output></main>
<script src="{script}"></script></body></html>"""
RELEASES = {"2.0.0": "", "2.1.0": 'const notes = ["a second release", "has more in it"]; console.info(notes.join());'}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def static_site(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def bundle(folder: Path, extra: str) -> Path:
    """The page's script, minified under a name of its own; the maps stay out of what is served."""
    source = folder / "src"
    source.mkdir(parents=True)
    (source / "cart.ts").write_text(CART)
    (source / "main.ts").write_text(BASKET % extra)
    subprocess.run(
        [*node_command("node"), ESBUILD, "src/main.ts", "--bundle", "--minify", "--sourcemap=external", "--outdir=dist", "--entry-names=[name]-[hash]"],
        cwd=folder, check=True, capture_output=True, timeout=60, env={**os.environ},
    )  # fmt: skip
    return next((folder / "dist").glob("main-*.js"))


async def visit(browser: Browser, url: str) -> str:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(url)
    await page.wait_for_function("() => window.retrospec?.sessionId")
    await page.get_by_role("button", name="Show the total").click()
    await page.wait_for_timeout(400)  # a person looks at what happened before leaving
    session_id = str(await page.evaluate("() => window.retrospec.sessionId"))
    await page.goto("about:blank")
    await page.wait_for_timeout(600)  # for the last beacon
    await page.close()
    await context.close()
    return session_id


@pytest.mark.skipif(FOUND is None or not ESBUILD.exists(), reason="needs a Chromium and esbuild from the lock file")
async def test_two_builds_land_in_one_issue_shown_by_its_source(tmp_path: Path) -> None:
    assert FOUND is not None
    if not (built_dir() / "retrospec.js").is_file():
        pytest.skip("needs the built SDK")
    settings = settings_for(tmp_path / "data")
    settings.server.port = 0
    site = tmp_path / "site"
    site.mkdir()
    with serving(settings) as server, static_site(site) as url:
        key = await asyncio.to_thread(make_key, settings)
        for release, extra in RELEASES.items():
            script = bundle(tmp_path / release, extra)
            (site / script.name).write_bytes(script.read_bytes())
            (site / f"{release}.html").write_text(
                PAGE.format(server=server.url, key=key, release=release, script=script.name)
            )
            uploaded = await asyncio.to_thread(
                CliRunner().invoke,
                main,
                ["sourcemaps", "upload", "--release", release, str(script.parent), "--server", server.url, "--key", key],
            )
            assert uploaded.exit_code == 0, uploaded.output
        async with async_playwright() as playwright:
            browser = await launch(playwright, FOUND.path)
            ids = [await visit(browser, f"{url}/{release}.html") for release in RELEASES]
            client = Client(server, key)
            sessions = [client.judged(session_id) for session_id in ids]
            (issue,) = client.http.get("/v1/issues").json()["issues"]
            client.http.close()
            assert issue["sessionCount"] == 2
            for session in sessions:
                assert "applyDiscount (src/cart.ts:5)" in session["reportCard"]["technicalRootCause"]

            page = await browser.new_page(viewport={"width": 1280, "height": 900})
            await page.goto(await _setup_link(settings, server.url))
            await page.get_by_label("E-mail").fill(EMAIL)
            await page.get_by_label("Password").fill(PASSWORD)
            await page.get_by_role("button", name="Create my account").click()
            await page.goto(f"{server.url}/p/proj_default/sessions/{ids[1]}")
            excerpt = page.locator("figure.excerpt").first
            await expect(excerpt.locator("figcaption")).to_contain_text("applyDiscount")
            await expect(excerpt.locator("figcaption")).to_contain_text("src/cart.ts:5")
            failed = excerpt.locator("li[data-failed]")
            await expect(failed).to_have_attribute("value", "5")
            await expect(failed).to_contain_text("item.discount!.percent / 100")
            await expect(excerpt).to_contain_text("every tea has a discount")
            if folder := os.environ.get("SHOTS_FOLDER"):
                for scheme in ("light", "dark"):
                    for width in (1440, 360):
                        await page.emulate_media(color_scheme=scheme)
                        await page.set_viewport_size({"width": width, "height": 900})
                        await page.screenshot(path=f"{folder}/code-{scheme}-{width}.png", full_page=True)
            await page.close()
            await browser.close()


async def _setup_link(settings: Settings, url: str) -> str:
    from retrospec.accounts.links import new_setup_link
    from retrospec.domain.clock import utc_now
    from retrospec.storage.database import Database

    database = Database.open(settings.database_url)
    link = await new_setup_link(database, now=utc_now())
    await database.close()
    return f"{url}{link}"
