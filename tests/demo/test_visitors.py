from collections import Counter

from retrospec.demo.faults import FAULTS
from retrospec.demo.visitors import visits


def test_each_fault_is_met_by_two_different_people() -> None:
    met: dict[str, set[str]] = {}
    for visitor in visits(12):
        met.setdefault(visitor.fault, set()).add(visitor.name)
    assert {name: len(people) for name, people in met.items() if name} == {fault.name: 2 for fault in FAULTS}
    assert len(met[""]) >= 3


def test_more_visits_keep_the_mix() -> None:
    counted = Counter(visitor.fault for visitor in visits(60))
    assert counted == {**{fault.name: 10 for fault in FAULTS}, "": 20}
