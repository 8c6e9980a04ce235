"""A few hundred bent inputs each; ``python -m tests.security.fuzz --minutes 10 all`` tries for as long as you like."""

import pytest

from tests.security.fuzz import TARGETS, run

FOUND = [("trace", 28694)]
"""Seeds that led to a crash once: an address that cannot be taken apart."""


@pytest.mark.parametrize("target", list(TARGETS))
def test_bent_input_never_crashes(target: str) -> None:
    tried, _, crashes = run(target, seconds=60, seed=1, most=60)
    assert tried == 60
    assert crashes == []


@pytest.mark.parametrize(("target", "seed"), FOUND)
def test_what_crashed_once_does_no_more(target: str, seed: int) -> None:
    assert run(target, seconds=60, seed=seed, most=1)[2] == []
