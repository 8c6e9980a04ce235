"""Where to look: what the recording has of the place, and nothing that it has not."""

from typing import Any

import pytest

from retrospec.analysis.whereabouts import Place, _is_named
from retrospec.domain.marker import Marker
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
    typed,
)
from tests.analysis.test_stage import read

SAMPLE = element(10, "button", {"id": "sample-button", "type": "button", "value": "secret"}, text(11, "Send me a sample"))
MORE = element(20, "button", {"id": "more"}, text(21, "One more"))
COUNT = element(25, "output", {}, text(26, "1"))
POSTCODE = element(31, "input", {"name": "postcode", "required": "", "pattern": "[0-9]{5}", "value": "SW1A", "placeholder": "Yours"})
FORM = element(30, "form", {"aria-label": "Checkout"}, element(32, "label", {}, text(33, "Postcode"), POSTCODE), element(34, "button", {"id": "pay"}, text(35, "Pay now")))


def look_at(*events: Any, seen: Marker | None = None) -> list[tuple[str, list[str]]]:
    card = read(recording(*events), *([seen] if seen else [])).card
    return [(sentence.text, sentence.refs) for sentence in card.look_at]


def test_a_dead_button_is_named_as_its_page_wrote_it() -> None:
    told = look_at(page(0, SAMPLE), click(1000, 10), click(1400, 10), click(1800, 10), idle(9000))
    assert [text for text, _ in told] == [
        'Look for the script that should answer a click on <button id="sample-button" type="button"> on /checkout. '
        "No form and no link stands behind it, so a script has to listen."
    ]
    assert told[0][1] == ["a1", "a2", "a3"]


def test_what_did_answer_on_that_page_is_told_with_its_own_row() -> None:
    told = look_at(
        page(0, SAMPLE, MORE, COUNT), click(500, 20), mutation(520, texts=[{"id": 26, "value": "2"}]),
        click(4000, 10), click(4400, 10), click(4800, 10), idle(12000),
    )  # fmt: skip
    assert told[1] == ("On the same page “One more” (button#more) did answer, so scripts run there.", ["a1"])


def test_a_dead_button_comes_with_the_scripts_of_its_page_that_are_the_programs() -> None:
    scripts = ["https://shop.test/static/shop.js?v=3", "https://shop.test/vendor/jquery.js", "https://shop.test/static/shop.js"]
    evidence = {"signal": "rage_click", "count": 3, "control": {"nodeId": 10, "tag": "button", "name": "Send me a sample"}, "extra": {"scripts": scripts}}
    clicks = (page(0, SAMPLE), click(1000, 10), click(1400, 10), click(1800, 10), idle(9000))
    told = look_at(*clicks, seen=marker("ui_no_effect", "Rage click on button “Send me a sample”", 1800, evidence))
    assert told[0][0].endswith(" so a script has to listen. The page's own script is shop.js.")
    evidence["extra"] = {"scripts": [f"https://shop.test/{name}.js" for name in "abcdef"]}
    told = look_at(*clicks, seen=marker("ui_no_effect", "Rage click on button “Send me a sample”", 1800, evidence))
    assert told[0][0].endswith(" The page's own scripts are a.js, b.js, c.js, d.js and 2 more.")


@pytest.mark.parametrize("order", [1, -1])
def test_a_place_is_told_once_and_as_fully_as_any_finding_tells_it(order: int) -> None:
    control = {"nodeId": 10, "tag": "button", "name": "Send me a sample"}
    rage = {"signal": "rage_click", "count": 3, "control": control, "extra": {"scripts": ["https://shop.test/shop.js"]}}
    dead = {"signal": "dead_click", "control": control}
    seen = [marker("ui_no_effect", "Rage click", 1800, rage, "mk_1"), marker("ui_no_effect", "Dead click", 5000, dead, "mk_2")]
    clicks = (page(0, SAMPLE), click(1000, 10), click(1400, 10), click(1800, 10), click(5000, 10), idle(12000))
    card = read(recording(*clicks), *seen[::order]).card
    assert [sentence.text.endswith("The page's own script is shop.js.") for sentence in card.look_at] == [True]


