"""Every sentence of a card jumps to the second it speaks of."""

import re
from pathlib import Path

import pytest

from retrospec.analysis import Analysis, analyse
from retrospec.bench.analyze import load_corpus
from retrospec.domain.marker import MarkerKind, Signal

RECORDINGS = Path(__file__).parent / "corpus/recordings"
_AFTER = re.compile(r"After (?:(\d+) min )?(?:(\d+(?:\.\d)?) s )?")
_SLACK_MS = 1_000
_INNER_WORDS = re.compile("|".join([*MarkerKind, *(signal for signal in Signal if "_" in signal)]))


@pytest.fixture(scope="module")
def readings() -> list[tuple[str, Analysis]]:
    visits = load_corpus(RECORDINGS)
    return [(v.labels.name, analyse(v.recording(), v.sdk_markers(), None, min_confidence=0.6)) for v in visits]


@pytest.mark.corpus
def test_what_a_sentence_cites_is_there_and_of_that_moment(readings: list[tuple[str, Analysis]]) -> None:
    looked = 0
    for name, read in readings:
        moments = {row.ref: row.t_ms for row in read.trace.rows}
        card = read.card
        for sentence in (*card.symptom, *card.cause, *card.look_at, *card.story):
            looked += 1
            assert sentence.refs, f"{name}: {sentence.text}"
            times = [moments[ref] for ref in sentence.refs]
            is_ending = sentence is card.story[-1]
            near = min(abs(sentence.t_ms - t_ms) for t_ms in times)
            assert is_ending or near <= _SLACK_MS, f"{name}: {sentence.text} jumps to {sentence.t_ms}, its rows are at {times}"
    assert looked > 200


@pytest.mark.corpus
def test_a_time_that_is_told_is_the_time_that_is_jumped_to(readings: list[tuple[str, Analysis]]) -> None:
    told = 0
    for name, read in readings:
        for sentence in read.card.story:
            found = _AFTER.match(sentence.text)
            if found and any(found.groups()):
                told += 1
                minutes, seconds = int(found[1] or 0), float(found[2] or 0)
                assert abs(minutes * 60_000 + seconds * 1_000 - sentence.t_ms) <= _SLACK_MS, f"{name}: {sentence.text}"
    assert told > 50


@pytest.mark.corpus
def test_no_sentence_reads_like_a_machine(readings: list[tuple[str, Analysis]]) -> None:
    for name, read in readings:
        for sentence in (*read.card.symptom, *read.card.cause, *read.card.look_at, *read.card.story):
            text = sentence.text
            assert text[0].isupper() or text[0] in "“/" or text.startswith(("net", "x")), f"{name}: {text}"
            assert text.endswith((".", "”")) and ".." not in text and ".”." not in text, f"{name}: {text}"
            assert "None" not in text and "  " not in text and not _INNER_WORDS.search(text), f"{name}: {text}"
        for sentence in (*read.card.symptom, *read.card.story):
            assert "“http://shop.localhost" not in sentence.text, f"{name}: {sentence.text}"
