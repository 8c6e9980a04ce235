"""Fixtures: the built SDK, a real Chromium, and a running collector."""

import contextlib
import importlib.util
import os
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.browser.collector import BUILT, PAGES, ROOT, Collector, Handler
from tests.chromium import chromium_path, no_chromium


@pytest.fixture(scope="session")
def built_sdk() -> Path:
    """``build/static`` with bundles at least as new as sdk.js."""
    bundle = BUILT / "retrospec.js"
    sources = [ROOT / name for name in ("sdk.js", "sdk-more.js", "package-lock.json", "hatch_build.py")]
    if not bundle.is_file() or bundle.stat().st_mtime < max(one.stat().st_mtime for one in sources):
        spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.build_static(ROOT)
    return BUILT


@pytest.fixture
def collector(built_sdk: Path) -> Iterator[Collector]:
    """A running server and what it collects."""
    collected = Collector()
    handler = type("OwnHandler", (Handler,), {"collector": collected})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    collected.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield collected
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def playwright_driver() -> Iterator[Playwright]:
    """For one module, never the whole run: while it is open no other test can run an event loop of its own."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(playwright_driver: Playwright) -> Iterator[Browser]:
    path = chromium_path()
    if not path:
        pytest.skip(no_chromium())
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    launched = playwright_driver.chromium.launch(executable_path=path, args=as_root)
    yield launched
    launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    fresh = browser.new_context(viewport={"width": 900, "height": 700})
    yield fresh
    # Page by page: Chromium now and then never answers for a whole context whose pages were still sending.
    for left in fresh.pages:
        with contextlib.suppress(PlaywrightError):  # it may be closing by itself
            left.goto("about:blank", timeout=5_000)
            left.close()
    fresh.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def visit(page: Page, collector: Collector) -> Callable[..., Page]:
    """Opens a test page with the SDK; keyword arguments become the tag's ``data-`` attributes."""

    def open_page(name: str = "shop.html", **options: str) -> Page:
        def with_options(route: Any) -> None:
            attributes = "".join(f' data-{key.replace("_", "-")}="{value}"' for key, value in options.items())
            text = (PAGES / name).read_text().replace("<!--sdk-->", f'<script src="/sdk.js" data-key="k1" data-site="shop"{attributes}></script>')
            route.fulfill(body=text, content_type="text/html;charset=utf-8", headers=collector.headers)

        page.route(f"**/{name}*", with_options)
        page.goto(f"{collector.base}/{name}")
        return page

    return open_page
