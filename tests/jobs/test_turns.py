"""Whose turn it is, and that no ring is spent on nothing."""

import asyncio
from typing import Any

from retrospec.jobs.queue import Bell
from retrospec.jobs.turns import Turns

A, B, C = ("p", "a"), ("p", "b"), ("p", "c")


class Orders:
    """A database that answers each reading of the order with the next list, and with the last for good."""

    def __init__(self, *orders: list[tuple[str, str]]) -> None:
        self.orders = list(orders)

    async def read_once(self, _work: Any) -> list[tuple[str, str]]:
        return self.orders.pop(0) if len(self.orders) > 1 else self.orders[0]


def _turns(
    orders: Orders, due: list[tuple[str, str]], *, is_paused: bool = False
) -> tuple[Turns, list[tuple[str, str]]]:
    done: list[tuple[str, str]] = []

    async def advance(*named: str) -> bool:
        if named not in due:
            return False
        due.remove(named)
        done.append(named)
        return True

    return Turns(orders, advance, lambda: is_paused), done  # type: ignore[arg-type]


async def test_a_ring_works_until_its_own_session_had_its_turn() -> None:
    turns, done = _turns(Orders([B, A, C], []), [A, B, C])
    await turns.answer(*A)
    assert done == [B, A]


async def test_a_session_found_without_a_ring_costs_no_other_its_own() -> None:
    turns, done = _turns(Orders([A, B, C], []), [A, B, C])
    for rung in (B, C):  # A became due by waiting: nobody rang for it
        await turns.answer(*rung)
    assert done == [A, B, C]


async def test_a_ring_that_meets_a_session_already_done_takes_the_next() -> None:
    turns, done = _turns(Orders([A, B], []), [B])
    await turns.answer(*C)
    assert done == [B]


async def test_an_order_from_before_the_ring_is_not_its_answer() -> None:
    turns, done = _turns(Orders([A, B], [C], []), [A, B, C])
    await turns.answer(*A)
    await turns.answer(*C)
    assert done == [A, B, C]


async def test_a_session_that_cannot_be_claimed_is_tried_once_a_ring() -> None:
    turns, done = _turns(Orders([A, C]), [C])
    await turns.answer(*B)
    assert done == [C]


async def test_a_server_that_stops_chooses_nothing_more() -> None:
    turns, done = _turns(Orders([A]), [A])
    await turns.drain(1.0)
    await turns.answer(*A)
    assert done == []


async def test_a_stop_waits_for_what_is_in_hand_and_gives_back_what_takes_too_long() -> None:
    began, ended = asyncio.Event(), []

    async def advance(_project: str, name: str) -> bool:
        began.set()
        try:
            await asyncio.sleep(0 if name == "a" else 600)
            ended.append(f"{name} finished")
        except asyncio.CancelledError:
            ended.append(f"{name} given back")
            raise
        return True

    for named, how in ((A, "a finished"), (B, "b given back")):
        turns = Turns(Orders([named], []), advance, lambda: False)  # type: ignore[arg-type]
        answering = asyncio.create_task(turns.answer(*named))
        await began.wait()
        await turns.drain(0.05)
        await answering
        assert ended.pop() == how
        began.clear()


async def test_a_pause_leaves_everything_due() -> None:
    due = [A]
    turns, done = _turns(Orders([A]), due, is_paused=True)
    await turns.answer(*A)
    assert (done, due) == ([], [A])


def test_a_strike_before_the_wait_is_not_missed() -> None:
    bell = Bell()
    bell.strike()
    assert bell.wait(0, timeout_s=30.0) == 1
    assert bell.wait(1, timeout_s=0.01) == 1
