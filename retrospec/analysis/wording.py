"""The sentences of a card, in words a support agent could read out."""

import re

from retrospec.analysis.facts import Story
from retrospec.analysis.sources import place_of
from retrospec.domain.finding import Finding
from retrospec.domain.marker import SIGNAL_KINDS, Control, MarkerKind, Signal
from retrospec.domain.trace import TraceRow
from retrospec.domain.web_address import address_parts

_TIMES = {1: "", 2: " twice", 3: " three times", 4: " four times", 5: " five times", 6: " six times"}


BEHAVIOUR = frozenset({Signal.RAGE_CLICK, Signal.DEAD_CLICK, Signal.UNRESPONSIVE, Signal.ERROR_CLICK})
"""Signals that say of a control that it did nothing useful."""


def host_of(story: Story) -> str:
    """The host of the first page, which needs no naming."""
    return next((address_parts(segment.url).netloc for segment in story.segments if "://" in segment.url), "")


def without_host(url: str, host: str) -> str:
    """An address as the site's own developers say it: its path, unless it is another host's."""
    scheme, mark, rest = url.partition("://")
    named, _, path = rest.partition("/")
    return f"/{path}" if host and mark and named == host and scheme in ("http", "https") else url


def plain_label(finding: Finding, host: str) -> str:
    """Its label, without the site's own host."""
    return re.sub(rf"https?://{re.escape(host)}(?=/)", "", finding.label) if host else finding.label


def quoted(text: str) -> str:
    """Text from the page, in quotes; its own full stop gives way to the sentence's."""
    return f"“{unstopped(text)}”"


def unstopped(text: str) -> str:
    """``text`` without a closing full stop; an ellipsis stays."""
    return text[:-1] if text.endswith(".") and not text.endswith("..") else text


def times(count: int) -> str:
    """`` three times``; empty for once."""
    return _TIMES.get(count, f" {count} times")


def named(control: Control | None) -> str:
    """A control as people call it: “Pay now”, the “Email” field, an unnamed button."""
    if control is None:
        return "something"
    name = control.name or control.text or control.label
    if not name:
        kind = control.role or control.tag or "element"
        return f"an unnamed {kind} ({control.test_id or control.selector})" if control.test_id or control.selector else f"an unnamed {kind}"
    return f"the {quoted(name)} field" if control.role in ("textbox", "combobox", "searchbox", "spinbutton") else quoted(name)


def pressed(control: Control | None, count: int) -> str:
    """``pressed “Pay now” three times``."""
    return f"{'chose' if control is not None and control.role in ('radio', 'checkbox', 'option') else 'pressed'} {named(control)}{times(count)}"


def symptom_text(story: Story, lead: Finding, symptoms: list[Finding]) -> str:
    """The one plain sentence: what the person did, and what went wrong for them."""
    rows = {row.ref: row for row in story.trace.rows}
    clicks = [rows[ref] for ref in lead.refs if ref in rows and rows[ref].action == "click"]
    signals = {lead.signal, *(symptom.signal for symptom in symptoms)}
    did = _did(lead, symptoms, clicks)
    outcome = _went_wrong(lead, signals, [rows[ref] for ref in lead.refs if ref in rows])
    return f"{did} and {outcome}." if did else f"{outcome[:1].upper()}{outcome[1:]}."


def _did(lead: Finding, symptoms: list[Finding], clicks: list[TraceRow]) -> str:
    if clicks:
        same = [row for row in clicks if row.target is not None and clicks[0].target is not None and row.target.node_id == clicks[0].target.node_id]
        return f"The visitor {pressed(clicks[0].target, max(1, len(same)))}"
    for finding in (lead, *symptoms):
        if finding.evidence.control is not None:
            return f"The visitor {pressed(finding.evidence.control, max(1, finding.evidence.count))}"
    return ""


def _went_wrong(lead: Finding, signals: set[Signal], rows: list[TraceRow]) -> str:
    said = next((row.detail for row in rows if "error_text" in row.flags), "") or next((e.detail for row in rows for e in row.effects if e.kind == "error_text"), "")
    if Signal.BLANK_PAGE in signals or any("blank" in row.flags for row in rows):
        return "the page went blank"
    if any("collapse" in row.flags for row in rows):
        return "most of the page disappeared"
    if said and SIGNAL_KINDS.get(lead.signal) != MarkerKind.VALIDATION_FAILED:
        return f"the page showed {quoted(said)}"
    if Signal.ENDLESS_SPINNER in signals or any("spinner" in row.flags for row in rows):
        return "the page kept loading without end"
    if SIGNAL_KINDS.get(lead.signal) == MarkerKind.VALIDATION_FAILED:
        return _refused(lead, sum(row.action == "click" for row in rows), said)
    if SIGNAL_KINDS.get(lead.signal) == MarkerKind.API_ERROR and any(row.action == "click" for row in rows):
        return f"nothing came of it: {_by_signal(lead, signals)}"
    return _by_signal(lead, signals)


