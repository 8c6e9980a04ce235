"""``python -m tests.web.screenshots [page …]``: every page from a phone to 4K, light and dark, into ``screenshots/``."""

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.web.browsing import chromium, sign_in
from tests.web.seeding import PAY_KEY, PAY_SESSION, PROJECT
from tests.web.seeding_strips import add_strips
from tests.web.serving import make_app, serving

OUT = Path(__file__).resolve().parents[2] / "screenshots"
HERE = f"/p/{PROJECT}"
SESSION = f"{HERE}/sessions/{PAY_SESSION}"
PANES = ("story", "console", "network", "events", "vitals", "reproduce", "files")
PAGES = {
    "home": f"{HERE}/home",
    "issues": f"{HERE}/issues",
    "issues-search": f"{HERE}/issues?q=page:/checkout+fails",
    "issues-nothing": f"{HERE}/issues?q=nobody+wrote+this",
    "issues-ticked": f"{HERE}/issues?span=7d",
    "issues-preview": f"{HERE}/issues?span=7d&sort=people",
    "issue": f"{HERE}/issues/{PAY_KEY}",
    "sessions": f"{HERE}/sessions",
    "sessions-nothing": f"{HERE}/sessions?q=nobody+wrote+this",
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
EMPTY = ("home", "issues", "sessions", "places", "precision", "alerts", "project", "health")
"""Pages to look at where nothing has arrived yet."""
STRANGERS = {"sign-in": "/sign-in", "stranger-missing": "/nowhere", "stranger-link": "/shared/nonsense"}
LONGEST_MS = 120_000
"""A machine without a graphics card takes seconds to draw one picture of 8 million points."""
SIZES = {"3840": (3840, 2160), "1440": (1440, 900), "768": (768, 1024), "360": (360, 780)}


def settle(page: Page, title: str, width: int) -> None:
    """Wait for what scripts draw; the replay stands still where it failed, with the pointer on the time line."""
    if title == "heat":
        page.wait_for_selector("#heat[data-ready]")
    if title.startswith("session-"):
        page.wait_for_selector("#player[data-whole]")
    if title == "issues-ticked":
        page.locator(".pick").nth(0).check(force=True)
        page.locator(".pick").nth(2).check(force=True)
    if title == "issues-preview" and width >= 960:
        page.keyboard.press("j")
        page.wait_for_selector(".preview:not([hidden])")
    if title == "session":
        page.wait_for_selector("#player[data-ready]")
        page.evaluate("document.querySelector('#toggle').click()")
        page.locator("#timeline").click(position={"x": width * 0.27, "y": 20}, force=True)


def shoot(browser: Browser, url: str, pages: dict[str, str], prefix: str, sizes: dict[str, tuple[int, int]]) -> None:
    """Every page in every size and theme."""
    for theme in ("light", "dark"):
        for name, (width, height) in sizes.items():
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce"
            )
            page = context.new_page()
            page.set_default_timeout(LONGEST_MS)
            for title, path in STRANGERS.items():
                page.goto(url + path)
                page.screenshot(path=OUT / f"{prefix}{title}-{name}-{theme}.png")
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
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pages", nargs="*", choices=[[], *PAGES], metavar="page", help=f"of {', '.join(PAGES)}; all without")
    parser.add_argument("--width", action="append", choices=SIZES, help="one of the widths; all without, may be given again")
    options = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    sizes = {name: size for name, size in SIZES.items() if not options.width or name in options.width}
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        full = {name: path for name, path in PAGES.items() if not options.pages or name in options.pages}
        app = make_app(Path(folder, "full"), filled=True)
        add_strips(Path(folder, "full"))
        with serving(app) as url:
            shoot(browser, url, full, "", sizes)
        with serving(make_app(Path(folder, "empty"), filled=False)) as url:
            shoot(browser, url, {n: p for n, p in full.items() if n in EMPTY}, "empty-", sizes)


if __name__ == "__main__":
    main()
