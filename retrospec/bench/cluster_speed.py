"""How many markers a second are grouped against many issues: over the memory store, and over the real database."""

import asyncio
import random
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

import msgspec

from retrospec.bench.cluster import Item, driven
from retrospec.domain.marker import MarkerKind
from retrospec.issues.fingerprint_v1 import Fingerprint, cluster_key, fingerprint
from retrospec.issues.placing import SqlTokens
from retrospec.issues.similarity import MemoryStore, NeighbourIndex, TokenStore
from retrospec.storage.database import Connection, Database
from retrospec.storage.migrate import migrate

KIND = MarkerKind.JS_EXCEPTION
BATCH = 500
"""Markers grouped in one transaction, as joined writes do on a busy server."""
KNOWN = 20_000
"""Markers of known failures, picked anew from all of them."""


class Speed(msgspec.Struct, kw_only=True):
    """CPU seconds turned into rates, so that a busy machine doesn't blur them."""

    store: str
    issues: int
    new_per_s: float
    """Fingerprint, remember and join: a failure never seen. Of the last step."""
    known_per_s: float
    """Fingerprint and look up, ``BATCH`` at once: a failure seen before; what nearly every marker is."""
    looked_up_per_s: float
    """The look-up alone."""


def run_speed(issues: int = 100_000, out: TextIO = sys.stdout) -> list[Speed]:
    """Made-up exceptions, each a new issue, until there are ``issues``; then markers of known ones. Minutes."""
    memory = driven(_measured("memory", MemoryStore(), issues))
    _print(memory, out)
    with TemporaryDirectory(prefix="retrospec-cluster-") as folder:
        sql = asyncio.run(_over_sqlite(Path(folder), issues))
    _print(sql, out)
    return [memory, sql]


def _print(speed: Speed, out: TextIO) -> None:
    print(
        f"{speed.store:<22} {speed.issues:>8,} issues: {speed.new_per_s:>8,.0f} new/s   "
        f"{speed.known_per_s:>8,.0f} known/s   (look-up alone {speed.looked_up_per_s:,.0f}/s)",
        file=out,
        flush=True,
    )


async def _over_sqlite(folder: Path, issues: int) -> Speed:
    url = f"sqlite:///{folder / 'retrospec.db'}"
    migrate(url)
    database = Database.open(url)

    async def measure(connection: Connection) -> Speed:
        return await _measured("SQLite", SqlTokens(connection, "bench"), issues)

    try:
        return await database.write_soon(measure)
    finally:
        await database.close()


async def _measured(name: str, store: TokenStore, issues: int) -> Speed:
    index, new_per_s = NeighbourIndex(store), 0.0
    for first in range(0, issues, BATCH):
        numbers = range(first, min(first + BATCH, issues))
        evidence = [_made_up(number) for number in numbers]
        began = time.thread_time()
        for one in map(_print_of, evidence):
            await index.observe(KIND, one)
        new_per_s = len(numbers) / (time.thread_time() - began)
    return await _known(name, index, issues, new_per_s)


async def _known(name: str, index: NeighbourIndex, issues: int, new_per_s: float) -> Speed:
    chance = random.Random(issues)
    sample = [_made_up(chance.randrange(issues)) for _ in range(KNOWN)]
    began, looking = time.thread_time(), 0.0
    for batch in _batches(sample):
        prints = [(KIND, _print_of(evidence)) for evidence in batch]
        looked = time.thread_time()
        fresh = await index.fresh(prints)
        looking += time.thread_time() - looked
        if fresh:
            raise RuntimeError(f"{len(fresh)} known failures were not recognised")
    whole = time.thread_time() - began
    return Speed(
        store=name,
        issues=issues,
        new_per_s=new_per_s,
        known_per_s=KNOWN / whole,
        looked_up_per_s=KNOWN / looking,
    )


def _batches(sample: Sequence[Item]) -> Iterator[list[Item]]:
    rest = iter(sample)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _print_of(evidence: Item) -> Fingerprint:
    found = fingerprint(KIND, "", evidence)
    return msgspec.structs.replace(found, key=cluster_key(KIND, found))


def _made_up(number: int) -> Item:
    """An exception of its own function among 5,000 files, called by shared ones, like a large site's."""
    chance = random.Random(number)
    own = f"step{number}"
    callers = [f"caller{chance.randrange(3_000)}" for _ in range(8)]
    frames = "".join(
        f"\n    at {name} (https://cdn.shop.example/assets/part{chance.randrange(5_000)}-Q2w6Zjyy.js:{chance.randrange(1, 900)}:{chance.randrange(1, 90)})"
        for name in (own, *callers)
    )
    message = f"Cannot read properties of undefined (reading 'field{chance.randrange(2_000)}')"
    return {"type": "TypeError", "message": message, "stack": f"TypeError: {message}{frames}"}
