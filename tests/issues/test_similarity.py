"""Near-duplicates: joined when clear, suggested in doubt, the same in any order."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from retrospec.bench.cluster import driven
from retrospec.domain.marker import MarkerKind
from retrospec.issues.fingerprint_v1 import Fingerprint, fingerprint
from retrospec.issues.similarity import Link, MemoryStore, NeighbourIndex, groups

KIND = MarkerKind.JS_EXCEPTION


def minified(text: str, build: str = "Q2w6Zjyy", functions: str = "f,Zt", column: int = 164, type_: str = "TypeError") -> Fingerprint:
    top, *callers = functions.split(",")
    file = f"https://cdn.example/assets/index-{build}.js"
    stack = f"{top}@{file}:1:{column}\n" + "".join(f"{name}@{file}:1:{9942 + n}\n" for n, name in enumerate(callers))
    evidence: dict[str, Any] = {"type": type_, "message": text, "stack": stack}
    return fingerprint(KIND, "", evidence)


def group_of_each(prints: list[Fingerprint]) -> list[str]:
    index, held = NeighbourIndex(MemoryStore()), set[Link]()
    for one in prints:
        found = driven(index.observe(KIND, one))
        held = (held | set(found.links)) - set(found.withdrawn)
    names = groups(held)
    return [names.get(one.key, one.key) for one in prints]


def test_engines_that_disagree_on_a_nameless_site_by_a_few_columns_are_joined() -> None:
    one, other = minified("a is undefined", functions=",Zt", column=159), minified("undefined is not an object", functions=",Zt", column=163)
    assert one.key != other.key
    assert len(set(group_of_each([one, other]))) == 1


def test_nameless_sites_further_apart_are_not() -> None:
    assert len(set(group_of_each([minified("x", functions=",Zt", column=100), minified("x", functions=",Zt", column=140)]))) == 2


def test_a_text_seen_at_one_place_of_each_build_joins_the_builds() -> None:
    text = "Cannot redefine property: checkout"
    assert len(set(group_of_each([minified(text), minified(text, build="USw6ZjJo", functions="w,Oo", column=4875)]))) == 1


def test_a_second_place_with_the_same_text_withdraws_the_join() -> None:
    text = "Cannot redefine property: checkout"
    first, released, second = minified(text), minified(text, build="USw6ZjJo", functions="w,Oo"), minified(text, functions="g,Yt", column=700)
    index = NeighbourIndex(MemoryStore())
    driven(index.observe(KIND, first))
    (link,) = driven(index.observe(KIND, released)).links
    assert link.rule == "text"
    assert driven(index.observe(KIND, second)).withdrawn == [link]


def test_types_never_mix() -> None:
    here = {"functions": ",Zt", "column": 100}
    prints = [minified("x", **here), minified("x", type_="RangeError", **here)]  # type: ignore[arg-type]
    assert len(set(group_of_each(prints))) == 2
    index = NeighbourIndex(MemoryStore())
    driven(index.observe(KIND, prints[0]))
    assert driven(index.suggest(KIND, prints[1], at_least=0.0)) == []


sightings = st.builds(
    minified,
    text=st.sampled_from(["no cart", "no price", "no user"]),
    build=st.sampled_from(["Q2w6Zjyy", "USw6ZjJo"]),
    functions=st.sampled_from(["f,Zt", "g,Zt", ",Zt", ","]),
    column=st.sampled_from([100, 104, 110, 131, 160]),
)


@settings(max_examples=200)
@given(st.lists(sightings, min_size=2, max_size=14), st.integers(0, 1000))
def test_the_order_of_arrival_does_not_matter(prints: list[Fingerprint], seed: int) -> None:
    shuffled = list(prints)
    random.Random(seed).shuffle(shuffled)
    def partition(seen: list[Fingerprint]) -> set[frozenset[str]]:
        named: dict[str, set[str]] = {}
        for one, group in zip(seen, group_of_each(seen), strict=True):
            named.setdefault(group, set()).add(one.key)
        return {frozenset(keys) for keys in named.values()}
    assert partition(prints) == partition(shuffled)


def test_a_known_sighting_changes_nothing() -> None:
    index, one = NeighbourIndex(MemoryStore()), minified("no cart")
    driven(index.observe(KIND, one))
    again = driven(index.observe(KIND, one))
    assert (again.links, again.withdrawn) == ([], [])


def test_a_moved_function_is_suggested_not_joined() -> None:
    def evidence(file: str) -> dict[str, Any]:
        frames = f"\n    at total ({file}:12:3)\n    at pay (https://shop.example/pay.js:4:1)\n    at submit (https://shop.example/form.js:7:1)"
        return {"type": "Error", "message": "cart has no price", "stack": f"Error: cart has no price{frames}"}

    old = fingerprint(KIND, "", evidence("https://shop.example/cart.js"))
    new = fingerprint(KIND, "", evidence("https://shop.example/basket.js"))
    index = NeighbourIndex(MemoryStore())
    driven(index.observe(KIND, old))
    assert driven(index.observe(KIND, new)).links == []
    assert [near.key for near in driven(index.suggest(KIND, new))] == [old.key]
