"""The visits that are sent where there is no browser."""

import re

from retrospec.demo.faults import FAULTS
from retrospec.demo.recorded import SHOP, VISITS_DIR, RecordedVisit, recorded_visits
from retrospec.demo.visitors import visits

FILES = sorted(VISITS_DIR.glob("*.json.zst"))
LOCAL = re.compile(r"127\.0\.0\.1|localhost|rs_[0-9a-f]{8}")


def _labels(visit: RecordedVisit) -> str:
    return " ".join(marker.label for marker in visit.markers).lower()


def test_everyone_who_comes_live_was_recorded_too() -> None:
    assert {visit.visitor for visit in recorded_visits()} == {visitor.name for visitor in visits(12)}


def test_each_fault_was_met_on_tape_by_two_people_and_by_no_healthy_one() -> None:
    tapes = recorded_visits()
    for fault in FAULTS:
        met = [visit for visit in tapes if fault.clue in _labels(visit)]
        assert [visit.fault for visit in met] == [fault.name] * 2
        assert all(fault.kind in {marker.kind for marker in visit.markers} for visit in met)
    assert not any(visit.markers for visit in tapes if not visit.fault)


def test_tapes_are_small_in_order_and_name_no_machine() -> None:
    assert sum(path.stat().st_size for path in FILES) < 200_000
    for visit in recorded_visits():
        stamps = [event["timestamp"] for event in visit.events]
        assert min(stamps) > 1_700_000_000_000
        assert max(stamps) - min(stamps) < 120_000
        assert SHOP in str(visit.events[0])
        assert not LOCAL.search(str(visit.events) + str(visit.markers))
