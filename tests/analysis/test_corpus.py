"""The golden corpus: real pages, recorded in Chromium. Thresholds are set on the dev half; the test half has other pages and only judges.

To record it anew: ``python -m tests.analysis.corpus.record``.
"""

from pathlib import Path

import pytest

from retrospec.bench.analyze import Accuracy, Tally, Visit, judge_half, lines, load_corpus, run
from tests.analysis.corpus.record import scenarios

RECORDINGS = Path(__file__).parent / "corpus/recordings"


@pytest.fixture(scope="module")
def visits() -> list[Visit]:
    return load_corpus(RECORDINGS)


def _together(accuracy: Accuracy) -> Tally:
    tallies = accuracy.detectors.values()
    return Tally(sum(t.hits for t in tallies), [n for t in tallies for n in t.false_alarms], [n for t in tallies for n in t.misses])


@pytest.mark.corpus
@pytest.mark.parametrize("half", ["dev", "test", "blind"])
def test_detectors_find_what_is_there_and_nothing_else(half: str, visits: list[Visit]) -> None:
    accuracy = judge_half(half, [visit for visit in visits if visit.labels.half == half])
    for name, tally in accuracy.detectors.items():
        assert tally.precision >= 0.95, (name, tally.false_alarms)
        assert tally.recall >= 0.95, (name, tally.misses)
    together = _together(accuracy)
    assert together.precision >= 0.95, together.false_alarms
    assert together.recall >= 0.95, together.misses
    assert accuracy.verdict.precision >= 0.95, accuracy.verdict.false_alarms
    assert accuracy.verdict.recall >= 0.95, accuracy.verdict.misses


@pytest.mark.corpus
def test_the_corpus_is_whole_and_balanced(visits: list[Visit]) -> None:
    declared = {scenario.name: scenario for scenario in scenarios()}
    assert {visit.labels.name for visit in visits} == set(declared)
    assert all(set(visit.labels.expects) == declared[visit.labels.name].expects for visit in visits)
    faults = sum(bool(visit.labels.expects) for visit in visits)
    assert len(visits) >= 40
    assert 0.4 <= faults / len(visits) <= 0.6


def test_the_bench_prints_a_row_for_every_detector() -> None:
    table = "\n".join(lines(run(RECORDINGS, speed_mb=0.2, large_mb=0, hostile_share=0.01)))
    assert "quick_backs" in table
    assert "MB/s" in table
    assert "said to be cut" in table


def test_the_bench_says_where_it_looked_in_vain(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no recordings"):
        run(tmp_path)
