"""Fuzzing by hand: ``python -m tests.security.fuzz --minutes 10 chunk`` (or trace, redaction, all).

Bends recordings that look real (bytes flipped, pieces cut, doubled and swapped, keys and numbers replaced by bad ones).
Prints how many inputs were tried, the slowest, and each crash with the seed that leads to it; exits with 1 on one.
"""

import argparse
import gzip
import json
import random
import sys
import time
from collections.abc import Callable

from retrospec.analysis import analyse
from retrospec.bench.corpus import labelled_samples
from retrospec.capture.body import read_chunk, read_ingest, read_upload
from retrospec.capture.redaction import redact_events
from retrospec.capture.rules import DEFAULT_RULES
from retrospec.domain.errors import CorruptRecording, Refused
from retrospec.domain.recording import Recording
from retrospec.domain.settings import LimitSettings
from tests.security.hostile import recording as hostile_recording

MAX_SECONDS = 5.0
"""One input (30 to 60 kB) may take so long on a busy machine; anything longer counts as a crash."""
BAD = (
    b"null", b"-1", b"1e999", b"1E400", b"99999999999999999999", b"[]", b"{}", b'""', b'"\\u0000"', b'"\\ud800"', b"true",
    b'"__proto__"', b'"' + b"9" * 40 + b'"', b"[" * 70, b'{"a":' * 70, b"\x00", b"\xff\xfe", b'"a@b.c"', b"4242424242424242",
)  # fmt: skip
LIMITS = LimitSettings(max_body_mb=1, max_events=5_000, max_markers=20)


def _with_secrets() -> bytes:
    """Steps of a visit whose texts hold what is to be redacted."""
    texts = [sample.text for sample in labelled_samples(2)]
    events = [
        {"type": 5, "data": {"tag": "said", "payload": {"text": text, "password": text}}, "timestamp": 1_763_900_000_000 + at}
        for at, text in enumerate(texts)
    ]
    return json.dumps(events).encode()


SEEDS = (json.dumps(hostile_recording("http://127.0.0.1:9", 1_763_900_000_000)).encode(), _with_secrets())
CHUNK = (
    b'{"v":2,"sessionId":"s","tabId":"t","visitorId":"v","seq":0,"segment":0,"site":"x","route":"/","url":"https://x.example/",'
    b'"startedAt":1763900000000,"sentAt":1763900000000,"client":{"userAgent":"x"},"markers":[],"events":'
)


def bent(chance: random.Random, text: bytes) -> bytes:
    """``text`` with one to six wounds."""
    out = bytearray(text)
    for _ in range(chance.randrange(1, 7)):
        at, length = chance.randrange(len(out) or 1), chance.randrange(1, 40)
        way = chance.randrange(5)
        if way == 0 and out:
            out[at] = chance.randrange(256)
        elif way == 1:
            del out[at : at + length * chance.choice((1, 1, 50))]
        elif way == 2:
            out[at:at] = out[at : at + length]
        elif way == 3:
            out[at:at] = chance.choice(BAD)
        else:
            out[at : at + length] = chance.choice(BAD)
    return bytes(out)


def chunk(chance: random.Random) -> None:
    """The three bodies, plain and compressed, each bent before or after."""
    body = CHUNK + chance.choice(SEEDS) + b"}"
    body = bent(chance, body)
    if chance.random() < 0.3:
        body = bent(chance, gzip.compress(body, 1)) if chance.random() < 0.5 else gzip.compress(body, 1)
    for read in (read_chunk, read_upload, read_ingest):
        try:
            read(body, LIMITS)
        except Refused:
            continue


def trace(chance: random.Random) -> None:
    """Reading the story of what is stored."""
    analyse(Recording([bent(chance, chance.choice(SEEDS))]), [], None, min_confidence=0.6)


def redaction(chance: random.Random) -> None:
    """Redacting; what comes out is JSON again and redacting it once more changes nothing."""
    try:
        once = redact_events(bent(chance, chance.choice(SEEDS)), DEFAULT_RULES)
    except CorruptRecording:
        return
    again = redact_events(once.events_json, DEFAULT_RULES)
    if once.counts and again.events_json != once.events_json:
        raise AssertionError(f"redacting twice is not redacting once: {again.counts}")


TARGETS: dict[str, Callable[[random.Random], None]] = {"chunk": chunk, "trace": trace, "redaction": redaction}


def run(name: str, *, seconds: float, seed: int, most: int = 1 << 60) -> tuple[int, float, list[str]]:
    """Inputs tried, the slowest in seconds, and what crashed."""
    until, tried, slowest, crashes = time.monotonic() + seconds, 0, 0.0, []
    while time.monotonic() < until and tried < most:
        started = time.process_time()
        try:
            TARGETS[name](random.Random(f"{name} {seed + tried}"))
        except Exception as error:  # a crash is what this program looks for
            crashes.append(f"{name} seed {seed + tried}: {type(error).__name__}: {error}")
        took = time.process_time() - started
        if took > MAX_SECONDS:
            crashes.append(f"{name} seed {seed + tried}: took {took:.1f} s")
        slowest, tried = max(slowest, took), tried + 1
    return tried, slowest, crashes


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    failed = 0
    for name in TARGETS if given.target == "all" else [given.target]:
        tried, slowest, crashes = run(name, seconds=given.minutes * 60, seed=given.seed)
        sys.stdout.write(f"{name}: {tried:,} inputs, slowest {slowest * 1_000:.0f} ms, {len(crashes)} crashes\n")
        sys.stdout.write("".join(f"  {each[:300]}\n" for each in crashes[:10]))
        failed += len(crashes)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
