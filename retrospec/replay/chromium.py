"""One headless Chromium that can reach nothing, and its whole family of processes."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import psutil
from playwright.async_api import Browser, CDPSession, Page, Playwright, Route, async_playwright
from playwright.async_api import Error as PlaywrightError

from retrospec.domain.errors import Unavailable
from retrospec.domain.recording import Fetch
from retrospec.domain.shipped import built_dir
from retrospec.replay.found import FoundBrowser
from retrospec.replay.timeline import Size

STAGE_URL = "https://stage.invalid/"
"""Answered from memory; ``.invalid`` never resolves (RFC 6761)."""
VAULT_URL = "https://vault.invalid/"
"""Contents of the asset vault by their digest: answered from the blob store, never from a network."""
POLICY = (
    f"default-src 'none'; script-src 'none'; style-src 'unsafe-inline' data: {VAULT_URL}; img-src data: blob: {VAULT_URL}; "
    f"font-src data: {VAULT_URL}; media-src data: {VAULT_URL}"
)
"""First wall. Our own script comes by the debugger, so even the page itself may run none."""
ARGUMENTS = (
    "--host-resolver-rules=MAP * ~NOTFOUND",  # third wall, also against loopback and DNS; the second aborts each request
    "--no-proxy-server",
    "--no-pings",
    "--dns-prefetch-disable",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-lcd-text",
    "--font-render-hinting=none",
    "--renderer-process-limit=2",
    "--disable-site-isolation-trials",
    "--autoplay-policy=user-gesture-required",
)
_VAULT_RESOURCES = frozenset({"image", "font", "stylesheet", "media"})
_VAULT_HEADERS = {
    "Access-Control-Allow-Origin": "*",  # fonts are asked for as a foreign origin's
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "max-age=31536000, immutable",
}
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0
NICENESS = 5
_PAGE = (
    "<!doctype html><meta charset=utf-8><title>stage</title><style>html,body{margin:0;overflow:hidden;background:#fff}"
    ".replayer-mouse,.replayer-mouse-tail{display:none!important}iframe{border:0;display:block}"
    "%s.replayer-wrapper{transform:var(--shrunk,none)!important;transform-origin:0 0!important}</style><body></body>"
)


class Chromium:
    """A running browser. ``start`` it, open pages, ``stop`` it; ``kill`` works at any time and never waits on it."""

    def __init__(self, found: FoundBrowser) -> None:
        self.found = found
        self.unguarded = ""
        """Why Chromium's own sandbox is off; empty when it is on."""
        self.version = ""
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._driver: psutil.Process | None = None
        self._folders: set[Path] = set()
        """The driver's folder and the browser's profile: ours to remove when the driver no longer can."""

    async def start(self) -> None:
        """Start driver and browser; ``Unavailable`` with the reason when either does not come up."""
        earlier = {child.pid for child in psutil.Process().children()}
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                self._playwright = await async_playwright().start()
                self._driver = _new_driver(earlier)
                _yield_to_others(self._driver)
                self._folders.add(artifacts := Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="retrospec-browser-")))
                self._browser = await self._launch(self._playwright, artifacts)
        except (PlaywrightError, OSError, TimeoutError) as error:
            await self.kill()
            raise Unavailable(f"{self.found.path} did not start: {_first_line(error)}") from error
        self.version = self._browser.version
        self._folders |= self._profile_dirs()

    async def _launch(self, playwright: Playwright, artifacts: Path) -> Browser:
        browser, self.unguarded = await in_its_sandbox(lambda sandbox: self._launch_once(playwright, artifacts, sandbox))
        return browser

    async def _launch_once(self, playwright: Playwright, artifacts: Path, sandbox: bool) -> Browser:
        return await playwright.chromium.launch(
            executable_path=self.found.path,
            artifacts_dir=artifacts,
            headless=True,
            chromium_sandbox=sandbox,
            args=list(ARGUMENTS),
            env={"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8", "TZ": "UTC"},
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
            timeout=START_TIMEOUT_S * 1_000,
        )

    async def open_stage(self, size: Size, assets: Fetch | None = None) -> tuple[Page, CDPSession]:
        """A page with the stage's script in it, in a context of its own; ``assets`` answers below ``VAULT_URL``."""
        if self._browser is None:
            raise Unavailable("the browser is not running")
        context = await self._browser.new_context(
            viewport={"width": size.width, "height": size.height},
            device_scale_factor=1,
            locale="en-US",
            timezone_id="UTC",
            color_scheme="light",
            reduced_motion="no-preference",
            accept_downloads=False,
            service_workers="block",
        )
        await context.route("**/*", _refuse)
        if assets is not None:
            await context.route(f"{VAULT_URL}*", partial(_answer, assets))
        page = await context.new_page()
        await page.goto(STAGE_URL)
        await page.evaluate(await asyncio.to_thread(_stage_script))
        if assets is not None:
            await page.evaluate("origin => { retrospecStage.vault = origin }", VAULT_URL)
        return page, await context.new_cdp_session(page)

    @property
    def alive(self) -> bool:
        """Whether pages can be opened."""
        return self._browser is not None and self._browser.is_connected()

    def memory_bytes(self) -> int:
        """Driver and browser together, shared pages counted once (PSS where the kernel tells it)."""
        return sum(_held_bytes(process) for process in self._family())

    async def stop(self) -> None:
        """Close in order; what does not close in time is killed."""
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                if self._browser is not None:
                    await self._browser.close()
        except (PlaywrightError, TimeoutError):
            pass  # killed below, whatever was left
        await self.kill()

    async def kill(self) -> None:
        """End the browser's process group, then the driver; remove what they left on disk."""
        family = self._family()
        self._folders |= self._profile_dirs()
        for process in family:
            if self._driver is None or process.pid != self._driver.pid:
                _kill_group(process)
        await self._stop_driver()
        await asyncio.to_thread(psutil.wait_procs, family, STOP_TIMEOUT_S)
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()
        for folder in self._folders:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        self._browser, self._playwright, self._driver = None, None, None
        self._folders = set()

    async def _stop_driver(self) -> None:
        if self._playwright is None:
            return
        with contextlib.suppress(PlaywrightError, TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._playwright.stop()

    def _family(self) -> list[psutil.Process]:
        if self._driver is None:
            return []
        try:
            return [*self._driver.children(recursive=True), self._driver]
        except psutil.Error:
            return []

    def _profile_dirs(self) -> set[Path]:
        found: set[Path] = set()
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                found |= {Path(word.partition("=")[2]) for word in process.cmdline() if word.startswith("--user-data-dir=")}
        return found


def no_sandbox_reason() -> str:
    """Why Chromium's sandbox cannot be on here; empty when it can be tried."""
    if sys.platform != "win32" and os.geteuid() == 0:
        return "RetroSpec runs as root, where Chromium has no sandbox; run it as an ordinary user"
    return ""


async def in_its_sandbox(launch: Callable[[bool], Awaitable[Browser]]) -> tuple[Browser, str]:
    """A browser, in Chromium's sandbox where it can have one, and else why not. ``launch`` is told whether to ask for it."""
    unguarded = no_sandbox_reason()
    try:
        return await launch(not unguarded), unguarded
    except PlaywrightError as error:
        if unguarded or "sandbox" not in str(error).lower():
            raise
        return await launch(False), "this kernel does not let Chromium build its sandbox"


async def _refuse(route: Route) -> None:
    if route.request.url == STAGE_URL and route.request.is_navigation_request() and route.request.frame.parent_frame is None:
        await route.fulfill(body=_stage_page(), content_type="text/html", headers={"Content-Security-Policy": POLICY})
    else:
        await route.abort("blockedbyclient")


async def _answer(assets: Fetch, route: Route) -> None:
    """One content of the vault, or nothing: pictures, fonts and styles only, by the exact digest."""
    found = None
    if route.request.method == "GET" and route.request.resource_type in _VAULT_RESOURCES:
        found = await asyncio.to_thread(assets, route.request.url.removeprefix(VAULT_URL))
    with contextlib.suppress(PlaywrightError):  # the stage may have closed meanwhile
        if found is None:
            await route.abort("blockedbyclient")
        else:
            await route.fulfill(body=found[0], content_type=found[1], headers=_VAULT_HEADERS)


def _stage_page() -> str:
    return _PAGE % _built("replay.css").replace("</", "<\\/")


def _stage_script() -> str:
    ours = "\n".join((Path(__file__).parent / name).read_text("utf-8") for name in ("facts.js", "stage.js"))
    return f"(() => {{ {_built('replay.js')}\n;globalThis.rrwebReplay = rrwebReplay; {ours} }})()"


def _built(name: str) -> str:
    path = built_dir() / name
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise Unavailable(f"{path} is missing; in a checkout run: python hatch_build.py") from error


def _new_driver(earlier: set[int]) -> psutil.Process | None:
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if child.pid not in earlier and "run-driver" in child.cmdline():
                return child
    return None


def _yield_to_others(driver: psutil.Process | None) -> None:
    """The browser inherits it: rendering takes what time is left over, and never the server's."""
    if driver is not None and sys.platform != "win32":
        with contextlib.suppress(psutil.Error):
            driver.nice(NICENESS)


def _kill_group(process: psutil.Process) -> None:
    """Chromium leads a group of its own; a process that shares ours is killed alone."""
    with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
        group = os.getpgid(process.pid) if sys.platform != "win32" else 0
        if group and group == process.pid and group != os.getpgid(0):
            os.killpg(group, signal.SIGKILL)
        process.kill()


def _held_bytes(process: psutil.Process) -> int:
    try:
        memory = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(memory, "pss", 0) or memory.uss)


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