def _refused(lead: Finding, clicks: int, said: str) -> str:
    evidence = lead.evidence
    field = named(evidence.control) if evidence.control and (evidence.control.name or evidence.control.label) else ""
    words = said or evidence.validation_message
    message = f" with {quoted(words)}" if words else ""
    often = " each time" if clicks == evidence.count > 1 else times(evidence.count) if evidence.count > 1 else ""
    return f"the form refused {field or 'the entry'}{often}{message}"


def _by_signal(lead: Finding, signals: set[Signal]) -> str:
    evidence = lead.evidence
    if signals & BEHAVIOUR:
        return "nothing happened"
    return {
        Signal.RELOAD_LOOP: "the page reloaded again and again", Signal.QUICK_BACK: "the visitor came straight back", Signal.SLOW_REQUEST: "the page kept them waiting",
        Signal.NETWORK_ERROR: "a request of the page got no answer", Signal.HTTP_ERROR: f"a request of the page failed{f' with status {evidence.status}' if evidence.status else ''}",
        Signal.RESOURCE_ERROR: "part of the page did not load",
    }.get(lead.signal, "the page's code failed" if SIGNAL_KINDS.get(lead.signal) == MarkerKind.JS_EXCEPTION else f"something went wrong: {quoted(lead.label)}")  # fmt: skip


def cause_text(finding: Finding, host: str) -> str:
    """What broke, technically, in one sentence."""
    kind = SIGNAL_KINDS.get(finding.signal)
    if kind == MarkerKind.JS_EXCEPTION:
        return _error_text(finding)
    if kind == MarkerKind.API_ERROR:
        return _request_text(finding, host)
    if kind == MarkerKind.VALIDATION_FAILED:
        return _refusal_text(finding)
    shown = plain_label(finding, host)
    label = shown.rstrip(".")
    if finding.signal in BEHAVIOUR and finding.evidence.control is not None:
        control = finding.evidence.control
        name, place = named(control), control.selector or control.test_id or control.role
        return f"{name[:1].upper()}{name[1:]}{f' ({place})' if place else ''} has no working effect."
    return _BY_SIGNAL.get(finding.signal, "{}.").format(unstopped(shown) if finding.signal == Signal.ERROR_SHOWN else label) if label else ""


_BY_SIGNAL = {
    Signal.ERROR_SHOWN: "The page's own words: “{}”.",
    Signal.BLANK_PAGE: "Nothing was left to see ({}).",
    Signal.ENDLESS_SPINNER: "The page never stopped waiting ({}).",
    Signal.RELOAD_LOOP: "The page reloads itself ({}).",
    Signal.QUICK_BACK: "The page was not what the visitor wanted ({}).",
}


def _error_text(finding: Finding) -> str:
    evidence = finding.evidence
    message = evidence.message or finding.label
    error = f"{evidence.type}: {message}" if evidence.type and not message.startswith(evidence.type) else message
    frame = place_of(evidence)
    return f"{error[:200].rstrip('.')}{f' at {frame}' if frame else ''}."


def _refusal_text(finding: Finding) -> str:
    evidence = finding.evidence
    rule = f" (rule {evidence.rule})" if evidence.rule else ""
    if evidence.control is not None and (evidence.control.name or evidence.control.label):
        return f"The form's validation refused {named(evidence.control)}{rule}."
    said = f" and said {quoted(evidence.validation_message)}" if evidence.validation_message else f" ({finding.label})" if finding.label else ""
    return f"The form's validation refused the entry{said}{rule}."


def _request_text(finding: Finding, host: str) -> str:
    evidence = finding.evidence
    request = f"{evidence.method} {without_host(evidence.url, host)}".strip() or finding.label
    if evidence.status:
        return f"{request} answered {evidence.status}."
    if finding.signal == Signal.SLOW_REQUEST:
        return f"{request} took {evidence.duration_ms / 1000:.1f} s." if evidence.duration_ms else f"{request} was slow."
    return f"{request} got no answer{f' ({evidence.failure})' if evidence.failure else ''}."
