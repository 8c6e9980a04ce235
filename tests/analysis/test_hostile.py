"""Recordings made to hurt: bounded, noted, never fatal."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrospec.analysis import Analysis, analyse, compiler, story_writer
from retrospec.analysis.reading import read_in_order, salvage
from retrospec.domain.recording import Recording
from tests.analysis.recordings import (
    EPOCH_MS,
    added,
    click,
    element,
    event,
    idle,
    marker,
    mutation,
    page,
    recording,
    text,
    typed,
)


def read(source: Recording, *markers: Any) -> Analysis:
    return analyse(source, markers, None, min_confidence=0.6)


def test_endlessly_nested_nodes_are_bounded_and_said() -> None:
    depth = 200_000
    node = b'{"type":2,"id":7,"tagName":"div","childNodes":['
    nested = node * depth + b"]}" * depth
    chunk = b'[{"type":2,"timestamp":5,"data":{"node":' + nested + b'}},{"type":3,"timestamp":9,"data":{"source":2,"type":2,"id":7}}]'
    card = read(Recording([chunk]))
    assert card.status == "discarded"
    assert "nested too deeply" in card.trace.cut
    assert card.trace.segments[0].seen == "blind"


def test_nodes_that_claim_to_be_their_own_ancestors() -> None:
    div = element(10, "div", {}, element(11, "p", {}, text(12, "inside")))
    cyclic = recording(
        page(0, div),
        mutation(100, adds=[added(11, element(10, "div"))]),
        mutation(200, adds=[added(10, element(10, "div"))], removes=[{"parentId": 4, "id": 10}]),
        mutation(300, adds=[added(4, element(20, "div", {}, element(20, "div", {}, element(20, "p"))))]),
        click(400, 20), click(500, 10), idle(9000),
    )  # fmt: skip
    assert read(cyclic).trace.rows


def test_very_many_mutations_are_cut_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "MAX_CHANGES", 2_000)
    count = 2_010
    texts = ",".join(
        f'{{"type":3,"timestamp":{EPOCH_MS + 10 + n},"data":{{"source":0,"texts":[{{"id":12,"value":"{n}"}}]}}}}' for n in range(count)
    )
    start = json.dumps(page(0, element(11, "p", {}, text(12, "0"))))[:-1]
    card = read(Recording([f"{start},{texts}]".encode()]))
    assert "page changes" in card.trace.cut


def test_very_many_clicks_are_cut_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story_writer, "MAX_ROWS", 500)
    clicks = [click(10 + 20 * n, 11 + n % 2) for n in range(505)]
    card = read(recording(page(0, element(11, "p", {}, text(13, "a")), element(12, "p", {}, text(14, "b"))), clicks))
    assert "actions" in card.trace.cut
    assert len(card.trace.rows) <= 500


def test_many_siblings_added_and_removed_stay_cheap() -> None:
    adds = [added(4, element(100 + n, "li")) for n in range(30_000)]
    removes = [{"parentId": 4, "id": 100 + n} for n in range(29_000)]
    card = read(recording(page(0), mutation(10, adds=adds), mutation(20, removes=removes), idle(100)))
    assert card.trace.segments[0].seen == "exact"


@pytest.mark.parametrize("address", ["http://[", "https://a]b/", "//[::1", "http://\u2100.example/"])
def test_an_address_that_is_none_is_read_over(address: str) -> None:
    first = page(0, element(3, "button"))
    first[1]["data"]["href"] = address
    card = read(recording(*first, click(1_000, 3)), marker("js_exception", f"TypeError: x at {address}:1:2", 2_000))
    assert card.trace.rows


def test_a_chunk_sent_twice_counts_once() -> None:
    button = element(10, "button", {}, text(11, "Pay"))
    once = recording(page(0, button), click(1000, 10), idle(6000))
    twice = Recording([once.chunks[0], once.chunks[0]])
    assert read(once).trace.rows == read(twice).trace.rows


def test_events_out_of_order_read_like_events_in_order() -> None:
    button = element(10, "button", {}, text(11, "Pay"))
    events = json.loads(recording(page(0, button), click(1000, 10), click(1400, 10), idle(9000)).chunks[0])
    shuffled = [*events[3:], *events[:3]]
    straight, mixed = read(recording(events)), read(recording(shuffled))
    assert straight.trace.rows == mixed.trace.rows
    assert straight.symptom == mixed.symptom


def test_one_broken_clock_does_not_move_the_zero() -> None:
    odd = recording(event(3, -EPOCH_MS, {"source": 1}), page(0, element(10, "p", {}, text(11, "Hello"))), click(700, 10), idle(900))
    assert [row.t_ms for row in read(odd).trace.rows] == [0, 700]


def test_a_truncated_chunk_keeps_its_whole_events() -> None:
    whole = recording(page(0, element(10, "button", {}, text(11, "Pay"))), click(1000, 10), idle(6000)).chunks[0]
    cut = Recording([whole[:-40]])
    assert len(read_in_order(cut).events) == len(json.loads(whole)) - 1
    assert list(salvage(b'[{"a":"]}"},{"b":[1,{"c":2}]},{"d"')) == [b'{"a":"]}"}', b'{"b":[1,{"c":2}]}']


def test_two_tabs_with_the_same_node_ids_stay_apart() -> None:
    one = recording(page(0, element(10, "button", {}, text(11, "Pay"))), click(1000, 10), idle(9000))
    other = recording(page(500, element(10, "button", {}, text(11, "Search"))), click(1500, 10), idle(9500))
    card = read(Recording([one.chunks[0], other.chunks[0]], ["t1", "t2"]))
    names = [row.target.name for row in card.trace.rows if row.target]
    assert names == ["Pay", "Search"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "type", "source", "data", "node", "adds", "href", "tag"]), inner, max_size=4),
    max_leaves=8,
)
_NODE = st.integers(1, 14)
_CHILD = st.builds(lambda n, tag, role: element(n, tag, {"role": role}, text(n + 20, "error: try again")), _NODE, st.sampled_from(["div", "button", "form", "input", "a"]), st.sampled_from(["alert", "dialog", "progressbar"]))
_EVENT = st.one_of(
    st.builds(lambda t, *kids: page(t, *kids), st.integers(0, 20_000), _CHILD, _CHILD),
    st.builds(click, st.integers(0, 20_000), _NODE),
    st.builds(lambda t, kind, n: event(3, t, {"source": 2, "type": kind, "id": n}), st.integers(0, 20_000), st.integers(0, 10), _NODE),
    st.builds(typed, st.integers(0, 20_000), _NODE),
    st.builds(lambda t, p, c: mutation(t, adds=[added(p, c)]), st.integers(0, 20_000), _NODE, _CHILD),
    st.builds(lambda t, n: mutation(t, removes=[{"parentId": 1, "id": n}]), st.integers(0, 20_000), _NODE),
    st.builds(lambda t, n, v: mutation(t, texts=[{"id": n + 20, "value": v}]), st.integers(0, 20_000), _NODE, st.text(max_size=5)),
    st.builds(lambda t, n, v: mutation(t, attributes=[{"id": n, "attributes": v}]), st.integers(0, 20_000), _NODE, st.dictionaries(st.sampled_from(["class", "hidden", "style", "disabled", "aria-busy"]), _JSON, max_size=3)),
    st.builds(lambda t, kind, data: event(kind, t, data), st.integers(0, 20_000), st.integers(0, 7), _JSON),
    st.builds(lambda t, tag, payload: event(5, t, {"tag": tag, "payload": payload}), st.integers(0, 20_000), st.sampled_from(["retrospec.request", "error", "route", "retrospec.outside"]), _JSON),
    _JSON,
)  # fmt: skip
_EVIDENCE = st.none() | st.text(max_size=6) | st.dictionaries(st.sampled_from(["signal", "message", "status", "control", "durationMs", "stack", "extra"]), _JSON, max_size=4)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(_EVENT, max_size=25),
    st.lists(st.tuples(st.sampled_from(["js_exception", "api_error", "validation_failed", "ui_no_effect"]), st.text(max_size=12), st.integers(-10, 30_000), _EVIDENCE), max_size=4),
)  # fmt: skip
def test_any_log_is_read_without_a_crash_and_cites_only_what_is_there(events: list[Any], marks: list[tuple[str, str, int, Any]]) -> None:
    markers = [marker(kind, label, offset, evidence, f"mk_{number}") for number, (kind, label, offset, evidence) in enumerate(marks)]
    card = read(recording(events), *markers)
    rows = {row.ref for row in card.trace.rows}
    assert len(rows) == len(card.trace.rows)
    assert {ref for found in card.findings for ref in found.refs} <= rows
    assert {ref for part in (card.card.symptom, card.card.cause, card.card.look_at, card.card.story) for s in part for ref in s.refs} <= rows
    assert sorted(name for found in card.findings for name in found.marker_ids) == sorted(m.id for m in markers)
    assert all(0 <= found.confidence <= 0.9 for found in card.findings)
    assert card.status == "ready" or card.reason
    assert read(recording(events), *markers) == card


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400))
def test_damaged_bytes_are_read_as_far_as_they_go(junk: bytes, place: int) -> None:
    whole = recording(page(0, element(10, "button", {}, text(11, "Pay"))), click(1000, 10)).chunks[0]
    read(Recording([whole[:place] + junk + whole[place:]]))


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(["frames", "unmapped"]), st.lists(st.dictionaries(st.sampled_from(["file", "line", "function", "mapped", "own", "code", "before", "after"]), _JSON, max_size=6) | _JSON, max_size=4) | _JSON))
def test_frames_that_a_client_made_up_are_shown_as_far_as_they_are_frames(extra: dict[str, Any]) -> None:
    failure = marker("js_exception", "TypeError: x", 500, {"signal": "exception", "stack": "TypeError: x\n    at f (https://shop.test/a.js:1:900)", "extra": extra})
    card = read(recording(page(0, element(10, "p", {}, text(11, "a"))), idle(9_000)), failure).card
    for excerpt in card.code:
        assert excerpt.lines and excerpt.line > 0 and 0 <= excerpt.line - excerpt.first_line < len(excerpt.lines)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 4_000), st.integers(0, 4_000), st.binary(max_size=6))
def test_a_chunk_damaged_anywhere_is_read_as_far_as_it_goes(begin: int, length: int, junk: bytes) -> None:
    whole = recording(page(0, element(10, "button", {}, text(11, "Pay"))), click(1_000, 10), mutation(1_200, texts=[{"id": 11, "value": "Paid"}]), idle(6_000)).chunks[0]
    damaged = whole[:begin] + junk + whole[begin + length :]
    card = read(Recording([damaged]))
    assert {ref for found in card.findings for ref in found.refs} <= {row.ref for row in card.trace.rows}