def test_nothing_is_said_of_a_button_that_sends_a_form_having_to_be_listened_to() -> None:
    form = element(40, "form", {}, element(41, "button", {"id": "go"}, text(42, "Go on")))
    told = look_at(page(0, form), click(1000, 41), click(1400, 41), click(1800, 41), idle(9000))
    assert told and "a script has to listen" not in told[0][0]


def test_a_refused_field_is_shown_with_its_rule_and_nothing_of_what_was_typed() -> None:
    evidence = {
        "signal": "validation_refused", "rule": "patternMismatch", "form": "Checkout", "validationMessage": "Wrong format",
        "control": {"nodeId": 31, "tag": "input", "role": "textbox", "name": "Postcode", "selector": "label>input"},
    }  # fmt: skip
    told = look_at(page(0, FORM), typed(1000, 31), click(3000, 34), idle(12000), seen=marker("validation_failed", "Postcode: patternMismatch", 3010, evidence))
    assert told[0][0] == (
        "Check the pattern attribute (patternMismatch) of the “Postcode” field against what people enter: "
        '<input name="postcode" required pattern="[0-9]{5}"> in the form “Checkout” on /checkout.'
    )
    assert "a1" in told[0][1], "the row in which it was filled in"


def test_a_failed_request_says_which_page_sends_it_and_on_what_press() -> None:
    evidence = {"signal": "http_error", "method": "POST", "url": "https://shop.test/api/pay", "status": 500, "durationMs": 700}
    failed = mutation(1900, adds=[added(4, element(50, "p", {"role": "alert"}, text(51, "Payment failed, please try again")))])
    told = look_at(page(0, FORM), click(1000, 34), failed, idle(9000), seen=marker("api_error", "POST /api/pay 500", 1800, evidence))
    assert told[0][0] == "Check the server's side of POST /api/pay. It is sent from /checkout on a press of “Pay now” (button#pay)."


def test_a_failed_request_names_the_function_of_the_program_that_sent_it() -> None:
    stack = "    at Object.ajax (https://shop.test/vendor/jquery.js:90:12)\n    at pay (https://shop.test/static/shop.js?v=3:88:20)"
    evidence = {"signal": "http_error", "method": "POST", "url": "https://shop.test/api/pay", "status": 500, "stack": stack}
    failed = marker("api_error", "POST /api/pay 500", 1800, evidence)
    told_too = event(5, 1790, {"tag": "retrospec.request", "payload": {**evidence, "stack": ""}})
    told = look_at(page(0, FORM), click(1000, 34), told_too, idle(9000), seen=failed)
    assert [told[0][0]] == [text for text, _ in look_at(page(0, FORM), click(1000, 34), idle(9000), seen=failed)], "whether or not the recording tells of it too"
    assert [text for text, _ in told] == [
        "Check the server's side of POST /api/pay. It is sent by pay (shop.js:88) from /checkout on a press of “Pay now” (button#pay)."
    ]


def test_a_minifiers_name_for_what_sent_a_request_is_not_told() -> None:
    stack = "    at t (https://shop.test/static/app.3f2a.js:1:4188)"
    evidence = {"signal": "http_error", "method": "POST", "url": "https://shop.test/api/pay", "status": 500, "stack": stack}
    told = look_at(page(0, FORM), click(1000, 34), idle(9000), seen=marker("api_error", "POST /api/pay 500", 1800, evidence))
    assert [text for text, _ in told] == ["Check the server's side of POST /api/pay. It is sent from /checkout on a press of “Pay now” (button#pay)."]


