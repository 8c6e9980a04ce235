"""Which Chromium to drive: the configured one, Playwright's own, or the system's."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from retrospec.domain.settings import ReplaySettings

SYSTEM_NAMES = (
    "chromium-headless-shell",
    "chrome-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "microsoft-edge-stable",
    "microsoft-edge",
)
"""Smallest first: the headless shell holds half the memory of the whole browser."""
_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_PLAYWRIGHT_BUILDS = (
    "chromium_headless_shell-*/*/headless_shell",
    "chromium_headless_shell-*/*/chrome-headless-shell*",
    "chromium-*/*/chrome",
    "chromium-*/*/chrome.exe",
    "chromium-*/*/Chromium.app/Contents/MacOS/Chromium",
)


class FoundBrowser(msgspec.Struct, frozen=True):
    """A Chromium that can be started."""

    path: str
    source: str
    """``configured``, ``playwright`` or ``system``."""
    how: str
    """One sentence for ``retrospec doctor``."""


def find_browser(settings: ReplaySettings) -> FoundBrowser | None:
    """The browser to use, or None where there is none.

    A configured path that does not exist is not replaced by another browser: see ``why_no_browser``.
    """
    if settings.browser:
        if not _runs(Path(settings.browser)):
            return None
        return FoundBrowser(settings.browser, "configured", f"replay.browser names {settings.browser}")
    for path in _playwright_builds():
        return FoundBrowser(str(path), "playwright", f"Playwright installed {path}")
    for path in _system_builds():
        return FoundBrowser(str(path), "system", f"{path} was found on this machine")
    return None


def why_no_browser(settings: ReplaySettings) -> str:
    """The sentence to show when ``find_browser`` answers None."""
    if settings.browser:
        return f"replay.browser is {settings.browser}, which is no program that can be run; correct it or leave it empty"
    return "no Chromium was found; install chromium-headless-shell or run: playwright install chromium --only-shell"


def _playwright_builds() -> Iterator[Path]:
    home = _playwright_home()
    if not os.access(home, os.R_OK | os.X_OK):  # not there; or another's, as where root became the service's user and kept HOME
        return
    for pattern in _PLAYWRIGHT_BUILDS:
        yield from sorted((path for path in home.glob(pattern) if _runs(path)), reverse=True)


def _playwright_home() -> Path:
    """Where Playwright keeps browsers (source: its documentation, "Managing browser binaries")."""
    named = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "")
    if named and named != "0":
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/ms-playwright"
    if sys.platform == "win32":
        return Path.home() / "AppData/Local/ms-playwright"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ms-playwright"


def _system_builds() -> Iterator[Path]:
    for name in SYSTEM_NAMES:
        if found := shutil.which(name):
            yield Path(found)
    yield from (path for path in map(Path, _APPLICATIONS) if _runs(path))


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
