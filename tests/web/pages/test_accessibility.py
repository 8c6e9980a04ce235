"""axe-core finds nothing on any page in any of its states, wide and narrow, light and dark; nothing moves for those who asked for that; focus goes in order and is seen."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar import Router
from litestar.routes import HTTPRoute
from playwright.sync_api import Browser, Page, StorageState

from retrospec.domain.shipped import static_dir
from retrospec.web.pages import routes
from tests.web.browsing import sign_in
from tests.web.conftest import Visit
from tests.web.seeding import PAY_KEY, PAY_SESSION, PROJECT
from tests.web.seeding_strips import add_strips
from tests.web.serving import make_app, serving

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
EMPTY = ("home", "issues", "sessions", "places", "precision", "alerts", "project", "health", "people", "audit log")
"""Pages that look different where nothing has arrived."""
STRANGERS = {"sign-in": "/sign-in", "nowhere": "/nowhere", "a link that shows nothing": "/shared/nonsense", "a link used up": "/set-up/nonsense"}


def open_menu(page: Page) -> None:
    page.locator(".facet > summary").last.click()


def tick(page: Page) -> None:
    page.locator(".pick").first.check(force=True)


def ask_for_keys(page: Page) -> None:
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")


def walk_to_the_pictures(page: Page) -> None:
    page.keyboard.press("j")
    if (page.viewport_size or {})["width"] >= 960:
        page.wait_for_selector(".preview:not([hidden])")


def open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('main details').forEach((one) => (one.open = true))")


def wait_for_the_player(page: Page) -> None:
    page.wait_for_selector("#player[data-ready]")


def make_a_key(page: Page) -> None:
    page.locator("main details.more > summary").last.click()
    page.locator("main details.more[open] [name=name]").fill("Reader")
    page.locator("main details.more[open] button.primary, main details.more[open] button").last.click()
    page.wait_for_selector(".fresh")


STATES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "issues, none found": (f"{HERE}/issues?q=nobody+wrote+this", lambda _: None),
    "issues, not understood": (f"{HERE}/issues?q=colour:red+page:", lambda _: None),
    "issues, ticked": (f"{HERE}/issues", tick),
    "issues, a menu open": (f"{HERE}/issues", open_menu),
    "issues, a view to save": (f"{HERE}/issues?q=fails", lambda page: page.locator("#save-view > summary").click()),
    "issues, the keys": (f"{HERE}/issues", ask_for_keys),
    "issues, a preview": (f"{HERE}/issues", walk_to_the_pictures),
    "issue, all open": (f"{HERE}/issues/{PAY_KEY}", open_all),
    "issue, narrowed": (f"{HERE}/issues/{PAY_KEY}?facet=browser&value=Netscape", lambda _: None),
    "sessions, none found": (f"{HERE}/sessions?q=nobody+wrote+this", lambda _: None),
    "sessions, a menu open": (f"{HERE}/sessions", open_menu),
    "session, ready": (SESSION, wait_for_the_player),
    "session, all open": (SESSION, open_all),
    "session without replay": (f"{HERE}/sessions/s-07ab4-4", lambda _: None),
    "alerts, all open": (f"{HERE}/alerts", open_all),
    "project, a new key": (f"{HERE}/project", make_a_key),
    "people, all open": (f"{HERE}/people", open_all),
    "the api, all open": ("/api", open_all),
    "the menu of a phone": (f"{HERE}/home", lambda page: page.locator(".upkeep-fold > summary").evaluate("(summary) => summary.click()")),
}
"""What a page becomes when something is pressed, typed or missing."""
SIZES = {"wide": (1440, 900), "narrow": (360, 780)}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """async (only) => {
  const covered = document.querySelector(".facet[open]") ? [[".list"], [".tabs"]] : []; // what an open menu lies over is no target meanwhile
  const found = await axe.run({ exclude: [["#screen"], [".heat-page"], ...covered] }, { runOnly: only, iframes: false });
  return found.violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`));
}"""


def violations(page: Page) -> list[str]:
    """One line per element that breaks a rule, in the light and in the dark, which differ by nothing but their colours;
    the recorded site inside the player is not ours to mend."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    page.emulate_media(color_scheme="dark")
    found: list[str] = page.evaluate(RUN, RULES)
    page.emulate_media(color_scheme="light")
    found += [f"light: {line}" for line in page.evaluate(RUN, {"type": "rule", "values": ["color-contrast", "link-in-text-block"]})]
    return found


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a week of data and the pictures of one failure."""
    folder = tmp_path_factory.mktemp("filled")
    app = make_app(folder, filled=True)
    add_strips(folder)
    with serving(app) as address:
        yield address


def _windows(browser: Browser, state: StorageState | None) -> Iterator[dict[str, Page]]:
    contexts = {
        name: browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce", storage_state=state)
        for name, (width, height) in SIZES.items()
    }
    yield {name: context.new_page() for name, context in contexts.items()}
    for context in contexts.values():
        context.close()


@pytest.fixture(scope="module")
def windows(browser: Browser, signed_in: StorageState) -> Iterator[dict[str, Page]]:
    """One for each size."""
    yield from _windows(browser, signed_in)


@pytest.fixture(scope="module")
def empty_windows(browser: Browser, empty_url: str) -> Iterator[dict[str, Page]]:
    """The same, signed in where nothing has arrived."""
    context = browser.new_context()
    sign_in(context.new_page(), empty_url)
    yield from _windows(browser, context.storage_state())
    context.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_no_page_breaks_a_rule(windows: dict[str, Page], url: str, size: str, name: str) -> None:
    page = windows[size]
    page.goto("about:blank")
    page.goto(url + PAGES[name])
    assert violations(page) == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", STATES)
def test_nor_does_it_in_another_state(windows: dict[str, Page], url: str, size: str, name: str) -> None:
    page, (path, become) = windows[size], STATES[name]
    page.goto("about:blank")
    page.goto(url + path)
    become(page)
    assert violations(page) == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", EMPTY)
def test_nor_where_nothing_has_arrived(empty_windows: dict[str, Page], empty_url: str, size: str, name: str) -> None:
    page = empty_windows[size]
    page.goto(empty_url + PAGES[name].partition("?")[0])
    assert violations(page) == []


@pytest.mark.parametrize("name", STRANGERS)
def test_nor_does_a_page_for_strangers(browser: Browser, url: str, name: str) -> None:
    for width, height in SIZES.values():
        context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
        page = context.new_page()
        page.goto(url + STRANGERS[name])
        assert violations(page) == []
        context.close()


NOT_PAGES = {"/", f"/p/{PROJECT}", f"/p/{PROJECT}/", "/sign-in/code", "/oidc/start", "/oidc/callback", f"/p/{PROJECT}/live"}
"""They lead on, or stream."""


def test_every_address_without_a_parameter_is_looked_at() -> None:
    """A new page belongs in the list above."""
    listed = {address.partition("?")[0].partition("#")[0] for address in (*PAGES.values(), *STRANGERS.values())}
    shown = {
        f"/p/{PROJECT}{path}" if router.path != "/" else path
        for router in routes
        if isinstance(router, Router)
        for route in router.routes
        if isinstance(route, HTTPRoute) and "GET" in route.methods
        for path in [route.path.removeprefix("/p/{project_id:str}")]
        if "{" not in path
    }
    assert shown - listed - NOT_PAGES == set()


def test_nor_does_a_capsule(browser: Browser, url: str, visit: Visit, tmp_path: Any) -> None:
    visitor = visit(url)
    visitor.sign_in()
    file = tmp_path / "failure.html"
    file.write_bytes(visitor.get(f"{SESSION}/capsule.html").content)
    for width, height in SIZES.values():
        context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
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


UNSEEN_FOCUS = """() => {
  const controls = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  const isSeen = (element, part) => parseFloat(getComputedStyle(element, part).outlineWidth) > 0 && getComputedStyle(element, part).outlineStyle !== "none";
  return [...document.querySelectorAll(controls)].filter((element) => {
    element.focus({ preventScroll: true });
    return document.activeElement === element && !isSeen(element, null) && !isSeen(element, "::after");
  }).map((element) => element.outerHTML.slice(0, 120));
}"""


@pytest.mark.parametrize("name", PAGES)
def test_the_focus_is_seen_on_every_control(windows: dict[str, Page], url: str, name: str) -> None:
    page = windows["wide"]
    page.goto(url + PAGES[name])
    page.keyboard.press("Tab")  # from here on the browser shows where the focus is
    assert page.evaluate(UNSEEN_FOCUS) == []
