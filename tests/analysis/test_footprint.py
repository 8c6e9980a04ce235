"""Where clicks came to nothing, which fields refused, and every request, out of a recording."""

from typing import Any

from retrospec.analysis import analyse
from retrospec.domain.finding import Outcome
from retrospec.issues.footmarks import marks_of
from retrospec.storage.places import Sort
from tests.analysis.recordings import (
    click,
    document,
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

BUTTON = element(10, "button", {}, text(11, "Apply voucher"))


def footprint(*events: Any, markers: tuple[Any, ...] = ()) -> Any:
    return analyse(recording(*events), list(markers), None, min_confidence=0.6).footprint


def asked(t_ms: int, path: str, status: int) -> dict[str, Any]:
    payload = {"method": "GET", "url": f"https://shop.test{path}", "status": status, "durationMs": 20, "failure": ""}
    return event(5, t_ms, {"tag": "retrospec.request", "payload": payload})


def test_a_click_in_vain_is_placed_in_the_document_however_far_it_was_scrolled() -> None:
    scrolled = event(3, 900, {"source": 3, "id": 1, "x": 0, "y": 640})
    within = event(3, 950, {"source": 3, "id": 10, "x": 0, "y": 77})
    found = footprint(page(0, BUTTON), scrolled, within, click(2_000, 10, 30, 40), click(2_300, 10, 31, 40), click(2_600, 10, 30, 41), idle(20_000))
    assert [(one.sort, one.page, one.x, one.y, one.width) for one in found.presses] == [("rage", "/checkout", 30, 680, 800), ("rage", "/checkout", 31, 680, 800), ("rage", "/checkout", 30, 681, 800)]
    mark = marks_of(found)[0]
    assert (mark.sort, mark.place, mark.thing) == (Sort.RAGE, "/checkout", "button “Apply voucher”")


def test_a_snapshot_says_how_far_the_page_was_scrolled_and_a_resize_how_wide_it_is() -> None:
    shown = [event(4, 0, {"href": "https://shop.test/a", "width": 800, "height": 600})]
    shown.append(event(2, 1, {"node": document(BUTTON), "initialOffset": {"left": 5, "top": 100}}))
    shown.append(event(3, 500, {"source": 4, "width": 390, "height": 600}))
    found = footprint(shown, click(2_000, 10), click(2_300, 10), click(2_600, 10), idle(20_000))
    assert (found.presses[0].x, found.presses[0].y, found.presses[0].width) == (25, 120, 390)


def test_a_click_that_was_answered_leaves_nothing() -> None:
    answer = mutation(2_100, adds=[{"parentId": 4, "nextId": None, "node": text(30, "The voucher is in your basket")}])
    assert footprint(page(0, BUTTON), click(2_000, 10), answer, idle(20_000)).presses == []


def test_every_request_counts_by_endpoint_and_a_failed_one_as_failed() -> None:
    found = footprint(page(0, BUTTON), asked(500, "/api/orders/17", 200), asked(800, "/api/orders/18", 502), asked(900, "/api/basket", 200), idle(20_000))
    assert [(one.sort, one.place, one.thing, one.count, one.failed) for one in marks_of(found)] == [
        (Sort.FAILED_CALL, "shop.test", "GET /api/orders/<*>", 2, 1),
        (Sort.CALL, "shop.test", "GET /api/basket", 1, 0),
    ]


def test_a_refused_field_is_named_with_its_rule_and_how_it_ended() -> None:
    form = element(20, "form", {}, element(21, "input", {"type": "text", "name": "postcode"}), element(22, "button", {"type": "submit"}, text(23, "Go")))
    evidence = {"signal": "validation_refused", "rule": "patternMismatch", "form": "Address", "control": {"tag": "input", "label": "Postcode"}}
    told = marker("validation_failed", "Postcode", 2_050, evidence)
    blocked = footprint(page(0, form), typed(1_000, 21), click(2_000, 22), idle(20_000), markers=(told,))
    assert [(one.field, one.rule, one.form, one.outcome) for one in blocked.refusals] == [("Postcode", "patternMismatch", "Address", Outcome.BLOCKED)]
    assert [(one.thing, one.failed) for one in marks_of(blocked) if one.sort is Sort.FIELD] == [("Postcode · patternMismatch", 1)]
