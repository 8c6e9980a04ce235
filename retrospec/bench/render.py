"""``retrospec bench render``: how right the visual checker is, how fast replays are, and what they hold.

Verdicts are measured on the labelled recordings of the repository (``tests/confirmation/corpus``), films on
made sessions of 60 s. A busy machine slows everything: ``busyness`` tells by how much, 1.0 is undisturbed.
"""

import asyncio
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import zstandard
from rich.console import Console
from rich.table import Table

from retrospec.confirmation.checker import check
from retrospec.domain.finding import Finding, Standing
from retrospec.domain.marker import SIGNAL_KINDS, MarkerKind, Signal, read_evidence
from retrospec.domain.recording import Recording
from retrospec.domain.settings import ReplaySettings
from retrospec.domain.visual import FindingVerdict, VerdictWord
from retrospec.domain.window import windows_around
from retrospec.replay.browser import Renderer, find_browser

MIN_CONFIDENCE = 0.65
"""The default of ``confirmation.min_confidence``."""
FILM_MS = 60_000
IDLE_S = 2.0
"""In place of the server's minute, so that the bench sees the browser go."""
FIRST_READING = (
    ("first set, 70 of them, first run", 0.946, 1.0),
    ("second set, read once by a checker that did not know it", 1.0, 0.708),
)
"""Precision and recall before anything was learnt from the recordings (docs/adr/0010): what to expect of unknown pages."""
ASKED_SPEED = {"quiet": "", "typical": "≥ 15", "busy": "≥ 5"}


class Labelled(msgspec.Struct):
    """A recording whose truth is known."""

    name: str
    visible: bool
    """Whether a person looking at the screen would have seen it fail."""
    finding: Finding
    recording: Recording


class Answer(msgspec.Struct):
    """What the checker made of one labelled recording."""

    labelled: Labelled
    verdict: FindingVerdict
    seconds: float


class FilmSpeed(msgspec.Struct):
    """One made session, filmed."""

    name: str
    times_real: float
    frames: int
    size_bytes: int
    status: str


class RenderOutcome(msgspec.Struct):
    """Everything measured."""

    answers: list[Answer]
    films: list[FilmSpeed]
    peak_bytes: int
    idle_bytes: int
    busyness: float
    """Wall time over CPU time of plain arithmetic before and after the runs."""
    browser: str
    """The program that replayed."""


def precision(answers: Sequence[Answer]) -> float:
    """Of what was confirmed, the share that was visible."""
    confirmed = [answer for answer in answers if answer.verdict.verdict == VerdictWord.CONFIRMED]
    return sum(answer.labelled.visible for answer in confirmed) / len(confirmed) if confirmed else 0.0


def recall(answers: Sequence[Answer]) -> float:
    """Of what was visible, the share that was confirmed."""
    visible = [answer for answer in answers if answer.labelled.visible]
    return sum(answer.verdict.verdict == VerdictWord.CONFIRMED for answer in visible) / len(visible) if visible else 0.0


def read_labelled(path: Path) -> Labelled:
    """One ``*.json.zst`` of the corpus."""
    kept = json.loads(zstandard.decompress(path.read_bytes()))
    signal = Signal(kept["signal"])
    finding = Finding(
        id=path.name.removesuffix(".json.zst"),
        signal=signal,
        kind=SIGNAL_KINDS.get(signal, MarkerKind.UI_NO_EFFECT),
        t_ms=kept["tMs"],
        standing=Standing.UNSEEN,
        confidence=0.7,
        evidence=read_evidence(kept["evidence"]),
    )
    return Labelled(finding.id, kept["visible"], finding, Recording([json.dumps(kept["events"]).encode()]))


def read_corpus(folder: Path) -> list[Labelled]:
    """All recordings of a folder, by name."""
    return [read_labelled(path) for path in sorted(folder.glob("*.json.zst"))]


