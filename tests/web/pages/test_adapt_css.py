"""The stylesheets of a recording, made fit for showing: in Chromium, by what a page then looks like."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from retrospec.domain.shipped import static_dir

pytestmark = pytest.mark.browser

CASES = [
    ("a{color:red}", "a{color:red}"),
    ("a:hover,b{color:red}", "a:hover,b,a.\\:hover{color:red}"),
    ("a:is(b,c):hover,d[x=',{']:hover{color:red}", "a:is(b,c):hover,d[x=',{']:hover,a:is(b,c).\\:hover,d[x=',{'].\\:hover{color:red}"),
    ("@media (min-device-width:9px){a:hover{color:red}}", "@media (min-width:9px){a:hover,a.\\:hover{color:red}}"),
    ("@media (hover:hover){a{color:red}}", "@media (hover:hover){a{color:red}}"),
    ("a{&:hover{color:red}}", "a{&:hover,&.\\:hover{color:red}}"),
    ("/* a:hover { */ b:hover /* , */ {color:red}", "/* a:hover { */ b:hover /* , */,b.\\:hover{color:red}"),
    ("a{background:url(data:x;y,{z)}b:hover{color:red}", "a{background:url(data:x;y,{z)}b:hover,b.\\:hover{color:red}"),
    ("a{content:'}b:hover{'}", "a{content:'}b:hover{'}"),
    (".a\\:hover{color:red}", ".a\\:hover,.a\\.\\:hover{color:red}"),
    ("a:hover{color:red", "a:hover,a.\\:hover{color:red"),
    ("a:hover{b:url(x", "a:hover,a.\\:hover{b:url(x"),
]


@pytest.fixture
def adapted(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    source = (static_dir() / "adapt_css.js").read_text().replace("export function", "window.adaptCss = adaptCss;\nfunction")
    page.add_script_tag(content=f"{{{source}}}")
    yield page
    page.close()


def test_what_is_under_the_pointer_is_styled_without_a_pointer(adapted: Page) -> None:
    found = [adapted.evaluate("css => adaptCss(css)", css) for css, _ in CASES]
    assert ["".join(css.split()) for css in found] == ["".join(wanted.split()) for _, wanted in CASES]


def test_hostile_stylesheets_come_to_an_end(adapted: Page) -> None:
    ends = adapted.evaluate("""() => ["url(a", "/*", '"', "(", "a:hover,", "\\\\"].map((bit) => adaptCss("a:hover{}" + bit.repeat(200_000)).length > 200_000)""")
    assert ends == [True] * 6  # a pattern that starts anew at each bit would need minutes
