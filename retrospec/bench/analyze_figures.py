"""The figures of ``retrospec bench analyze``."""

from pathlib import Path

from retrospec.bench.analyze import Accuracy, Tally, run
from retrospec.bench.figures import Figure, Lacking, Note
from retrospec.bench.reading_speed import Speed

CORPUS = Path("tests/analysis/corpus/recordings")
LEAST = 0.95
LEAST_MB_PER_S = 20.0
MOST_MEMORY = 6.0


def figures(note: Note) -> list[Figure]:
    """Some minutes. Raises Lacking outside a checkout."""
    if not CORPUS.is_dir():
        raise Lacking(f"the labelled recordings are in a checkout: {CORPUS}")
    result = run(CORPUS)
    note("read", 1, 1)
    found = [figure for half in result.halves if half.faults for figure in _of_half(half)]
    return found + [_of_speed(speed) for speed in result.speeds] + [_of_hostile(speed) for speed in result.hostile]


def _of_half(half: Accuracy) -> list[Figure]:
    worst_precision = min(half.detectors.items(), key=lambda each: each[1].precision)
    worst_recall = min(half.detectors.items(), key=lambda each: each[1].recall)
    beside = f"{half.faults} faults, {half.healthy} healthy look-alikes"
    return [
        _share(f"{half.half} half: precision, the worst detector", worst_precision[1].precision, worst_precision[0]),
        _share(f"{half.half} half: recall, the worst detector", worst_recall[1].recall, worst_recall[0]),
        Figure(name=f"{half.half} half: sessions accepted", reached=_both(half.verdict), beside=beside),
    ]


def _share(name: str, value: float, which: str) -> Figure:
    return Figure(name=name, goal=f">= {LEAST}", reached=f"{value:.3f}", is_met=value >= LEAST, beside="" if value == 1 else which)


def _both(tally: Tally) -> str:
    return f"precision {tally.precision:.3f}, recall {tally.recall:.3f}"


def _of_speed(speed: Speed) -> Figure:
    beside = f"{speed.seconds / speed.decode_seconds:.1f} x a plain decode; memory {speed.memory_ratio:.1f} x the recording (asked <= {MOST_MEMORY:g})"
    is_met = speed.mb_per_s >= LEAST_MB_PER_S and speed.memory_ratio <= MOST_MEMORY
    return Figure(name=f"reading, {speed.name}", goal=f">= {LEAST_MB_PER_S:g} MB/s", reached=f"{speed.mb_per_s:.1f} MB/s", is_met=is_met, beside=beside)


def _of_hostile(speed: Speed) -> Figure:
    return Figure(name=f"hostile, {speed.name}", reached=f"{speed.seconds:.1f} s CPU", beside=f"{speed.size_bytes / 1e6:.0f} MB; {speed.cut or 'nothing cut'}")
