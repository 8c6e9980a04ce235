"""What makes two clicks without effect the same. Part of fingerprint v1: frozen once shipped."""

from typing import Any

from retrospec.domain.marker import Evidence, Signal
from retrospec.issues.controls import control_of, identify
from retrospec.issues.drafts import Draft
from retrospec.issues.failure import as_evidence, read_signal
from retrospec.issues.templates import MASK, message_template, page_template

_ONE_FAILURE: dict[Signal, str] = {
    Signal.RAGE_CLICK: "no answer",
    Signal.DEAD_CLICK: "no answer",
    Signal.UNRESPONSIVE: "no answer",
}
"""One dead button makes one visitor click once and the next one ten times."""
_OF_A_PAGE = frozenset({Signal.RELOAD_LOOP, Signal.QUICK_BACK, Signal.BLANK_PAGE, Signal.LONG_TASK, Signal.CRASH})
_TITLES = {
    Signal.RELOAD_LOOP: "Reloaded again and again",
    Signal.QUICK_BACK: "Left at once",
    Signal.BLANK_PAGE: "Blank page",
    Signal.LONG_TASK: "Page frozen",
    Signal.CRASH: "Page crashed",
    Signal.ENDLESS_SPINNER: "Spinner never ends",
    Signal.ERROR_SHOWN: "Error shown",
    Signal.ERROR_CLICK: "Click ends in an error",
    Signal.RAGE_CLICK: "No answer to clicks",
    Signal.DEAD_CLICK: "No answer to clicks",
    Signal.UNRESPONSIVE: "No answer to clicks",
}


def draft_no_effect(label: str, raw: Any, *, route: str) -> Draft:
    """The page for what happens to a page; else the control; else the label's words."""
    evidence = as_evidence(raw)
    signal = read_signal(label, evidence)
    page = page_template(route or evidence.url)
    if signal in _OF_A_PAGE:
        return _draft_page(signal, page)
    if signal is Signal.ERROR_SHOWN:
        return _draft_words(signal, evidence.message or label, page)
    identity = identify(control_of(evidence.control, raw, label)) if _has_target(signal, evidence) else None
    if identity is None:
        return _draft_words(signal, label or evidence.message, page)
    parts = [("what", _ONE_FAILURE.get(signal, signal.value)), *identity.parts, ("page", "" if identity.strong else page)]
    kept = [part for part in parts if part[1]]
    return Draft(
        parts=kept,
        ignored=["generated classes and ids", "number of clicks", *(["the page it happened on"] if identity.strong else [])],
        tokens=[f"{name}:{value}" for name, value in kept],
        title=f"{_TITLES.get(signal, 'No effect')}: {identity.shown}"[:120],
    )


def _has_target(signal: Signal, evidence: Evidence) -> bool:
    return signal is not Signal.CUSTOM or evidence.control is not None


def _draft_page(signal: Signal, page: str) -> Draft:
    parts = [("what", signal.value), ("page", page)]
    title = f"{_TITLES[signal]}: {page.replace(MASK, '…')}"
    return Draft(parts=parts, ignored=["ids in the address", "the query string"], tokens=[f"{k}:{v}" for k, v in parts], title=title[:120])


def _draft_words(signal: Signal, words: str, page: str) -> Draft:
    template = message_template(words)
    parts = [("what", _ONE_FAILURE.get(signal, signal.value)), ("message", template), ("page", page)]
    shown = template.replace(MASK, "…")
    return Draft(
        parts=[part for part in parts if part[1]],
        ignored=["ids and numbers"],
        tokens=[f"what:{signal.value}", f"page:{page}", *(f"word:{w}" for w in template.lower().split())],
        title=(shown or _TITLES.get(signal, "No effect"))[:120],
    )
