"""A session's footprint as marks to count: pages, endpoints and controls named by their templates. Pure."""

from collections.abc import Iterator

import msgspec

from retrospec.domain.finding import Outcome
from retrospec.domain.footprint import Call, Footprint, Press, Refused
from retrospec.domain.trace import Trace
from retrospec.issues.controls import identify
from retrospec.issues.exercise import uses_in
from retrospec.issues.templates import host_and_path, page_template, path_template
from retrospec.storage.places import Mark, Sort

MAX_ENDPOINTS = 40
"""Of one session; a visitor rarely meets a quarter of that."""
LONGEST = 190


class Trail(msgspec.Struct, frozen=True):
    """What a session that was read used, and what it left to count."""

    uses: frozenset[str] = frozenset()
    marks: tuple[Mark, ...] = ()


UNREAD = Trail()
"""The session was not read this time: what it left before stands."""


def trail_of(trace: Trace, footprint: Footprint, route: str) -> Trail:
    """All that is counted of a reading, beside its failures."""
    return Trail(uses_in(trace, route), tuple(marks_of(footprint)))


def marks_of(footprint: Footprint) -> list[Mark]:
    """Every click in vain, every refused field, every endpoint once."""
    return [*map(_press, footprint.presses), *map(_refused, footprint.refusals), *_endpoints(footprint)]


def _press(press: Press) -> Mark:
    identity = identify(press.control) if press.control else None
    shown = identity.shown if identity else "a part of the page without a name"
    return Mark(
        sort=Sort(press.sort), place=page_template(press.page)[:LONGEST], thing=shown[:LONGEST], t_ms=press.t_ms,
        x=press.x, y=press.y, width=press.width, shown=shown[:300],
    )  # fmt: skip


def _refused(one: Refused) -> Mark:
    named = " · ".join(part for part in (one.field, one.rule) if part)
    return Mark(
        sort=Sort.FIELD, place=page_template(one.page)[:LONGEST], thing=named[:LONGEST], t_ms=one.t_ms, count=one.times,
        failed=int(one.outcome is not Outcome.OVERCAME), outcome=str(one.outcome), shown=one.form[:300],
    )  # fmt: skip


def _endpoints(footprint: Footprint) -> Iterator[Mark]:
    marks: dict[tuple[str, str], Mark] = {}
    for call in footprint.calls:
        host, thing = _endpoint(call)
        mark = marks.get((host, thing))
        if mark is None and len(marks) < MAX_ENDPOINTS:
            mark = marks[host, thing] = Mark(sort=Sort.CALL, place=host, thing=thing, t_ms=call.t_ms, count=0, failed=0)
        if mark is None:
            continue
        mark.count += 1
        if call.failed:
            mark.t_ms = mark.t_ms if mark.failed else call.t_ms
            mark.failed, mark.sort = mark.failed + 1, Sort.FAILED_CALL
    yield from marks.values()


def _endpoint(call: Call) -> tuple[str, str]:
    host, path = host_and_path(call.url)
    return host[:LONGEST], f"{call.method[:10]} {path_template(path)}"[:LONGEST]
