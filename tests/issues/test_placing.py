"""Near-duplicates over the database: joined, withdrawn, suggested; the same issues in any order of arrival."""

import random
from functools import partial
from pathlib import Path

import pytest

from retrospec.domain.clock import utc_now
from retrospec.domain.marker import MarkerKind
from retrospec.issues import deciding
from retrospec.issues.fingerprint_v1 import Fingerprint, cluster_key, fingerprint
from retrospec.issues.placing import place_sightings
from retrospec.storage import clusters, neighbours
from retrospec.storage.database import Connection, Database
from retrospec.storage.issues import Sighting
from tests.issues.grouped import SETTINGS, P, counted, decided, opened, shown, sighting
from tests.issues.test_similarity import KIND, group_of_each, minified


@pytest.fixture
async def database(tmp_path: Path):  # type: ignore[no-untyped-def]
    async with opened(tmp_path) as database:
        yield database


def seen(one: Fingerprint, session: str, kind: MarkerKind = KIND) -> Sighting:
    return sighting(
        cluster_key(kind, one), session, kind=kind, parts=one.parts, ignored=one.ignored, tokens=one.tokens
    )


async def arrive(database: Database, *sightings: Sighting) -> None:
    """As one session's sightings are placed and counted in the pipeline."""
    await database.write_soon(partial(place_sightings, sightings=sightings, settings=SETTINGS, now=utc_now()))
    for one in sightings:
        await counted(database, one)


async def partition(database: Database, project: str = P) -> set[frozenset[str]]:
    async def read(connection: Connection) -> set[frozenset[str]]:
        keys = [row["key"] for row in await shown(database)]
        return {frozenset(await clusters.keys_of(connection, project, key)) for key in keys}

    async with database.read() as connection:
        return await read(connection)


async def test_two_engines_are_one_issue_and_its_key_is_the_first_ones(database) -> None:  # type: ignore[no-untyped-def]
    one, other = minified("a is undefined", functions=",Zt", column=159), minified("undefined is not an object", functions=",Zt", column=163)
    await arrive(database, seen(one, "s1"))
    await arrive(database, seen(other, "s2"))
    (row,) = await shown(database)
    assert (row["key"], row["session_count"], row["promoted_at"] is None) == (cluster_key(KIND, one), 2, False)


async def test_a_second_place_takes_the_builds_apart_again(database) -> None:  # type: ignore[no-untyped-def]
    text = "Cannot redefine property: checkout"
    first, released = minified(text), minified(text, build="USw6ZjJo", functions="w,Oo")
    await arrive(database, seen(first, "s1"))
    await arrive(database, seen(released, "s2"))
    assert len(await shown(database)) == 1
    await arrive(database, seen(minified(text, functions="g,Yt", column=700), "s3"))
    assert [row["session_count"] for row in await shown(database)] == [1, 1, 1]


async def test_what_a_person_split_off_a_new_sighting_does_not_join_again(database) -> None:  # type: ignore[no-untyped-def]
    text = "Cannot redefine property: basket"
    first, released = minified(text), minified(text, build="USw6ZjJo", functions="w,Oo")
    await arrive(database, seen(first, "s1"))
    await arrive(database, seen(released, "s2"))
    await decided(database, deciding.split, cluster_key(KIND, released))
    await arrive(database, seen(released, "s3"))
    await arrive(database, seen(minified(text, build="USw6ZjJo", functions="w,Oo", column=171), "s4"))
    assert sorted(row["session_count"] for row in await shown(database)) == [1, 3]


@pytest.mark.parametrize("seed", range(3))
async def test_any_order_gives_the_issues_that_the_rules_give_in_memory(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    prints = [
        minified(
            chance.choice(["no cart", "no price", "no user"]),
            build=chance.choice(["Q2w6Zjyy", "USw6ZjJo"]),
            functions=chance.choice(["f,Zt", "g,Zt", ",Zt", ","]),
            column=chance.choice([100, 104, 110, 131, 160]),
        )
        for _ in range(12)
    ]
    expected: dict[str, set[str]] = {}
    for one, group in zip(prints, group_of_each(prints), strict=True):
        expected.setdefault(group, set()).add(cluster_key(KIND, one))
    found = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        order = list(enumerate(prints))
        random.Random(seed + number).shuffle(order)
        async with opened(folder) as database:
            for place, one in order:
                await arrive(database, seen(one, f"s{place}"))
            found.append(await partition(database))
            rows = {row["session_count"] for row in await shown(database)}
            assert sum(row["session_count"] for row in await shown(database)) == len(prints), rows
    assert found[0] == found[1] == {frozenset(keys) for keys in expected.values()}


async def test_names_that_are_parameters_after_all_are_suggested(database) -> None:  # type: ignore[no-untyped-def]
    names = ["anna", "ben", "carla", "dora", "emil", "fritz", "gina", "hugo", "ida", "jonas"]
    for name in names:
        for tail in ("cart", "orders", "profile"):
            one = fingerprint(MarkerKind.API_ERROR, "", {"method": "GET", "url": f"https://x.example/users/{name}/{tail}", "status": 500})
            await arrive(database, seen(one, f"{name}-{tail}", MarkerKind.API_ERROR))
    last = fingerprint(MarkerKind.API_ERROR, "", {"method": "GET", "url": "https://x.example/users/jonas/cart", "status": 500})
    async with database.read() as connection:
        near = await neighbours.likeness_of(connection, P, [cluster_key(MarkerKind.API_ERROR, last)])
    assert near[0].score >= 0.7
    assert len(await shown(database)) == 30
