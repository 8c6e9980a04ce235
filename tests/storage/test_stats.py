"""Rolled-up statistics say what counting every marker would say, to the millisecond of the look-back."""

import random
from datetime import datetime, timedelta

import pytest

from retrospec.domain.clock import utc_now
from retrospec.domain.marker import Marker, MarkerKind
from retrospec.storage import markers, stats
from retrospec.storage.database import Database
from retrospec.storage.stats import KindStats

NOW = utc_now()
KINDS = list(MarkerKind)


def some_markers(chance: random.Random, session: str, count: int) -> list[Marker]:
    newest = NOW - timedelta(hours=chance.random() * 60)
    return [
        Marker(
            id=f"m{chance.randrange(10**9)}", project_id="p", session_id=session, kind=chance.choice(KINDS), label="x",
            cluster_key=f"k{chance.randrange(12)}", replay_offset_ms=0,
            observed_at=newest - timedelta(minutes=chance.random() * 180),
        )
        for _ in range(count)
    ]  # fmt: skip


def counted(found: list[Marker], since: datetime) -> dict[str, tuple[int, int, int]]:
    by_kind: dict[str, tuple[int, int, int]] = {}
    for kind in KINDS:
        seen = [each for each in found if each.kind == kind and each.observed_at >= since]
        if seen:
            by_kind[kind] = (len(seen), len({e.session_id for e in seen}), len({e.cluster_key for e in seen}))
    return by_kind


def as_counted(found: list[KindStats]) -> dict[str, tuple[int, int, int]]:
    return {each.kind: (each.marker_count, each.session_count, each.cluster_count) for each in found}


@pytest.mark.parametrize("seed", range(5))
async def test_they_are_exact_for_any_look_back_in_any_order(database: Database, seed: int) -> None:
    chance = random.Random(seed)
    batches = [some_markers(chance, f"s{chance.randrange(25)}", chance.randint(1, 6)) for _ in range(60)]
    async with database.write() as connection:
        for batch in batches:
            await markers.add_found(connection, batch)
            await markers.add_found(connection, batch)  # a stage may run twice
    everything = [each for batch in batches for each in batch]
    async with database.read() as connection:
        backs = [NOW - timedelta(hours=hours) for hours in (0.3, 1, 2.7, 13, 24, 47.5, 720)]
        for since in (*backs, *[stats.hour_start(stats.hour_of(back)) for back in backs]):
            found = await stats.by_kind(connection, "p", since=since)
            assert as_counted(found) == counted(everything, since), since
