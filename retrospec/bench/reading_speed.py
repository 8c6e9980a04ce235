"""How fast stage 1 reads, and what it costs at worst: made-up recordings, each read in a process of its own.

CPU time of the process counts, since other work on the machine should not; beside it stands the time of merely decoding
the same JSON in the same run, which is the machine's own pace.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from retrospec.analysis.stage import analyse
from retrospec.bench.recordings import HABITS, recording
from retrospec.breather import collector_at_rest
from retrospec.domain.recording import Recording

MIN_CONFIDENCE = 0.6
ROUNDS = 3
"""The best counts: what disturbs a reading only makes it slower."""
_START_MS = 1_700_000_000_000
_LONGEST_S = 300
_NESTED = 1_000_000
_MUTATIONS = 1_000_000


class Speed(msgspec.Struct):
    """What reading one recording took."""

    name: str
    size_bytes: int
    seconds: float
    """CPU time to the finished card."""
    decode_seconds: float
    """CPU time of merely decoding the same JSON into Python objects; 0 where that can't be done."""
    rows: int
    peak_growth_bytes: int
    """By how much the process's peak memory grew while reading."""
    cut: str = ""
    """What the trace says of what was left out."""

    @property
    def mb_per_s(self) -> float:
        """Events to finished card, one core."""
        return self.size_bytes / 1e6 / self.seconds

    @property
    def memory_ratio(self) -> float:
        """Peak growth for each byte of the recording."""
        return self.peak_growth_bytes / self.size_bytes


def measure_habit(habit: str, size_bytes: int) -> Speed:
    """An ordinary recording."""
    made = recording(7, size_bytes, _START_MS, HABITS[habit])
    return _measure(f"{habit} {size_bytes / 1e6:g} MB", [made], ROUNDS)


def measure_hostile(name: str, share: float) -> Speed:
    """One of ``HOSTILE``, at a share of its full size."""
    return _measure(name, HOSTILE[name](share), 1)


