"""Each failure is told with the page it happened on, not the one the visit began on."""

from retrospec.analysis import analyse
from tests.analysis.recordings import click, element, idle, page, recording, text

BUTTON = element(10, "button", {}, text(11, "Save changes"))


def test_a_failure_on_the_second_page_names_the_second_page() -> None:
    visit = recording(
        page(0, BUTTON, url="https://shop.test/start"),
        page(5_000, BUTTON, url="https://shop.test/account/settings?tab=2"),
        *(click(at, 10) for at in (6_000, 8_500, 11_000)),
        idle(20_000),
    )
    found = analyse(visit, [], None, min_confidence=0.6).findings
    assert {finding.page for finding in found} == {"/account/settings"}


def test_a_recording_that_names_no_page_gives_none() -> None:
    visit = recording(page(0, BUTTON, url=""), *(click(at, 10) for at in (1_000, 3_500, 6_000)), idle(15_000))
    assert {finding.page for finding in analyse(visit, [], None, min_confidence=0.6).findings} <= {""}
