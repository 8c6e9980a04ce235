"""Filmstrips on the pages: what is seen is said, sizes stand, and they outlive their session."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from retrospec.domain.visual import FindingVerdict, VerdictWord
from tests.screening.test_strips import SENTENCE, verdict
from tests.web.conftest import Visit
from tests.web.seeding import PAY_KEY, PAY_SESSION, PROJECT
from tests.web.seeding_strips import add_strips, stored_frame
from tests.web.serving import make_app, serving

ISSUES = f"/p/{PROJECT}/issues"
SESSION = f"/p/{PROJECT}/sessions/{PAY_SESSION}"


@pytest.fixture
def strip_url(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    word, expired = getattr(request, "param", (VerdictWord.CONFIRMED, False))
    app = make_app(tmp_path, filled=True)
    add_strips(tmp_path, word, expired=expired)
    with serving(app) as address:
        yield address


def pictures(html: str, alt: str) -> list[str]:
    return [tag for tag in re.findall(r"<img [^>]+>", html) if alt in tag]


@pytest.mark.parametrize("strip_url", [(VerdictWord.CONFIRMED, False), (VerdictWord.CONFIRMED, True)], indirect=True)
def test_one_sees_the_failure_in_the_list_and_on_the_issue_also_after_the_session_expired(
    strip_url: str, visit: Visit
) -> None:
    mara = visit(strip_url)
    mara.sign_in()
    for path, count in ((ISSUES, 1), (f"{ISSUES}/{PAY_KEY}", 1)):
        shown = pictures(mara.get(path).text, "After, 0:07: The page showed “We could not take your payment”")
        assert len(shown) == count
        (tag,) = shown
        assert ('loading="lazy"' in tag) == (path == ISSUES)  # an issue's own stand in the first view
        assert re.search(r'width="\d+" height="\d+"', tag)
        source = re.search(r'src="([^"]+)"', tag)
        assert source is not None
        got = mara.get(source[1].replace("&amp;", "&"))
        assert (got.status_code, got.headers["content-type"], got.content[8:12]) == (200, "image/webp", b"WEBP")
    assert mara.get(f"{ISSUES}/{PAY_KEY}/strip/99").status_code == 404


@pytest.mark.parametrize("strip_url", [(VerdictWord.REFUTED, False)], indirect=True)
def test_a_false_alarm_is_shown_as_discarded_with_the_pictures_that_refute_it(strip_url: str, visit: Visit) -> None:
    mara = visit(strip_url)
    mara.sign_in()
    page = mara.get(SESSION).text
    assert 'data-report="discarded"' in page and "The screen says otherwise" in page
    assert len(pictures(page, "Before, 0:06: The form")) == 1
    assert len(pictures(page, "After, 0:07")) == 1


def test_issues_without_pictures_say_why(url: str, visit: Visit) -> None:
    mara = visit(url)
    mara.sign_in()
    page = mara.get(f"{ISSUES}/{PAY_KEY}").text
    assert "being copied, or have expired" in page or "rests on the text alone" in page


def test_the_same_look_is_shown_once() -> None:
    from retrospec.web.pages.strips import session_strips

    twice = [verdict("f1", VerdictWord.CANT_TELL, 0.5), verdict("f2", VerdictWord.CANT_TELL, 0.5)]
    other = msgspec.structs.replace(verdict("f3", VerdictWord.CONFIRMED, 0.9), sentence="It went blank.")
    made: list[FindingVerdict] = [*twice, other]
    views = session_strips(made, [stored_frame(frame) for frame in twice[0].frames], "/here")
    assert [view.sentence for view in views] == ["It went blank.", SENTENCE]
