"""How well and how fast stage 1 reads: precision and recall per detector on a labelled corpus, and MB/s to the finished card.

The corpus is a folder of ``*.json.zst`` files, each ``{labels, events, markers}`` as ``tests/analysis/corpus/record.py`` writes
them. The dev half is there to build on; only the test half says how good the detectors are.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from retrospec.analysis.detectors import DETECTORS
from retrospec.analysis.scene import Scene
from retrospec.analysis.stage import analyse, read_story
from retrospec.bench.recordings import recording as made_up_recording
from retrospec.domain.finding import Standing
from retrospec.domain.marker import Marker, marker_kind
from retrospec.domain.recording import Recording

HALVES = ("dev", "test")
MIN_CONFIDENCE = 0.6
_START_MS = 1_700_000_000_000
_LONGEST_S = 300


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


class Speed(msgspec.Struct):
    """Reading one large made-up recording."""

    size_bytes: int
    seconds: float
    """CPU time of the reading."""
    decode_seconds: float
    """CPU time of merely decoding the same JSON into Python objects, in the same run: the machine's own pace."""
    rows: int
    peak_growth_bytes: int
    """By how much the process's peak memory grew while reading."""

    @property
    def mb_per_s(self) -> float:
        """Events to finished card, one core."""
        return self.size_bytes / 1e6 / self.seconds


class Result(msgspec.Struct):
    """All that ``run`` measured."""

    halves: list[Accuracy]
    speed: Speed | None


def run(corpus: Path, *, speed_mb: float = 20.0) -> Result:
    """Reads the whole corpus, then one recording of ``speed_mb`` (0 skips that). Raises FileNotFoundError without a corpus."""
    visits = load_corpus(corpus)
    speed = measure_speed(int(speed_mb * 1e6)) if speed_mb else None
    return Result([judge_half(half, [v for v in visits if v.labels.half == half]) for half in HALVES], speed)


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


def measure_speed(size_bytes: int) -> Speed:
    """Time and memory of one reading, in a process of its own so that nothing else is counted."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recording.json"
        file.write_bytes(made_up_recording(7, size_bytes, _START_MS))
        command = [sys.executable, "-m", "retrospec.bench.analyze", str(file)]
        answer = subprocess.run(command, capture_output=True, check=True, timeout=_LONGEST_S)
    return msgspec.json.decode(answer.stdout, type=Speed)


def read_once(file: Path) -> Speed:
    """Reads a recording; CPU seconds, so that a busy machine counts less."""
    source = Recording([file.read_bytes()])
    before = _peak_bytes()
    start = time.process_time()
    analysis = analyse(source, [], None, min_confidence=MIN_CONFIDENCE)
    seconds = time.process_time() - start
    growth = _peak_bytes() - before
    start = time.process_time()
    msgspec.json.decode(source.chunks[0])
    return Speed(source.size_bytes, seconds, time.process_time() - start, len(analysis.trace.rows), growth)


def _peak_bytes() -> int:
    """The most memory this process ever held; 0 where the system (other than Linux) doesn't tell.

    Not ``getrusage``: its peak is inherited from the process that started this one.
    """
    status = Path("/proc/self/status")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(peak[1]) * 1024 if peak else 0


def lines(result: Result) -> Iterable[str]:
    """The result as a plain table, then each mistake by name."""
    for half in result.halves:
        yield f"{half.half} half: {half.faults} faults, {half.healthy} healthy look-alikes"
        yield f"  {'detector':18} {'precision':>9} {'recall':>7} {'found':>6}  mistakes"
        for name, tally in [*half.detectors.items(), ("session accepted", half.verdict)]:
            yield f"  {name:18} {tally.precision:9.2f} {tally.recall:7.2f} {tally.hits:6}  {_mistakes(tally)}"
    if result.speed is not None:
        speed = result.speed
        growth = speed.peak_growth_bytes / speed.size_bytes
        yield f"speed: {speed.size_bytes / 1e6:.0f} MB in {speed.seconds:.2f} s of CPU = {speed.mb_per_s:.1f} MB/s"
        yield f"  {speed.seconds / max(1e-6, speed.decode_seconds):.1f} × the time of decoding its JSON; memory grew by {growth:.1f} × the recording"


def _mistakes(tally: Tally) -> str:
    return " ".join([*(f"+{name}" for name in tally.false_alarms), *(f"-{name}" for name in tally.misses)])


def _marker(raw: dict[str, Any]) -> Marker:
    kind = marker_kind(str(raw.get("kind", "")))
    return Marker(
        id=str(raw["id"]), project_id="bench", session_id="bench", kind=kind, label=str(raw.get("label", "")), cluster_key=f"{kind}:bench",
        replay_offset_ms=int(raw.get("offsetMs", 0)), observed_at=datetime(2026, 1, 1, tzinfo=UTC), evidence=raw.get("evidence"),
    )  # fmt: skip


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(read_once(Path(sys.argv[1]))))
