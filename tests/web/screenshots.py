"""``python -m tests.web.screenshots``: every page, wide and narrow, light and dark, into ``screenshots/``."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from tests.web.browsing import chromium, sign_in
from tests.web.seeding import PAY_KEY, PAY_SESSION, PROJECT
from tests.web.serving import make_app, serving

OUT = Path(__file__).resolve().parents[2] / "screenshots"
PAGES = {
    "home": f"/p/{PROJECT}/home",
    "issues": f"/p/{PROJECT}/issues",
    "issue": f"/p/{PROJECT}/issues/{PAY_KEY}",
    "sessions": f"/p/{PROJECT}/sessions",
    "session": f"/p/{PROJECT}/sessions/{PAY_SESSION}?t=7255",
    "precision": f"/p/{PROJECT}/precision",
    "resolved": f"/p/{PROJECT}/issues/ui_no_effect:aa00bb11cc22",
    "alerts": f"/p/{PROJECT}/alerts",
    "project": f"/p/{PROJECT}/project",
    "health": f"/p/{PROJECT}/health",
    "settings": f"/p/{PROJECT}/settings",
    "missing": f"/p/{PROJECT}/sessions/nowhere",
}
SIZES = {"1440": (1440, 900), "768": (768, 1024), "360": (360, 780)}


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
                if title == "session":
                    page.wait_for_selector("#player[data-ready]")
                    page.click("#toggle")
                    page.locator("#timeline").click(position={"x": width * 0.27, "y": 20})
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
