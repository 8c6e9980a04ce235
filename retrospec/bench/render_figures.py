"""The figures of ``retrospec bench render``."""

import asyncio
import statistics
from pathlib import Path

from retrospec.bench.figures import Figure, Lacking, Note
from retrospec.bench.render import FilmSpeed, RenderOutcome, measure, precision, read_corpus, recall
from retrospec.domain.settings import ReplaySettings

CORPUS = Path("tests/confirmation/corpus/recordings")
LEAST_TIMES = {"quiet": 0.0, "typical": 15.0, "busy": 5.0}
MOST_BYTES = 450 * 1_048_576


def figures(note: Note) -> list[Figure]:
    """Some minutes. Raises Lacking outside a checkout."""
    if not CORPUS.is_dir():
        raise Lacking(f"the labelled recordings are in a checkout: {CORPUS}")
    corpus = read_corpus(CORPUS)
    done = iter(range(1, len(corpus) + 1))
    outcome = asyncio.run(measure(corpus, ReplaySettings(), lambda _: note("recordings", next(done), len(corpus))))
    return [*_verdicts(outcome), *(_of_film(film, outcome.busyness) for film in outcome.films), *_memory(outcome)]


def _verdicts(outcome: RenderOutcome) -> list[Figure]:
    right, found = precision(outcome.answers), recall(outcome.answers)
    verdict_s = statistics.median(answer.seconds for answer in outcome.answers)
    beside = f"{len(outcome.answers)} labelled recordings, {sum(answer.labelled.visible for answer in outcome.answers)} of them visible failures"
    return [
        Figure(name="confirmed: precision", goal=">= 0.97", reached=f"{right:.3f}", is_met=right >= 0.97, beside=beside),
        Figure(name="confirmed: recall", goal=">= 0.90", reached=f"{found:.3f}", is_met=found >= 0.9),
        Figure(name="verdict on one marker, warm, median", goal="< 2 s", reached=f"{verdict_s:.2f} s", is_met=verdict_s < 2, beside=f"busyness of the machine {outcome.busyness:.1f}"),
    ]


def _of_film(film: FilmSpeed, busyness: float) -> Figure:
    least, undisturbed = LEAST_TIMES.get(film.name, 0.0), film.times_real * busyness
    return Figure(
        name=f"60 s film at 1280x720, {film.name}", goal=f">= {least:g} x real time" if least else "", reached=f"{film.times_real:.1f} x",
        is_met=film.times_real >= least, beside=f"{undisturbed:.1f} x with the machine's busyness taken out; {film.size_bytes / 1000:.0f} KB",
    )  # fmt: skip


def _memory(outcome: RenderOutcome) -> list[Figure]:
    return [
        Figure(name="browser and driver, most memory", goal="<= 450 MB", reached=f"{outcome.peak_bytes / 1_048_576:.0f} MB", is_met=outcome.peak_bytes <= MOST_BYTES, beside=outcome.browser),
        Figure(name="the same, idle for a while", goal="0 MB", reached=f"{outcome.idle_bytes / 1_048_576:.0f} MB", is_met=outcome.idle_bytes == 0),
    ]
