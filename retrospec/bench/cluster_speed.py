"""How many markers a second are grouped against many issues: over the memory store, and over the real database."""

import asyncio
import random
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

import msgspec

from retrospec.bench.cluster import Item, driven
from retrospec.domain.marker import MarkerKind
from retrospec.issues.fingerprint_v1 import Fingerprint, cluster_key, fingerprint
from retrospec.issues.placing import SqlTokens
from retrospec.issues.similarity import MemoryStore, NeighbourIndex, TokenStore
from retrospec.storage import neighbours
from retrospec.storage.database import Connection, Database
from retrospec.storage.migrate import migrate

KIND = MarkerKind.JS_EXCEPTION
PROJECT = "bench"
NEW = 2_000
"""The last issues, whose coming is measured; those before them are only put there."""
BATCH = 500
"""Markers grouped in one transaction, as joined writes do on a busy server."""
KNOWN = 40_000
"""Markers of known failures in a sample."""


class Speed(msgspec.Struct, kw_only=True):
    """CPU seconds turned into rates, so that a busy machine doesn't blur them."""

    store: str
    issues: int
    new_per_s: float
    """Fingerprint, remember and join: a failure never seen. Of the last ``NEW``."""
    traffic_per_s: float
    """Fingerprint and look up, ``BATCH`` at once: failures seen before, the frequent ones often (Zipf's law, exponent 1)."""
    rarest_per_s: float
    """The same where every failure is as likely as any other: nearly no marker says what a lately seen one said."""
    looked_up_per_s: float
    """The look-up alone, within ``rarest_per_s``."""


def run_speed(issues: int = 100_000, out: TextIO = sys.stdout) -> list[Speed]:
    """Made-up exceptions, each a new issue, until there are ``issues``; then markers of known ones. A minute or two."""
    held = MemoryStore()
    driven(_observed(NeighbourIndex(held), range(max(0, issues - NEW))))
    with TemporaryDirectory(prefix="retrospec-cluster-") as folder:
        sql = asyncio.run(_over_sqlite(Path(folder), held, issues))
    memory = driven(_measured("memory", held, issues))
    _print(memory, out)
    _print(sql, out)
    return [memory, sql]


def _print(speed: Speed, out: TextIO) -> None:
    print(
        f"{speed.store:<22} {speed.issues:>8,} issues: {speed.new_per_s:>8,.0f} new/s   "
        f"{speed.traffic_per_s:>8,.0f} known/s as they come   {speed.rarest_per_s:>8,.0f} known/s all alike "
        f"(look-up alone {speed.looked_up_per_s:,.0f}/s)",
        file=out,
        flush=True,
    )


async def _over_sqlite(folder: Path, held: MemoryStore, issues: int) -> Speed:
    """What ``held`` knows is put into a database as it is; the newest issues then come in through the index."""
    url = f"sqlite:///{folder / 'retrospec.db'}"
    migrate(url)
    database = Database.open(url)

    async def measure(connection: Connection) -> Speed:
        await neighbours.add_rows(connection, PROJECT, ((token, row.key, row.detail) for token, row in held.everything()))
        return await _measured("SQLite", SqlTokens(connection, PROJECT), issues)

    try:
        return await database.write_soon(measure)
    finally:
        await database.close()


async def _observed(index: NeighbourIndex, numbers: range) -> float:
    """New issues a second."""
    spent = 0.0
    for first in range(numbers.start, numbers.stop, BATCH):
        evidence = [_made_up(number) for number in range(first, min(first + BATCH, numbers.stop))]
        began = time.thread_time()
        for one in map(_print_of, evidence):
            await index.observe(KIND, one)
        spent += time.thread_time() - began
    return len(numbers) / max(spent, 1e-9)


async def _measured(name: str, store: TokenStore, issues: int) -> Speed:
    index = NeighbourIndex(store)
    new_per_s = await _observed(index, range(max(0, issues - NEW), issues))
    chance = random.Random(issues)
    rarest, looked_up = await _known(index, [chance.randrange(issues) for _ in range(KNOWN)])
    weights = list(accumulate(1 / rank for rank in range(1, issues + 1)))
    traffic = chance.choices(range(issues), cum_weights=weights, k=2 * KNOWN)
    await _known(index, traffic[:KNOWN])
    traffic_per_s, _ = await _known(index, traffic[KNOWN:])
    return Speed(
        store=name, issues=issues, new_per_s=new_per_s, traffic_per_s=traffic_per_s, rarest_per_s=rarest, looked_up_per_s=looked_up
    )


async def _known(index: NeighbourIndex, numbers: Sequence[int]) -> tuple[float, float]:
    """Markers a second, and those of the look-up alone."""
    sample = [_made_up(number) for number in numbers]
    began, looking = time.thread_time(), 0.0
    for batch in _batches(sample):
        prints = [(KIND, _print_of(evidence)) for evidence in batch]
        looked = time.thread_time()
        fresh = await index.fresh(prints)
        looking += time.thread_time() - looked
        if fresh:
            raise RuntimeError(f"{len(fresh)} known failures were not recognised")
    return len(sample) / (time.thread_time() - began), len(sample) / looking


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
