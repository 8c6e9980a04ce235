"""A yardstick for the machine, so that figures from different machines can be compared as ratios."""

import time

import msgspec

from retrospec.bench.recordings import recording

ROUNDS = 15
SIZE_BYTES = 1_000_000


def decode_ms_per_mb() -> float:
    """CPU time of decoding 1 MB of rrweb events into Python objects, here and now; the best of some rounds."""
    text = recording(1, SIZE_BYTES, 0)
    decode = msgspec.json.Decoder().decode
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.thread_time()
        decode(text)
        best = min(best, time.thread_time() - began)
    return best * 1_000 * SIZE_BYTES / len(text)
