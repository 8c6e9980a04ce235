"""How well and how fast stage 1 reads: precision and recall per detector on a labelled corpus, MB/s to the finished card, and what a hostile recording costs.

The corpus is a folder of ``*.json.zst`` files, each ``{labels, events, markers}`` as ``tests/analysis/corpus/record.py`` writes
them. The dev half is there to build on; only the test half says how good the detectors are.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from retrospec.analysis.detectors import DETECTORS
from retrospec.analysis.scene import Scene
from retrospec.analysis.stage import analyse, read_story
from retrospec.bench.reading_speed import HOSTILE, Speed, measure_habit, measure_hostile, speed_lines
from retrospec.bench.recordings import HABITS
from retrospec.domain.finding import Standing
from retrospec.domain.marker import Marker, marker_kind
from retrospec.domain.recording import Recording

HALVES = ("dev", "test", "blind")
MIN_CONFIDENCE = 0.6


class Labels(msgspec.Struct, rename="camel"):
    """What a perfect reader finds in a recording."""

    name: str
    half: str
    expects: list[str]
    allows: list[str] = []
    is_failure: bool = False


class Visit(msgspec.Struct):
    """One recording of the corpus."""

    labels: Labels
    events: msgspec.Raw
    markers: list[dict[str, Any]]

    def recording(self) -> Recording:
        """Its events, as stage 1 gets them."""
        return Recording([bytes(self.events)])

    def sdk_markers(self) -> list[Marker]:
        """What the page's own script marked."""
        return [_marker(raw) for raw in self.markers]


class Tally(msgspec.Struct):
    """How often a detector was right."""

    hits: int = 0
    false_alarms: list[str] = []
    misses: list[str] = []

    @property
    def precision(self) -> float:
        """Of what it found, the share that was there; 1 where it found nothing."""
        found = self.hits + len(self.false_alarms)
        return self.hits / found if found else 1.0

    @property
    def recall(self) -> float:
        """Of what was there, the share it found; 1 where nothing was."""
        there = self.hits + len(self.misses)
        return self.hits / there if there else 1.0


class Accuracy(msgspec.Struct):
    """One half of the corpus."""

    half: str
    faults: int = 0
    healthy: int = 0
    detectors: dict[str, Tally] = {}
    verdict: Tally = msgspec.field(default_factory=Tally)
    """Sessions accepted (``ready``) that should be, and so on."""


class Result(msgspec.Struct):
    """All that ``run`` measured."""

    halves: list[Accuracy]
    speeds: list[Speed]
    hostile: list[Speed]


def run(corpus: Path, *, speed_mb: float = 20.0, large_mb: float = 60.0, hostile_share: float = 1.0) -> Result:
    """Reads the whole corpus, then made-up recordings of ``speed_mb``, one of ``large_mb``, and hostile ones (0 skips each).

    Raises FileNotFoundError without a corpus.
    """
    visits = load_corpus(corpus)
    speeds = [measure_habit(habit, int(speed_mb * 1e6)) for habit in HABITS] if speed_mb else []
    if large_mb:
        speeds.append(measure_habit("normal", int(large_mb * 1e6)))
    hostile = [measure_hostile(name, hostile_share) for name in HOSTILE] if hostile_share else []
    return Result([judge_half(half, [v for v in visits if v.labels.half == half]) for half in HALVES], speeds, hostile)


def load_corpus(corpus: Path) -> list[Visit]:
    """All visits, by name."""
    files = sorted(corpus.glob("*.json.zst"))
    if not files:
        raise FileNotFoundError(f"no recordings (*.json.zst) in {corpus}")
    inflate = zstandard.ZstdDecompressor()
    return [msgspec.json.decode(inflate.decompress(file.read_bytes(), max_output_size=1 << 28), type=Visit) for file in files]


def judge_half(half: str, visits: Sequence[Visit]) -> Accuracy:
    """Counts hits, false alarms and misses over these visits."""
    accuracy = Accuracy(half, detectors={name: Tally() for name in DETECTORS})
    for visit in visits:
        labels = visit.labels
        accuracy.faults += bool(labels.expects)
        accuracy.healthy += not labels.expects
        found = found_by_detector(visit)
        for name, tally in accuracy.detectors.items():
            if name not in labels.allows:
                _count(tally, labels.name, name in labels.expects, name in found)
        _count(accuracy.verdict, labels.name, labels.is_failure, is_accepted(visit))
    return accuracy


def found_by_detector(visit: Visit) -> set[str]:
    """The detectors that confirmed something in a visit."""
    scene = Scene(read_story(visit.recording(), visit.sdk_markers()))
    return {name for name, find in DETECTORS.items() if any(f.standing == Standing.CONFIRMED for f in find(scene))}


def is_accepted(visit: Visit) -> bool:
    """Whether the whole stage calls the visit ``ready``."""
    return analyse(visit.recording(), visit.sdk_markers(), None, min_confidence=MIN_CONFIDENCE).status == "ready"


def _count(tally: Tally, name: str, expected: bool, found: bool) -> None:
    if expected and found:
        tally.hits += 1
    elif expected:
        tally.misses.append(name)
    elif found:
        tally.false_alarms.append(name)


def lines(result: Result) -> Iterable[str]:
    """The result as a plain table, then each mistake by name."""
    for half in result.halves:
        yield f"{half.half} half: {half.faults} faults, {half.healthy} healthy look-alikes"
        yield f"  {'detector':18} {'precision':>9} {'recall':>7} {'found':>6}  mistakes"
        for name, tally in [*half.detectors.items(), ("session accepted", half.verdict)]:
            yield f"  {name:18} {tally.precision:9.2f} {tally.recall:7.2f} {tally.hits:6}  {_mistakes(tally)}"
    yield from speed_lines(result.speeds, result.hostile)


def _mistakes(tally: Tally) -> str:
    return " ".join([*(f"+{name}" for name in tally.false_alarms), *(f"-{name}" for name in tally.misses)])


def _marker(raw: dict[str, Any]) -> Marker:
    kind = marker_kind(str(raw.get("kind", "")))
    return Marker(
        id=str(raw["id"]), project_id="bench", session_id="bench", kind=kind, label=str(raw.get("label", "")), cluster_key=f"{kind}:bench",
        replay_offset_ms=int(raw.get("offsetMs", 0)), observed_at=datetime(2026, 1, 1, tzinfo=UTC), evidence=raw.get("evidence"),
    )  # fmt: skip

