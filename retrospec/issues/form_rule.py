"""What makes two refused form fields the same. Part of fingerprint v1: frozen once shipped."""

import re
from typing import Any

from retrospec.domain.marker import Control, Evidence, Signal
from retrospec.issues.controls import control_of, stable_name
from retrospec.issues.drafts import Draft
from retrospec.issues.failure import as_evidence
from retrospec.issues.templates import MASK, message_template, page_template

_FLAGS = ("valueMissing", "typeMismatch", "patternMismatch", "tooLong", "tooShort", "rangeUnderflow",
          "rangeOverflow", "stepMismatch", "badInput", "customError")  # fmt: skip
_FLAG = re.compile("|".join(_FLAGS), re.I)
_BY_LOWER = {flag.lower(): flag for flag in _FLAGS}
_TYPED_FLAGS = frozenset({"typeMismatch", "badInput"})
_FIELD = re.compile(r"(?:field|input|on|for)[ :]+[\"'#]?([A-Za-z][\w.-]*)", re.I)
_NAME = re.compile(r"\[name=['\"]?([^'\"\]]+)|#((?:[\w-])+)|\[data-[\w-]+=['\"]?([^'\"\]]+)")


def draft_validation(label: str, raw: Any, *, route: str) -> Draft:
    """Form, field and the rule that refused; never the sentence, which follows the visitor's language."""
    evidence = as_evidence(raw)
    control = control_of(evidence.control, raw, label)
    rule, field, form = _rule(label, evidence, control), _field(control, label), stable_name(evidence.form) or control.landmark
    if evidence.signal is Signal.FORM_ABANDONED:
        rule, field = "abandoned", ""
    if not (field or form):
        return _draft_words(label or evidence.message, rule, route)
    page = "" if form else page_template(route)
    parts = [("form", form), ("field", field), ("rule", rule), ("page", page)]
    return Draft(
        parts=[part for part in parts if part[1]],
        ignored=["the browser's sentence and language", "what was typed"],
        tokens=[f"{name}:{value}" for name, value in parts if value],
        title=f"{control.name or control.label or field or 'Form'} refused{': ' + rule if rule else ''}{' in ' + form if form else ''}"[:120],
    )


def _rule(label: str, evidence: Evidence, control: Control) -> str:
    flag = _FLAG.search(evidence.rule) or _FLAG.search(label) or _FLAG.search(evidence.message)
    if flag is None:
        return stable_name(evidence.rule)
    rule = _BY_LOWER[flag[0].lower()]
    return f"{rule} {control.input_type.lower()}" if rule in _TYPED_FLAGS and control.input_type else rule


def _field(control: Control, label: str) -> str:
    named = _NAME.search(control.selector)
    candidates = [control.test_id, *(named.groups() if named else ()), control.selector if control.selector.isidentifier() else ""]
    if found := next((name for name in (stable_name(c or "") for c in candidates) if name), ""):
        return found
    shown = message_template(control.name or control.label)
    in_label = _FIELD.search(label)
    return shown or (stable_name(in_label[1]) if in_label else "")


def _draft_words(words: str, rule: str, route: str) -> Draft:
    template = message_template(_FLAG.sub("", words))
    parts = [("message", template), ("rule", rule), ("page", page_template(route))]
    return Draft(
        parts=[part for part in parts if part[1]],
        ignored=["what was typed"],
        tokens=[f"{name}:{value}" for name, value in parts if value],
        title=template.replace(MASK, "…")[:120] or "Form refused",
    )
