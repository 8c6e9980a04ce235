from typing import Any

import pytest

from retrospec.analysis import Analysis, analyse
from retrospec.domain.finding import Outcome, Standing
from retrospec.domain.marker import Signal
from retrospec.domain.recording import Recording
from tests.analysis.recordings import (
    added,
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

BARE = Recording([b'[{"type":2},{"type":3}]'])
PAY = element(10, "button", {"id": "pay"}, text(11, "Pay now"))


def read(source: Recording, *markers: Any) -> Analysis:
    return analyse(source, markers, None, min_confidence=0.6)


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("js_exception", "TypeError: cart is undefined"),
        ("api_error", "POST /api/pay failed with 500"),
        ("validation_failed", "Email refused"),
        ("ui_no_effect", "Rage click on button#pay"),
    ],
)
def test_a_marker_stands_alone_where_the_recording_shows_nothing(kind: str, label: str) -> None:
    card = read(BARE, marker(kind, label, evidence="seen by an older client"))
    assert card.status == "ready"
    assert 0.6 <= card.confidence <= 0.9
    assert card.findings[0].standing == Standing.UNSEEN
    assert any("marker alone" in reason for reason in card.card.confidence_reasons)
    assert card.symptom


def test_a_session_without_anything_is_discarded_with_its_reason() -> None:
    card = read(BARE)
    assert (card.status, card.findings) == ("discarded", [])
    assert "Nothing went wrong" in card.reason


def test_browser_noise_is_discarded() -> None:
    assert read(BARE, marker("js_exception", "ResizeObserver loop completed with undelivered notifications.")).status == "discarded"


def test_three_clicks_on_a_dead_button_are_told_in_one_plain_sentence() -> None:
    rage = recording(page(0, PAY), click(1000, 10), click(1400, 11), click(1800, 10), idle(9000))
    card = read(rage)
    assert card.symptom == "The visitor pressed “Pay now” three times and nothing happened."
    assert card.card.symptom[0].refs == ["a1", "a2", "a3"]
    assert card.findings[0].signal == Signal.RAGE_CLICK
    assert card.findings[0].outcome == Outcome.BLOCKED
    assert card.card.severity == "high"


def test_a_slow_button_is_not_a_dead_one() -> None:
    slow = recording(
        page(0, PAY, element(20, "p", {}, text(21, "Basket"))),
        click(1000, 10),
        mutation(5200, texts=[{"id": 21, "value": "Thank you for your order"}]),
        idle(12000),
    )
    card = read(slow, marker("ui_no_effect", "Dead click on Pay now", 3500, {"signal": "dead_click", "control": {"nodeId": 10}}))
    assert card.status == "discarded"
    assert card.findings[0].standing == Standing.REFUTED
    assert "Thank you for your order" in card.reason


def test_a_failed_request_names_endpoint_and_status_and_what_the_page_said() -> None:
    failing = recording(
        page(0, PAY),
        click(1000, 10),
        mutation(1900, adds=[added(4, element(30, "div", {"role": "alert"}, text(31, "Payment failed, please try again")))]),
        idle(9000),
    )
    evidence = {"signal": "http_error", "method": "POST", "url": "/api/pay", "status": 500, "durationMs": 700}
    card = read(failing, marker("api_error", "POST /api/pay 500", 1800, evidence))
    assert card.status == "ready"
    assert card.symptom == "The visitor pressed “Pay now” and the page showed “Payment failed, please try again”."
    assert "POST /api/pay answered 500." in card.technical_root_cause
    assert "POST /api/pay" in card.suggested_fix


def test_every_sentence_cites_rows_that_exist() -> None:
    failing = recording(page(0, PAY), click(1000, 10), click(1300, 10), click(1500, 10), idle(9000))
    card = read(failing, marker("js_exception", "TypeError: x is undefined", 1010, {"message": "x is undefined", "stack": "at pay (https://a.test/app.js:3:7)"}))
    rows = {row.ref for row in card.trace.rows}
    parts = [card.card.symptom, card.card.cause, card.card.look_at, card.card.story]
    assert all(sentence.refs and set(sentence.refs) <= rows for part in parts for sentence in part)
    assert "pay (app.js:3)" in card.technical_root_cause


def test_a_refusal_that_was_overcome_is_refuted() -> None:
    form = element(
        40, "form", {"aria-label": "Sign up"}, element(41, "input", {"name": "email", "type": "email"}), element(42, "button", {}, text(43, "Send"))
    )
    overcome = recording(
        page(0, form), click(1000, 42), typed(3000, 41), click(4000, 42),
        mutation(4500, adds=[added(4, element(50, "p", {}, text(51, "Welcome")))]), idle(9000),
    )  # fmt: skip
    card = read(overcome, marker("validation_failed", "Email refused", 1005, {"rule": "typeMismatch"}))
    assert card.status == "discarded"
    assert "corrected" in card.reason


def test_the_same_input_gives_the_same_answer() -> None:
    rage = recording(page(0, PAY), click(1000, 10), click(1400, 10), idle(9000))
    seen = marker("ui_no_effect", "Dead click", 1500)
    assert read(rage, seen) == read(rage, seen)


def test_nonsense_is_noted_and_never_raises() -> None:
    odd = Recording([b"not json", b"[1,null,{},[],\"x\",{\"type\":\"2\"}]", b'[{"type":3,"timestamp":5,"data":{"source":0,"adds":7}}'])
    assert read(odd).status == "discarded"
    assert read(recording(event(2, 0, {"node": {"type": 0}}), event(2, 5, {"node": document()}))).status == "discarded"


def test_the_story_leaves_out_what_goes_without_saying() -> None:
    form = element(
        40, "form", {"aria-label": "Pay"}, element(41, "input", {"aria-label": "Postcode"}),
        element(44, "label", {}, element(45, "input", {"type": "radio", "name": "how"}), text(46, "Wallet")), element(42, "button", {}, text(43, "Pay now")),
    )  # fmt: skip
    visit = recording(
        page(0, form), click(1000, 41), typed(1400, 41), click(3000, 44), click(3001, 45), event(3, 3002, {"source": 5, "id": 45, "text": "on", "isChecked": True}),
        click(5000, 42), mutation(5600, adds=[added(4, element(60, "p", {"role": "alert"}, text(61, "Payment failed")))]), idle(11000),
    )  # fmt: skip
    story = [sentence.text for sentence in read(visit).card.story]
    assert story[1:] == [
        "After 1.4 s the visitor filled in “Postcode”.",
        "After 3.0 s the visitor chose “Wallet”.",
        "After 5.0 s the visitor pressed “Pay now”, then the page showed the error “Payment failed”.",
        "The visitor did not get through before the recording ended.",
    ]
