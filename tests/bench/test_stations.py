"""The simulation against what can be reckoned by hand."""

import msgspec
import pytest

from retrospec.bench.stations import Load, Machine, Phase, Took, as_measured, simulate

NOTHING = Phase(web_ms=0.0, turn_web_ms=0.0, turn_database_ms=0.0, free_ms=0.0)
QUIET = Machine(cores=2, strangers=0.0)


def phase(**ms: float) -> Phase:
    return msgspec.structs.replace(NOTHING, **ms)


def load(intake: Phase = NOTHING, analysis: Phase = NOTHING, *, sessions: int = 50, is_apart: bool = False) -> Load:
    return Load(intake=intake, analysis=analysis, sessions=sessions, senders=4, threads=2, is_apart=is_apart)


def intake_ms(of: Phase, machine: Machine = QUIET, *, nodes: int = 1, sessions: int = 50) -> float:
    return simulate(load(of, sessions=sessions), machine, nodes=nodes).intake_ms


def test_an_interpreter_does_one_thing_at_a_time() -> None:
    assert intake_ms(phase(web_ms=10)) == pytest.approx(500)
    assert intake_ms(phase(web_ms=10), nodes=2) == pytest.approx(500)


def test_three_servers_share_two_cores() -> None:
    assert intake_ms(phase(web_ms=10), nodes=3) == pytest.approx(750)


def test_writers_of_a_project_take_turns_whichever_server_they_are_at() -> None:
    assert intake_ms(phase(turn_database_ms=4)) == pytest.approx(200)
    assert intake_ms(phase(turn_database_ms=4), nodes=2) == pytest.approx(400)
    assert intake_ms(phase(turn_database_ms=4, turn_web_ms=2), nodes=2) == pytest.approx(600)


def test_the_store_serves_all_who_have_a_core() -> None:
    assert intake_ms(phase(free_ms=10)) == pytest.approx(250)


def test_strangers_have_their_share_of_the_cores() -> None:
    crowded = msgspec.structs.replace(QUIET, strangers=3.0)
    assert intake_ms(phase(web_ms=10), crowded) == pytest.approx(1_000)


def test_waiting_takes_no_core_and_overlaps() -> None:
    assert intake_ms(phase(wait_ms=10), sessions=40) == pytest.approx(100)


def test_an_interpreter_that_also_analyses_has_both_to_do_and_a_worker_beside_it_takes_that_off() -> None:
    both = load(phase(web_ms=10), phase(web_ms=10))
    assert simulate(both, QUIET, nodes=1).all_ms == pytest.approx(1_000)
    beside = msgspec.structs.replace(both, is_apart=True)
    took = simulate(beside, QUIET, nodes=1)
    assert took.intake_ms == pytest.approx(500)
    assert 500 < took.all_ms < 600, "the last that was taken in has its report soon after"


def test_every_worker_takes_what_any_server_took_in() -> None:
    alone = simulate(load(analysis=phase(web_ms=10), is_apart=True), QUIET, nodes=1)
    two = simulate(load(analysis=phase(web_ms=10), is_apart=True), QUIET, nodes=2)
    assert alone.all_ms == pytest.approx(500) and two.all_ms == pytest.approx(500)


def test_the_waiting_of_a_real_run_is_found_again() -> None:
    real = load(phase(web_ms=3, turn_database_ms=1, free_ms=1, client_ms=1, wait_ms=40), phase(web_ms=5, turn_database_ms=2, wait_ms=30))
    without = load(*(msgspec.structs.replace(each, wait_ms=0.0) for each in (real.intake, real.analysis)))
    found, machine = as_measured(without, QUIET, simulate(real, QUIET, nodes=1))
    assert found.intake.wait_ms == pytest.approx(40, rel=0.1)
    assert found.analysis.wait_ms == pytest.approx(30, rel=0.1)
    assert machine == QUIET


def test_strangers_that_hinder_less_than_their_number_are_counted_for_less() -> None:
    many = msgspec.structs.replace(QUIET, strangers=9.0)
    found, machine = as_measured(load(phase(web_ms=10)), many, Took(1_000, 1_000))
    assert found.intake.wait_ms == 0
    assert machine.strangers == pytest.approx(3, rel=0.05)


def test_who_took_less_than_can_be_has_not_waited() -> None:
    found, _ = as_measured(load(phase(web_ms=10)), QUIET, Took(100, 100))
    assert found.intake.wait_ms == pytest.approx(0, abs=0.01)
