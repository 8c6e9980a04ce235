"""What is told as one failure and what as two."""

from retrospec.domain.finding import Standing
from retrospec.domain.marker import Signal
from tests.analysis.recordings import click, element, idle, marker, page, recording, text
from tests.analysis.test_stage import read

FORM = element(
    40, "form", {"aria-label": "Checkout"}, element(41, "input", {"name": "postcode"}), element(42, "button", {}, text(43, "Pay now"))
)
REFUSED = {"signal": "validation_refused", "form": "Checkout", "rule": "patternMismatch", "control": {"nodeId": 41, "name": "Postcode"}}
LEFT = {**REFUSED, "signal": "form_abandoned"}


def _primaries(*markers_seen: object) -> list[Signal]:
    source = recording(page(0, FORM), click(1_000, 42), idle(30_000))
    findings = read(source, *markers_seen).findings
    symptoms = {name for finding in findings for name in finding.symptom_ids}
    return [f.signal for f in findings if f.id not in symptoms and f.standing != Standing.REFUTED]


def test_a_form_left_long_after_it_refused_is_the_same_failure() -> None:
    refused = marker("validation_failed", "Postcode: patternMismatch", 1_010, REFUSED, "mk_1")
    left = marker("validation_failed", "Checkout left after Postcode: patternMismatch", 29_000, LEFT, "mk_2")
    assert _primaries(refused, left) == [Signal.VALIDATION_REFUSED]


def test_another_form_left_is_another_failure() -> None:
    refused = marker("validation_failed", "Postcode: patternMismatch", 1_010, REFUSED, "mk_1")
    left = marker("validation_failed", "Newsletter left", 29_000, {**LEFT, "form": "Newsletter"}, "mk_2")
    assert _primaries(refused, left) == [Signal.VALIDATION_REFUSED, Signal.FORM_ABANDONED]
