"""axe-core finds nothing on any page, in both themes, wide and narrow; nothing moves for those who asked for that; focus goes in order."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, StorageState

from retrospec.domain.shipped import static_dir
from tests.web.conftest import Visit
from tests.web.seeding import PAY_KEY, PAY_SESSION, PROJECT

AXE = static_dir().parent / "node_modules" / "axe-core" / "axe.min.js"
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core: python hatch_build.py")]

HERE = f"/p/{PROJECT}"
SESSION = f"{HERE}/sessions/{PAY_SESSION}"
PAGES = {
    "home": f"{HERE}/home?span=7d",
    "issues": f"{HERE}/issues",
    "issue": f"{HERE}/issues/{PAY_KEY}",
    "resolved issue": f"{HERE}/issues/ui_no_effect:aa00bb11cc22",
    "sessions": f"{HERE}/sessions",
    "session": SESSION,
    "story": f"{SESSION}#pane-story",
    "reproduce": f"{SESSION}#pane-reproduce",
    "console": f"{SESSION}#pane-console",
    "network": f"{SESSION}#pane-network",
    "changes": f"{SESSION}#pane-events",
    "vitals": f"{SESSION}#pane-vitals",
    "places": f"{HERE}/places",
    "heat": f"{HERE}/places/page?route=/checkout",
    "files": f"{SESSION}#pane-files",
    "alerts": f"{HERE}/alerts",
    "project": f"{HERE}/project",
    "precision": f"{HERE}/precision",
    "health": f"{HERE}/health",
    "share links": f"{HERE}/shares?kind=session&subject={PAY_SESSION}",
    "people": f"{HERE}/people",
    "audit log": f"{HERE}/audit",
    "settings": f"{HERE}/settings",
    "account": "/account",
    "api": "/api",
    "missing": f"{HERE}/sessions/nowhere",
}
LOOKS = {"wide, light": (1440, 900, "light"), "narrow, dark": (360, 780, "dark")}
LAID_OUT_ANEW = ("home", "issues", "issue", "sessions", "session", "reproduce", "project")
"""Pages whose wide form differs by more than its width."""
RUN = """async () => {
  const options = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], iframes: false };
  const found = await axe.run({ exclude: [["#screen"]] }, options);
  return found.violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`));
}"""


def violations(page: Page) -> list[str]:
    """One line per element that breaks a rule; the recorded site inside the player is not ours to mend."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(RUN)
    return found


@pytest.fixture(scope="module")
def windows(browser: Browser, signed_in: StorageState) -> Iterator[dict[str, Page]]:
    """One for each look."""
    contexts = {
        name: browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce", storage_state=signed_in)
        for name, (width, height, theme) in LOOKS.items()
    }
    yield {name: context.new_page() for name, context in contexts.items()}
    for context in contexts.values():
        context.close()


@pytest.mark.parametrize(("look", "name"), [("narrow, dark", name) for name in PAGES] + [("wide, light", name) for name in LAID_OUT_ANEW])
def test_no_page_breaks_a_rule(windows: dict[str, Page], url: str, look: str, name: str) -> None:
    page = windows[look]
    page.goto("about:blank")
    page.goto(url + PAGES[name])
    if name == "session":
        page.wait_for_selector("#player[data-ready]")
    assert violations(page) == []


@pytest.mark.parametrize("path", ["/sign-in", "/nowhere"])
def test_nor_does_a_page_for_strangers(browser: Browser, url: str, path: str) -> None:
    context = browser.new_context(color_scheme="light")
    page = context.new_page()
    page.goto(url + path)
    assert violations(page) == []
    context.close()


def test_nor_does_a_capsule(browser: Browser, url: str, visit: Visit, tmp_path: Any) -> None:
    visitor = visit(url)
    visitor.sign_in()
    file = tmp_path / "failure.html"
    file.write_bytes(visitor.get(f"{SESSION}/capsule.html").content)
    for theme in ("light", "dark"):
        context = browser.new_context(color_scheme=theme)
        page = context.new_page()
        page.goto(file.as_uri())
        page.wait_for_selector("#player[data-ready]")
        assert violations(page) == []
        context.close()


def test_nothing_moves_for_those_who_asked_for_that(page: Page, url: str) -> None:
    for path in (PAGES["home"], PAGES["issues"], SESSION):
        page.goto(url + path)
        moving = page.evaluate(
            """() => [...document.querySelectorAll("*")].filter((element) => {
              if (element.closest("#screen")) return false;
              const style = getComputedStyle(element);
              const seconds = (text) => Math.max(...text.split(",").map(parseFloat));
              return (style.animationName !== "none" && seconds(style.animationDuration) > 0.01) || seconds(style.transitionDuration) > 0.01;
            }).map((element) => element.outerHTML.slice(0, 100))"""
        )
        assert moving == []


def test_focus_goes_from_the_skip_link_through_the_sections_to_the_content(page: Page, url: str) -> None:
    page.goto(url + PAGES["issues"])
    page.locator("body").press("Tab")
    seen = []
    for _ in range(40):
        seen.append(page.evaluate("document.activeElement.textContent.trim().split('\\n')[0] || document.activeElement.id || document.activeElement.name"))
        page.keyboard.press("Tab")
    order = [seen.index(name) for name in ("Skip to content", "Home", "Issues", "Sessions", "Alerts")]
    assert order == sorted(order), json.dumps(seen)
    assert seen[0] == "Skip to content"
    assert seen.index("q") > seen.index("Alerts"), json.dumps(seen)