async def measure(labelled: Sequence[Labelled], settings: ReplaySettings, told: Callable[[str], None]) -> RenderOutcome:
    """Judge every recording of ``labelled``, then film three made sessions."""
    before, found = busyness(), find_browser(settings)
    async with Renderer(settings, idle_s=IDLE_S) as renderer:
        await renderer.start()
        answers = []
        for case in labelled:
            told(case.name)
            answers.append(await _answer(renderer, case))
        films = [await _film(renderer, name, made_session(gap_ms, moving)) for name, gap_ms, moving in SESSIONS]
        peak_bytes = renderer.peak_bytes
        busy = (before + busyness()) / 2
        await _until_idle(renderer)
        return RenderOutcome(answers, films, peak_bytes, renderer.held_bytes(), busy, found.path.rpartition("/")[2] if found else "")


async def _until_idle(renderer: Renderer) -> None:
    """Wait until the idle browser has gone, as it does by itself; not for ever."""
    until_s = time.monotonic() + 5 * IDLE_S
    while renderer.is_warm and time.monotonic() < until_s:  # noqa: ASYNC110 (the renderer tells nobody)
        await asyncio.sleep(0.1)


async def _answer(renderer: Renderer, case: Labelled) -> Answer:
    began = time.monotonic()
    footage = await renderer.look(case.recording, [case.finding], windows_around([case.finding.t_ms]))
    verdict = check(footage, [case.finding], min_confidence=MIN_CONFIDENCE)[0]
    return Answer(case, verdict, time.monotonic() - began)


async def _film(renderer: Renderer, name: str, recording: Recording) -> FilmSpeed:
    with tempfile.TemporaryDirectory() as folder:
        made = await renderer.film(recording, None, Path(folder) / "film.webm")
    times_real = made.duration_ms / made.elapsed_ms if made.elapsed_ms else 0.0
    return FilmSpeed(name, times_real, made.frames, made.size_bytes, made.status if not made.cut else made.cut)


SESSIONS = (("quiet", 4_000, 0.2), ("typical", 1_200, 0.45), ("busy", 250, 0.9))
"""Name, time between changes of the page, and the share of time the pointer moves."""


