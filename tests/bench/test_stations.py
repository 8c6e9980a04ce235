"""The simulation against what can be reckoned by hand."""

import msgspec
import pytest

from retrospec.bench.stations import Machine, Phase, as_measured, simulate

NOTHING = Phase(web_ms=0.0, turn_web_ms=0.0, turn_database_ms=0.0, free_ms=0.0, client_ms=0.0)
QUIET = Machine(cores=2, strangers=0.0, at_once=4)


def phase(**ms: float) -> Phase:
    return msgspec.structs.replace(NOTHING, **ms)


def took_ms(of: Phase, machine: Machine = QUIET, *, nodes: int = 1, share: int = 50) -> float:
    return simulate(of, machine, nodes=nodes, share=share)


def test_an_interpreter_does_one_thing_at_a_time() -> None:
    assert took_ms(phase(web_ms=10)) == pytest.approx(500)
    assert took_ms(phase(web_ms=10), nodes=2) == pytest.approx(500)


def test_three_servers_share_two_cores() -> None:
    assert took_ms(phase(web_ms=10), nodes=3) == pytest.approx(750)


def test_writers_of_a_project_take_turns_whichever_server_they_are_at() -> None:
    assert took_ms(phase(turn_database_ms=4)) == pytest.approx(200)
    assert took_ms(phase(turn_database_ms=4), nodes=2) == pytest.approx(400)
    assert took_ms(phase(turn_database_ms=4, turn_web_ms=2), nodes=2) == pytest.approx(600)


def test_the_store_serves_all_who_have_a_core() -> None:
    assert took_ms(phase(free_ms=10)) == pytest.approx(250)


def test_strangers_have_their_share_of_the_cores() -> None:
    crowded = msgspec.structs.replace(QUIET, strangers=3.0)
    assert took_ms(phase(web_ms=10), crowded) == pytest.approx(1_000)


def test_waiting_takes_no_core_and_overlaps() -> None:
    assert took_ms(phase(wait_ms=10), share=40) == pytest.approx(100)


def test_the_waiting_of_a_real_run_is_found_again() -> None:
    real = phase(web_ms=3, turn_database_ms=1, free_ms=1, client_ms=1, wait_ms=40)
    found, machine = as_measured(msgspec.structs.replace(real, wait_ms=0.0), QUIET, sessions=50, took_ms=took_ms(real))
    assert found.wait_ms == pytest.approx(40, rel=0.05)
    assert machine == QUIET


def test_strangers_that_hinder_less_than_their_number_are_counted_for_less() -> None:
    many = msgspec.structs.replace(QUIET, strangers=9.0)
    found, machine = as_measured(phase(web_ms=10), many, sessions=50, took_ms=1_000)
    assert found.wait_ms == 0
    assert machine.strangers == pytest.approx(3, rel=0.05)


def test_who_took_less_than_can_be_has_not_waited() -> None:
    found, _ = as_measured(phase(web_ms=10), QUIET, sessions=50, took_ms=100)
    assert found.wait_ms == pytest.approx(0, abs=0.01)
