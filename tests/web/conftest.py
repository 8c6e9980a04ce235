"""Servers that the tests of a module share, and a browser."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, StorageState

from tests.conftest import open_http
from tests.web.browsing import chromium, sign_in
from tests.web.serving import EMAIL, PASSWORD, make_app, serving


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a week of data."""
    with serving(make_app(tmp_path_factory.mktemp("filled"), filled=True)) as address:
        yield address


@pytest.fixture(scope="module")
def empty_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server to which nothing was sent yet."""
    with serving(make_app(tmp_path_factory.mktemp("empty"), filled=False)) as address:
        yield address


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[str]:
    """A server of this test alone."""
    with serving(make_app(tmp_path, filled=True)) as address:
        yield address


class Visitor:
    """A browser without scripts: follows links, fills in forms."""

    def __init__(self, url: str) -> None:
        self.client = open_http(base_url=url, follow_redirects=True, timeout=20)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """A page."""
        return self.client.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def token(self, path: str) -> str:
        """The form token on that page."""
        text = self.get(path).text
        return text.split('name="form_token" value="', 1)[1].split('"', 1)[0]

    def send(self, path: str, form_on: str, **fields: str) -> httpx.Response:
        """A form found on ``form_on``, sent to ``path``."""
        return self.client.post(path, data={"form_token": self.token(form_on), **fields})

    def sign_in(self, email: str = EMAIL, password: str = PASSWORD) -> httpx.Response:
        """Through the form."""
        return self.send("/sign-in", "/sign-in", email=email, password=password)


Visit = Callable[[str], Visitor]


@pytest.fixture
def visit() -> Iterator[Visit]:
    """Opens browsers on a server, and closes them."""
    opened: list[Visitor] = []

    def open_one(url: str) -> Visitor:
        opened.append(Visitor(url))
        return opened[-1]

    yield open_one
    for visitor in opened:
        visitor.client.close()


@pytest.fixture
def stranger(url: str, visit: Visit) -> Visitor:
    """Not signed in."""
    return visit(url)


@pytest.fixture
def mara(url: str, visit: Visit) -> Visitor:
    """The administrator, signed in."""
    visitor = visit(url)
    assert visitor.sign_in().status_code == 200
    return visitor


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for a module. While it lives, no asyncio test may run in this thread: Playwright's own loop does."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def signed_in(browser: Browser, url: str) -> StorageState:
    """The cookies of a signed-in browser."""
    context = browser.new_context()
    sign_in(context.new_page(), url)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def page(browser: Browser, url: str, signed_in: StorageState) -> Iterator[Page]:
    """A signed-in window whose console must stay clean of policy violations and errors."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, reduced_motion="reduce", storage_state=signed_in
    )
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto(url)
    yield opened
    context.close()
    # what the recorded page asks of other hosts is refused, and the browser says so; so it does of a page not found
    assert [line for line in said if "127.0.0.1:9/" not in line and "404 (Not Found)" not in line] == []