def made_session(gap_ms: int, moving: float) -> Recording:
    """A 60 s session at 1280×720: a page of cards that fills, scrolls and is pointed at."""
    dice = random.Random(gap_ms)
    events: list[dict[str, Any]] = []

    def add(t_ms: int, kind: int, data: dict[str, Any]) -> None:
        events.append({"type": kind, "timestamp": 1_700_000_000_000 + t_ms, "data": data})

    add(0, 4, {"href": "https://shop.test/teas", "width": 1280, "height": 720})
    add(0, 2, {"node": _page(), "initialOffset": {"left": 0, "top": 0}})
    for index, t_ms in enumerate(range(500, FILM_MS, gap_ms)):
        card = _element("div", {"class": "card"}, [], 10_000 + 2 * index)
        words = {"type": 3, "textContent": f"{dice.choice(('Assam', 'Sencha', 'Oolong'))} no. {index}", "id": 10_001 + 2 * index}
        adds = [{"parentId": 6, "nextId": 100, "node": card}, {"parentId": card["id"], "nextId": None, "node": words}]
        add(t_ms, 3, {"source": 0, "texts": [], "attributes": [], "removes": [], "adds": adds})
        if index % 5 == 4:
            add(t_ms + 40, 3, {"source": 3, "id": 1, "x": 0, "y": dice.randrange(900)})
    for second in range(0, FILM_MS, 1_000):
        for t_ms in range(second, second + round(1_000 * moving), 50):
            spot = {"x": 200 + t_ms // 20 % 700, "y": 120 + t_ms // 35 % 480, "id": 6, "timeOffset": 0}
            add(t_ms, 3, {"source": 1, "positions": [spot]})
    add(FILM_MS, 3, {"source": 1, "positions": [{"x": 1, "y": 1, "id": 6, "timeOffset": 0}]})
    return Recording([json.dumps(events).encode()])


def _element(tag: str, attributes: dict[str, str], children: list[dict[str, Any]], number: int) -> dict[str, Any]:
    return {"type": 2, "tagName": tag, "attributes": attributes, "childNodes": children, "id": number}


def _page() -> dict[str, Any]:
    style = "body{font:15px sans-serif;margin:0;display:flex;flex-wrap:wrap}.card{width:220px;height:120px;margin:12px;padding:12px;border-radius:8px;background:linear-gradient(#fff,#dde);box-shadow:0 2px 8px #0003}"
    sheet = _element("style", {}, [{"type": 3, "textContent": style, "id": 3}], 4)
    cards = [
        _element("div", {"class": "card"}, [{"type": 3, "textContent": f"Tea {i}", "id": 101 + 2 * i}], 100 + 2 * i) for i in range(150)
    ]
    page = _element("html", {}, [_element("head", {}, [sheet], 5), _element("body", {}, cards, 6)], 2)
    return {"type": 0, "childNodes": [{"type": 1, "name": "html", "publicId": "", "systemId": "", "id": 7}, page], "id": 1}


def busyness() -> float:
    """Wall time over CPU time of plain arithmetic: above 1 the machine has other work."""
    wall_s, cpu_s = time.monotonic(), time.process_time()
    sum(range(12_000_000))
    return max(1.0, (time.monotonic() - wall_s) / max(0.001, time.process_time() - cpu_s))


def print_outcome(outcome: RenderOutcome, console: Console) -> None:
    """The tables of ``retrospec bench render``: what came out, beside what was asked."""
    _print_verdicts(outcome, console)
    films = Table("60 s session, 1280×720", "asked", "× real time", "× its busyness", "frames", "KB", "status")
    for speed in outcome.films:
        undisturbed = f"{speed.times_real * outcome.busyness:.1f}"
        times = f"{speed.times_real:.1f}"
        films.add_row(speed.name, ASKED_SPEED[speed.name], times, undisturbed, str(speed.frames), str(speed.size_bytes // 1_000), speed.status)
    console.print(films)
    numbers = Table("measure", "asked", "reached")
    for name, told, chosen in _halves(outcome.answers):
        numbers.add_row(f"{name}, {told}: precision of confirmed", "≥ 0.97", f"{precision(chosen):.3f}")
        numbers.add_row(f"{name}, {told}: recall", "≥ 0.90", f"{recall(chosen):.3f}")
    for name, right, found in FIRST_READING:
        numbers.add_row(f"recorded, {name}: precision, recall", "", f"{right:.3f}, {found:.3f}")
    seconds = [answer.seconds for answer in outcome.answers]
    numbers.add_row("verdict on one marker, warm, median", "< 2 s", f"{statistics.median(seconds):.2f} s")
    numbers.add_row("verdict on one marker, warm, p95", "", f"{_p95(seconds):.2f} s")
    numbers.add_row(f"{outcome.browser} and driver, most memory held", "≤ 450 MB", f"{outcome.peak_bytes / 1_048_576:.0f} MB")
    numbers.add_row("the same, idle for a while", "0 MB", f"{outcome.idle_bytes / 1_048_576:.0f} MB")
    console.print(numbers)
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    console.print(f"busyness of the machine {outcome.busyness:.1f}{load}; “× its busyness” estimates an undisturbed one")


def _halves(answers: Sequence[Answer]) -> list[tuple[str, str, list[Answer]]]:
    """The sets of the corpus by their letters, those that are there, and all together."""
    sets = [("first set", "made with the checker", "vw"), ("second set", "made after it", "xy"), ("all", f"{len(answers)} recordings", "vwxy")]
    chosen = [(name, told, [answer for answer in answers if answer.labelled.name[0] in letters]) for name, told, letters in sets]
    return [entry for entry in chosen if entry[2]]


def _print_verdicts(outcome: RenderOutcome, console: Console) -> None:
    table = Table("truth", *(word.value for word in VerdictWord))
    for visible, name in ((True, "visible failure"), (False, "worked after all")):
        words = [answer.verdict.verdict for answer in outcome.answers if answer.labelled.visible == visible]
        table.add_row(name, *(str(words.count(word)) for word in VerdictWord))
    console.print(table)
    for answer in outcome.answers:
        wanted = VerdictWord.CONFIRMED if answer.labelled.visible else VerdictWord.REFUTED
        if answer.verdict.verdict != wanted:
            console.print(f"{answer.labelled.name}: {answer.verdict.verdict.value} {answer.verdict.confidence} {answer.verdict.sentence}")


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]
