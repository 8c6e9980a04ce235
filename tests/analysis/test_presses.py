"""Which press an answer belongs to, and which presses need no answer."""

import json
from typing import Any

from retrospec.analysis import Analysis, analyse
from tests.analysis.recordings import (
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
)


def read(*events: Any, markers: Any = ()) -> Analysis:
    return analyse(recording(*events), markers, None, min_confidence=0.6)


def down(t_ms: int, node_id: int) -> dict[str, Any]:
    return event(3, t_ms, {"source": 2, "type": 1, "id": node_id, "x": 20, "y": 20})


def confirmed(card: Analysis) -> list[str]:
    return [found.signal.value for found in card.findings if found.standing == "confirmed"]


BUTTON = element(10, "button", {}, text(11, "Save changes"))
LINK = element(20, "a", {"href": "/help"}, text(21, "Help"))


def test_a_link_pressed_after_a_dead_button_is_what_led_away() -> None:
    card = read(
        page(0, BUTTON, LINK), down(980, 10), click(1_000, 10), down(5_600, 20),
        page(6_000, element(10, "h1", {}, text(11, "Help")), url="https://shop.test/help"), idle(12_000),
    )  # fmt: skip
    assert "unresponsive" in confirmed(card)
    clicks = {row.target.name: [e.kind for e in row.effects] for row in card.trace.rows if row.action == "click" and row.target}
    assert clicks == {"Save changes": [], "Help": ["navigation"]}


def test_a_press_that_was_let_go_elsewhere_is_no_click() -> None:
    card = read(page(0, BUTTON), down(900, 10), idle(9_000), page(9_500, BUTTON, url="https://shop.test/next"), idle(12_000))
    assert [row.action for row in card.trace.rows] == ["navigation", "navigation"]


def test_a_file_picker_opened_by_code_is_the_button_s_answer() -> None:
    picker = element(30, "input", {"type": "file", "style": "display:none"})
    card = read(page(0, BUTTON, picker), down(990, 10), click(1_000, 10), click(1_003, 30), idle(9_000))
    assert confirmed(card) == []
    (row,) = [row for row in card.trace.rows if row.action == "click"]
    assert [(e.kind, e.detail) for e in row.effects] == [("dialog", "of the system")]


def test_what_is_made_to_be_dragged_needs_no_answer_to_a_click() -> None:
    for attributes in ({"class": "drag-handle"}, {"draggable": "true"}, {"aria-roledescription": "sortable"}, {"style": "cursor: grab"}):
        handle = element(10, "button", attributes, text(11, "Move paint"))
        dead = marker("ui_no_effect", "Dead click", 2_000, {"signal": "dead_click", "control": {"nodeId": 10}})
        assert read(page(0, handle), click(1_000, 10), idle(9_000), markers=[dead]).status == "discarded"


def test_a_recorder_may_say_that_something_opened_outside_the_page() -> None:
    outside = event(5, 1_010, {"tag": "retrospec.outside", "payload": {"what": "window"}})
    assert confirmed(read(page(0, BUTTON), click(1_000, 10), outside, idle(9_000))) == []


ROWS = [element(100 + n, "p", {}, text(200 + n, f"Line {n}")) for n in range(20)]
CRASH = marker("js_exception", "TypeError: total is undefined", 1_050, {"signal": "exception", "type": "TypeError", "message": "total is undefined"})
FALL = mutation(1_100, removes=[{"parentId": 4, "id": 100 + n} for n in range(17)])


def test_most_of_a_page_gone_after_an_exception_is_its_harm() -> None:
    card = read(page(0, BUTTON, *ROWS), click(1_000, 10), FALL, idle(9_000), markers=[CRASH])
    assert card.status == "ready"
    assert card.symptom == "The visitor pressed “Save changes” and most of the page disappeared."
    assert "most of the page disappeared right after it" in card.card.confidence_reasons
    assert any("77%" in row.detail or "81%" in row.detail for row in card.trace.rows)


def test_a_page_that_is_drawn_anew_did_not_crash() -> None:
    anew = mutation(1_300, adds=[added(4, element(300 + n, "p", {}, text(400 + n, f"New {n}"))) for n in range(15)])
    card = read(page(0, BUTTON, *ROWS), click(1_000, 10), FALL, anew, idle(9_000), markers=[CRASH])
    assert not any("disappeared" in reason for reason in card.card.confidence_reasons)


def test_rows_that_go_without_an_exception_are_no_failure() -> None:
    card = read(page(0, BUTTON, *ROWS), click(1_000, 10), FALL, idle(9_000))
    assert card.status == "discarded"
    assert "gone" not in json.dumps([row.detail for row in card.trace.rows])
