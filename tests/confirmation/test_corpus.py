"""The checker on real recordings of real pages, as labelled."""

from pathlib import Path

import pytest

from retrospec.bench.render import read_corpus, read_labelled
from retrospec.confirmation.checker import check
from retrospec.domain.settings import ReplaySettings
from retrospec.domain.shipped import built_dir
from retrospec.domain.visual import VerdictWord
from retrospec.domain.window import windows_around
from retrospec.replay.browser import Renderer, find_browser

CORPUS = Path(__file__).parent / "corpus"
SAMPLE = ["v01-pay-toast", "v05-blank-after-crash", "v07-spinner-forever", "v24-dead-beside-carousel", "w01-late-three", "w16-covered-error", "w18-order-list"]


def test_every_case_has_its_page_and_its_recording() -> None:
    pages = {path.stem for path in (CORPUS / "cases").glob("*.html")}
    labelled = {case.name: case.visible for case in read_corpus(CORPUS / "recordings")}
    assert set(labelled) == pages
    assert sum(labelled.values()) >= 30 and len(labelled) - sum(labelled.values()) >= 30


@pytest.mark.browser
async def test_a_sample_is_judged_as_labelled() -> None:
    settings = ReplaySettings()
    if find_browser(settings) is None or not (built_dir() / "replay.js").is_file():
        pytest.skip("no Chromium, or no replayer: python hatch_build.py")
    wrong = []
    async with Renderer(settings) as renderer:
        for name in SAMPLE:
            case = read_labelled(CORPUS / "recordings" / f"{name}.json.zst")
            footage = await renderer.look(case.recording, [case.finding], windows_around([case.finding.t_ms]))
            verdict = check(footage, [case.finding], min_confidence=0.65)[0]
            wanted = VerdictWord.CONFIRMED if case.visible else VerdictWord.REFUTED
            wrong += [] if verdict.verdict == wanted else [(name, verdict.sentence)]
    assert wrong == []
