"""When Python looks for cycles while recordings are read."""

import gc
from contextlib import ExitStack

import pytest

from retrospec.breather import WORTH_IT_BYTES, collector_at_rest


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Each search for cycles; whether the collector was at work by itself again."""
    seen: list[bool] = []
    monkeypatch.setattr("retrospec.breather.gc.collect", lambda: seen.append(gc.isenabled()))
    return seen


def test_the_search_waits_for_the_last_of_several_readers(searches: list[bool]) -> None:
    with ExitStack() as one, ExitStack() as other:
        one.enter_context(collector_at_rest(WORTH_IT_BYTES))
        other.enter_context(collector_at_rest(WORTH_IT_BYTES))
        assert not gc.isenabled()
        one.close()
        assert (gc.isenabled(), searches) == (False, [])
        other.close()
    assert (gc.isenabled(), searches) == (True, [True])


def test_readers_that_never_end_at_once_do_not_hold_it_up_for_ever(searches: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrospec.breather.LONGEST_REST_S", 0.0)
    with collector_at_rest(WORTH_IT_BYTES):
        with collector_at_rest(WORTH_IT_BYTES):
            pass
        assert (gc.isenabled(), searches) == (False, [False])


def test_a_reader_that_fails_leaves_the_collector_at_work(searches: list[bool]) -> None:
    with pytest.raises(ValueError, match="unreadable"), collector_at_rest(WORTH_IT_BYTES):
        raise ValueError("unreadable")
    assert (gc.isenabled(), searches) == (True, [True])


def test_small_ones_are_not_worth_it(searches: list[bool]) -> None:
    with collector_at_rest(WORTH_IT_BYTES - 1):
        assert gc.isenabled()
    assert searches == []
