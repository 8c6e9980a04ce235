"""What sets failed visits apart: found where it is, and not made up where it isn't."""

import random

import pytest

from retrospec.domain.trait import Trait
from retrospec.issues.apart import MOST_SHOWN, set_apart

WALLET = Trait("pressed", "wallet")
Visits = list[frozenset[Trait]]


def visits(count: int, dice: random.Random, *also: Trait, share: float = 1.0) -> Visits:
    """Visits with a browser, a country and some presses by chance; ``share`` of them with ``also``."""
    made = []
    for _ in range(count):
        traits = {Trait("browser", dice.choice("abc")), Trait("country", dice.choice("defg")), *(Trait("pressed", f"{dice.randrange(40)}") for _ in range(8))}
        made.append(frozenset(traits | (set(also) if dice.random() < share else set())))
    return made


def test_what_most_of_them_did_and_few_others_is_found_first() -> None:
    dice = random.Random(1)
    found = set_apart(visits(9, dice, WALLET), visits(40, dice, WALLET, share=0.05))
    assert [one.trait for one in found] == [WALLET]
    assert (found[0].failed_with, found[0].failed, found[0].others) == (9, 9, 40)


def test_among_hundreds_of_traits_chance_is_rarely_taken_for_a_reason() -> None:
    said = 0
    for seed in range(300):
        dice = random.Random(seed)
        said += bool(set_apart(visits(12, dice), visits(40, dice)))
    assert said <= 9  # three would be the hundredth


def test_a_rare_trait_of_two_visits_is_told_only_beside_many_others() -> None:
    two: Visits = [frozenset({WALLET})] * 2
    assert set_apart(two, [frozenset()] * 10) == []
    assert [one.trait for one in set_apart(two, [frozenset()] * 98)] == [WALLET]


def test_what_is_certain_but_explains_little_is_not_said() -> None:
    failed = [frozenset({WALLET})] * 20 + [frozenset()] * 80
    assert set_apart(failed, [frozenset()] * 100) == []


def test_traits_of_the_very_same_visits_are_one_and_the_list_is_short() -> None:
    same = frozenset({Trait("browser", "Safari"), Trait("os", "iOS"), Trait("tag:wallet", "pocket")})
    assert [one.trait.sort for one in set_apart([same] * 10, [frozenset()] * 30)] == ["tag:wallet"]
    many = [frozenset(Trait("pressed", str(n)) for n in range(9) if n != i % 9) for i in range(40)]
    assert len(set_apart(many, [frozenset()] * 40)) == MOST_SHOWN


@pytest.mark.parametrize(("failed", "others"), [(0, 5), (5, 0), (0, 0)])
def test_with_one_side_empty_there_is_nothing_to_compare(failed: int, others: int) -> None:
    assert set_apart([frozenset({WALLET})] * failed, [frozenset({WALLET})] * others) == []