def _measure(name: str, parts: Iterable[bytes], rounds: int) -> Speed:
    """In a process of its own, so that nothing else is counted."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recording.json"
        with file.open("wb") as stream:
            stream.writelines(parts)
        command = [sys.executable, "-m", "retrospec.bench.reading_speed", str(file), name, str(rounds)]
        answer = subprocess.run(command, capture_output=True, check=True, timeout=_LONGEST_S)
    return msgspec.json.decode(answer.stdout, type=Speed)


def read_times(file: Path, name: str, rounds: int) -> Speed:
    """Reads a recording; memory counts the first time, CPU the best time."""
    source = Recording([file.read_bytes()])
    before = _peak_bytes()
    with collector_at_rest(source.size_bytes):  # as the pipeline reads
        start = time.process_time()
        analysis = analyse(source, [], None, min_confidence=MIN_CONFIDENCE)
        seconds = time.process_time() - start
    growth = _peak_bytes() - before
    trace = analysis.trace
    del analysis
    for _ in range(rounds - 1):
        with collector_at_rest(source.size_bytes):
            start = time.process_time()
            analyse(source, [], None, min_confidence=MIN_CONFIDENCE)
            seconds = min(seconds, time.process_time() - start)
    return Speed(name, source.size_bytes, seconds, _decode_seconds(source.chunks[0], rounds), len(trace.rows), growth, trace.cut)


def _decode_seconds(chunk: bytes, rounds: int) -> float:
    best = float("inf")
    try:
        for _ in range(rounds):
            with collector_at_rest(len(chunk)):
                start = time.process_time()
                msgspec.json.decode(chunk)
                best = min(best, time.process_time() - start)
    except (msgspec.DecodeError, RecursionError):
        return 0.0
    return best


def _peak_bytes() -> int:
    """The most memory this process ever held; 0 where the system (other than Linux) doesn't tell.

    Not ``getrusage``: its peak is inherited from the process that started this one.
    """
    status = Path("/proc/self/status")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(peak[1]) * 1024 if peak else 0


# Recordings made to hurt -----------------------------------------------------------------------------------------

_PAGE = b'[{"type":4,"timestamp":%d,"data":{"href":"https://shop.example/"}},{"type":2,"timestamp":%d,"data":{"node":'
_LEAF = b'{"type":0,"id":1,"childNodes":[{"type":2,"id":2,"tagName":"html","attributes":{},"childNodes":[{"type":2,"id":3,"tagName":"body","attributes":{},"childNodes":[{"type":2,"id":4,"tagName":"p","attributes":{},"childNodes":[{"type":3,"id":5,"textContent":"0"}]}]}]}]}}}'


def _nested_snapshot(share: float) -> Iterator[bytes]:
    depth = int(_NESTED * share)
    yield _PAGE % (_START_MS, _START_MS)
    yield b'{"type":2,"id":7,"tagName":"div","attributes":{},"childNodes":[' * depth
    yield b"]}" * depth + b"}}]"


def _nested_by_mutations(share: float) -> Iterator[bytes]:
    """Each node inside the one before, a thousand a mutation: no JSON is deep, the page is."""
    yield _PAGE % (_START_MS, _START_MS) + _LEAF
    above = 3
    for start in range(10, int(_NESTED * share), 1_000):
        adds = []
        for node_id in range(start, start + 1_000):
            adds.append(b'{"parentId":%d,"nextId":null,"node":{"type":2,"id":%d,"tagName":"div","attributes":{},"childNodes":[]}}' % (above, node_id))
            above = node_id
        yield b',{"type":3,"timestamp":%d,"data":{"source":0,"adds":[%s]}}' % (_START_MS + start, b",".join(adds))
    yield b"]"


def _cyclic_ids(share: float) -> Iterator[bytes]:
    """Nodes that claim to be their own ancestors, in turn."""
    yield _PAGE % (_START_MS, _START_MS) + _LEAF
    for turn in range(int(100_000 * share)):
        inner, outer = (10, 11) if turn % 2 else (11, 10)
        yield (
            b',{"type":3,"timestamp":%d,"data":{"source":0,"adds":[{"parentId":3,"nextId":%d,"node":{"type":2,"id":%d,"tagName":"div","childNodes":'
            b'[{"type":2,"id":%d,"tagName":"div","childNodes":[]}]}},{"parentId":%d,"nextId":null,"node":{"type":2,"id":%d,"tagName":"div","childNodes":[]}}]}}'
            % (_START_MS + turn, outer, outer, inner, inner, outer)
        )
    yield b"]"


def _mutations_in_a_row(share: float) -> Iterator[bytes]:
    yield _PAGE % (_START_MS, _START_MS) + _LEAF
    for turn in range(int(_MUTATIONS * share)):
        yield b',{"type":3,"timestamp":%d,"data":{"source":0,"texts":[{"id":5,"value":"%d"}],"attributes":[],"removes":[],"adds":[]}}' % (_START_MS + turn // 10, turn)
    yield b"]"


HOSTILE: dict[str, Callable[[float], Iterable[bytes]]] = {
    "1,000,000 nodes nested in a snapshot": _nested_snapshot,
    "1,000,000 nodes nested by mutations": _nested_by_mutations,
    "100,000 mutations with cyclic ids": _cyclic_ids,
    "1,000,000 mutations in a row": _mutations_in_a_row,
}


def speed_lines(speeds: Sequence[Speed], hostile: Sequence[Speed]) -> Iterator[str]:
    """The measurements as two tables."""
    if speeds:
        yield "speed: events to finished card, CPU of one process, the best of three"
        yield f"  {'recording':18} {'MB/s':>6} {'ms/MB':>6} {'decoding, ms/MB':>16} {'ratio':>6} {'memory':>7}"
    for one in speeds:
        mb = one.size_bytes / 1e6
        decoding = one.decode_seconds * 1e3 / mb
        ratio = one.seconds / max(1e-9, one.decode_seconds)
        yield f"  {one.name:18} {one.mb_per_s:6.1f} {one.seconds * 1e3 / mb:6.1f} {decoding:16.1f} {ratio:6.1f} {one.memory_ratio:6.1f}×"
    if hostile:
        yield "hostile recordings"
        yield f"  {'recording':38} {'MB':>6} {'CPU s':>6} {'memory, MB':>11}  said to be cut"
    for one in hostile:
        yield f"  {one.name:38} {one.size_bytes / 1e6:6.1f} {one.seconds:6.2f} {one.peak_growth_bytes / 1e6:11.1f}  {one.cut or '(whole)'}"


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(read_times(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