def test_a_failed_request_comes_with_what_was_chosen_before_it_was_sent() -> None:
    evidence = {"signal": "http_error", "method": "POST", "url": "https://shop.test/api/pay", "status": 500}
    ways = [element(60 + n, "label", {}, element(70 + n, "input", {"type": "radio", "name": "way"}), text(80 + n, way)) for n, way in enumerate(("By card", "By wallet"))]
    failed = marker("api_error", "POST /api/pay 500", 3100, evidence)
    (told,) = look_at(page(0, *ways, FORM), click(1000, 70), click(2000, 71), click(3000, 34), idle(9000), seen=failed)
    assert told[0] == "Check the server's side of POST /api/pay. It is sent from /checkout on a press of “Pay now” (button#pay) with “By wallet” chosen."
    assert {"a2", "a3"} <= set(told[1]), "the choice and the press"


def test_an_error_of_a_press_is_one_place_with_the_press_that_leads_there() -> None:
    evidence = {"signal": "exception", "stack": "TypeError: x\n    at price (https://shop.test/shop.js:41:9)", "control": {"nodeId": 34, "tag": "button", "name": "Pay now"}}
    told = look_at(page(0, FORM), click(1000, 34), idle(9000), seen=marker("js_exception", "TypeError: x", 1010, evidence))
    assert [text for text, _ in told] == ["Start at price (shop.js:41), which runs on a press of “Pay now” (button#pay) on /checkout."]


def test_what_shows_an_error_is_no_place_to_look_where_a_cause_is_known() -> None:
    evidence = {"signal": "http_error", "method": "POST", "url": "https://shop.test/api/pay", "status": 500}
    failed = mutation(1900, adds=[added(4, element(50, "p", {"role": "alert"}, text(51, "Payment failed, please try again")))])
    caused = look_at(page(0, FORM), click(1000, 34), failed, idle(9000), seen=marker("api_error", "POST /api/pay 500", 1800, evidence))
    alone = look_at(page(0, FORM), click(1000, 34), failed, idle(9000))
    assert not any("what shows" in text for text, _ in caused)
    assert any("what shows “Payment failed, please try again”" in text for text, _ in alone)


def test_a_script_that_stands_in_its_page_is_told_by_the_line_and_a_nameless_function_not_at_all() -> None:
    stack = "ReferenceError: cart is not defined\n    at HTMLButtonElement.<anonymous> (https://shop.test/checkout:5:74)"
    told = look_at(page(0, FORM), click(1000, 34), idle(9000), seen=marker("js_exception", "ReferenceError: cart is not defined", 1010, {"stack": stack}))
    assert told[0][0] == "Start at line 5 of /checkout."


def test_elements_are_one_by_their_id_and_not_by_how_their_addresses_happen_to_end() -> None:
    known = Place("", names=("button#pay", "draw (schema)"))
    assert [_is_named((name,), known) for name in ("#pay", "button#pay", "a", "pay", "")] == [True, True, False, False, False]


def test_an_error_inside_a_library_starts_where_the_program_called_it() -> None:
    stack = "TypeError: nothing there\n    at Object.each (https://shop.test/vendor/jquery.js:90:12)\n    at drawBasket (https://shop.test/static/shop.js:17:9)"
    told = look_at(page(0, FORM), click(1000, 34), idle(9000), seen=marker("js_exception", "TypeError: nothing there", 1010, {"stack": stack}))
    assert told[0][0] == "Start at drawBasket (shop.js:17)."


def test_the_markup_of_another_page_is_not_taken_for_a_node_of_the_same_number() -> None:
    later = page(5000, element(10, "a", {"id": "home", "href": "/"}, text(11, "Home")), url="https://shop.test/thanks")
    evidence = {"signal": "dead_click", "control": {"nodeId": 10, "tag": "a", "name": "Home", "selector": "a#home"}}
    told = look_at(page(0, SAMPLE), click(1000, 10), later, idle(12000), seen=marker("ui_no_effect", "Dead click on Home", 9000, evidence))
    assert all("sample-button" not in text for text, _ in told)
