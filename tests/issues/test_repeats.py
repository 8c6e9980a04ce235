"""A repeated marker is named by a look-up: with the same name, whatever differs from visit to visit, and never another's."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrospec.domain.marker import MarkerKind
from retrospec.issues import fingerprint_v1
from retrospec.issues.fingerprint_v1 import fingerprint
from retrospec.issues.stacks import _any_stack, parse_stack
from tests.issues.test_fingerprint_frozen import FROZEN

VISITS: list[dict[str, Any]] = [
    {"breadcrumbs": [{"at": 1, "message": "click"}], "count": 3, "durationMs": 120, "requestId": "r-1", "debugId": "d", "handled": True},
    {"breadcrumbs": [], "count": 9, "durationMs": 4, "requestId": "r-2", "debugId": "e", "handled": False},
]


@pytest.mark.parametrize(("kind", "label", "evidence", "route", "key"), FROZEN)
def test_what_differs_from_visit_to_visit_names_nothing(kind: MarkerKind, label: str, evidence: Any, route: str, key: str) -> None:
    said = evidence if isinstance(evidence, dict) else {}
    if not said:
        return
    for visit in VISITS:
        fingerprint_v1._repeated.cache_clear()
        assert fingerprint(kind, label, said | visit, site="https://shop.example", route=route).key == key
    before = fingerprint_v1._repeated.cache_info().hits
    assert fingerprint(kind, label, said | VISITS[0], site="https://shop.example", route=route).key == key
    assert fingerprint_v1._repeated.cache_info().hits == before + 1


def test_a_request_is_named_by_its_own_page_each_time() -> None:
    said = {"method": "GET", "url": "https://shop.example/api/stock", "status": 500}
    own = fingerprint(MarkerKind.API_ERROR, "", said, site="https://shop.example")
    other = fingerprint(MarkerKind.API_ERROR, "", said, site="https://elsewhere.example")
    assert own.key != other.key


@pytest.mark.parametrize("odd", [{"message": "\ud800"}, {"message": object()}, {1: 2}, {"message": b"x"}, {"a": {"b": set()}}])
def test_evidence_that_is_no_json_is_named_too(odd: Any) -> None:
    assert fingerprint(MarkerKind.JS_EXCEPTION, "TypeError: x", odd).key == fingerprint(MarkerKind.JS_EXCEPTION, "TypeError: x", odd).key


LINE = st.sampled_from(
    ["TypeError: x", "    at pay (https://a.example/app.js:1:2)", "  at https://a.example/app.js:3:4", "    at new Cart (a.js:1:1)", "at <anonymous>",
     "    at a.b (native)", "", "\tat f (x.js:1:2", "    at f x.js:1:2)", "f@https://a.example/a.js:1:2", "some words at pay (x)", "    at async g (a.js:2:3)", "\u2028", "a\rb"]
)  # fmt: skip


@given(st.lists(LINE, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_the_short_way_through_a_stack_reads_what_the_long_one_does(lines: list[str], end: str) -> None:
    text = end.join(lines)
    assert parse_stack(text) == _any_stack(text)
