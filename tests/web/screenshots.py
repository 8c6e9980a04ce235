"""``python -m tests.web.screenshots``: every page, wide and narrow, light and dark, into ``screenshots/``."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.web.browsing import chromium, sign_in
from tests.web.seeding import PAY_KEY, PAY_SESSION, PROJECT
from tests.web.serving import make_app, serving

OUT = Path(__file__).resolve().parents[2] / "screenshots"
HERE = f"/p/{PROJECT}"
SESSION = f"{HERE}/sessions/{PAY_SESSION}"
PANES = ("story", "console", "network", "events", "vitals", "reproduce", "files")
PAGES = {
    "home": f"{HERE}/home",
    "issues": f"{HERE}/issues",
    "issue": f"{HERE}/issues/{PAY_KEY}",
    "sessions": f"{HERE}/sessions",
    "session": f"{SESSION}?t=7255",
    **{f"session-{pane}": f"{SESSION}#pane-{pane}" for pane in PANES},
    "places": f"{HERE}/places",
    "heat": f"{HERE}/places/page?route=/checkout",
    "precision": f"{HERE}/precision",
    "resolved": f"{HERE}/issues/ui_no_effect:aa00bb11cc22",
    "alerts": f"{HERE}/alerts",
    "project": f"{HERE}/project",
    "health": f"{HERE}/health",
    "shares": f"{HERE}/shares?kind=session&subject={PAY_SESSION}",
    "people": f"{HERE}/people",
    "audit": f"{HERE}/audit",
    "settings": f"{HERE}/settings",
    "account": "/account",
    "api": "/api",
    "missing": f"{HERE}/sessions/nowhere",
}
SIZES = {"1440": (1440, 900), "768": (768, 1024), "360": (360, 780)}


def settle(page: Page, title: str, width: int) -> None:
    """Wait for what scripts draw; the replay stands still where it failed, with the pointer on the time line."""
    if title == "heat":
        page.wait_for_selector("#heat[data-ready]")
    if title.startswith("session-"):
        page.wait_for_selector("#player[data-whole]")
    if title == "session":
        page.wait_for_selector("#player[data-ready]")
        page.click("#toggle")
        page.locator("#timeline").click(position={"x": width * 0.27, "y": 20})


def shoot(browser: Browser, url: str, pages: dict[str, str], prefix: str) -> None:
    """Every page in every size and theme."""
    for theme in ("light", "dark"):
        for name, (width, height) in SIZES.items():
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce"
            )
            page = context.new_page()
            page.goto(f"{url}/sign-in")
            page.screenshot(path=OUT / f"{prefix}sign-in-{name}-{theme}.png")
            sign_in(page, url)
            for title, path in pages.items():
                page.goto(url + path)
                settle(page, title, width)
                page.screenshot(
                    path=OUT / f"{prefix}{title}-{name}-{theme}.png", full_page=title != "sessions"
                )
            context.close()


def main() -> None:
    """Serve, look, write."""
    OUT.mkdir(exist_ok=True)
    wanted = set(sys.argv[1:])
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        full = {name: path for name, path in PAGES.items() if not wanted or name in wanted}
        with serving(make_app(Path(folder, "full"), filled=True)) as url:
            shoot(browser, url, full, "")
        with serving(make_app(Path(folder, "empty"), filled=False)) as url:
            shoot(browser, url, {n: p for n, p in full.items() if n in ("home", "issues", "project")}, "empty-")


if __name__ == "__main__":
    main()
