"""The sentences of a card, in words a support agent could read out."""

import re

from retrospec.analysis.facts import Story
from retrospec.domain.finding import Finding
from retrospec.domain.marker import SIGNAL_KINDS, Control, MarkerKind, Signal
from retrospec.domain.trace import TraceRow

_TIMES = {1: "", 2: " twice", 3: " three times", 4: " four times", 5: " five times", 6: " six times"}
_FRAME = re.compile(r"^\s*(?:at\s+)?(?:(?P<function>[^\s(@]+)\s*[(@]\s*)?(?P<file>(?:https?://|/|[\w.-]+\.(?:js|mjs|ts|tsx|jsx|vue))[^\s()]*?):(?P<line>\d+)(?::\d+)?\)?\s*$")


def quoted(text: str) -> str:
    """Text from the page, in quotes."""
    return f"“{text}”"


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
    if said and SIGNAL_KINDS.get(lead.signal) != MarkerKind.VALIDATION_FAILED:
        return f"the page showed {quoted(said)}"
    if Signal.ENDLESS_SPINNER in signals or any("spinner" in row.flags for row in rows):
        return "the page kept loading without end"
    return _by_signal(lead, signals)


def _by_signal(lead: Finding, signals: set[Signal]) -> str:
    evidence = lead.evidence
    if SIGNAL_KINDS.get(lead.signal) == MarkerKind.VALIDATION_FAILED:
        field = named(evidence.control) if evidence.control and (evidence.control.name or evidence.control.label) else ""
        message = f" with {quoted(evidence.validation_message)}" if evidence.validation_message else ""
        return f"the form refused {field or 'the entry'}{times(evidence.count) if evidence.count > 1 else ''}{message}"
    if signals & {Signal.RAGE_CLICK, Signal.DEAD_CLICK, Signal.UNRESPONSIVE, Signal.ERROR_CLICK}:
        return "nothing happened"
    return {
        Signal.RELOAD_LOOP: "the page reloaded again and again", Signal.QUICK_BACK: "the visitor came straight back", Signal.SLOW_REQUEST: "the page kept them waiting",
        Signal.NETWORK_ERROR: "a request of the page got no answer", Signal.HTTP_ERROR: f"a request of the page failed{f' with status {evidence.status}' if evidence.status else ''}",
        Signal.RESOURCE_ERROR: "part of the page did not load",
    }.get(lead.signal, "the page's code failed" if SIGNAL_KINDS.get(lead.signal) == MarkerKind.JS_EXCEPTION else f"something went wrong: {quoted(lead.label)}")  # fmt: skip


def top_frame(stack: str) -> str:
    """``function (file:line)`` of the first frame with a file; empty where the stack has none."""
    for line in stack.splitlines()[:20]:
        match = _FRAME.match(line)
        if match:
            file = match["file"].split("?")[0].rsplit("/", 1)[-1] or match["file"]
            return f"{match['function']} ({file}:{match['line']})" if match["function"] else f"{file}:{match['line']}"
    return ""


def cause_text(finding: Finding) -> str:
    """What broke, technically, in one sentence."""
    evidence = finding.evidence
    kind = SIGNAL_KINDS.get(finding.signal)
    if kind == MarkerKind.JS_EXCEPTION:
        error = f"{evidence.type}: {evidence.message}" if evidence.type else evidence.message or finding.label
        frame = top_frame(evidence.stack) or (f"{evidence.filename.rsplit('/', 1)[-1]}:{evidence.lineno}" if evidence.filename else "")
        return f"{error[:200].rstrip('.')}{f' at {frame}' if frame else ''}."
    if kind == MarkerKind.API_ERROR:
        return _request_text(finding)
    if kind == MarkerKind.VALIDATION_FAILED:
        rule = f" (rule {evidence.rule})" if evidence.rule else ""
        return f"The form's validation refused {named(evidence.control) if evidence.control else quoted(finding.label)}{rule}."
    if evidence.control is not None:
        return f"{named(evidence.control)[:1].upper()}{named(evidence.control)[1:]} ({evidence.control.selector or evidence.control.role}) has no working effect." if finding.signal in (Signal.RAGE_CLICK, Signal.DEAD_CLICK, Signal.UNRESPONSIVE) else f"{finding.label}."
    return f"{finding.label.rstrip('.')}." if finding.label else ""


def _request_text(finding: Finding) -> str:
    evidence = finding.evidence
    request = f"{evidence.method} {evidence.url}".strip() or finding.label
    if evidence.status:
        return f"{request} answered {evidence.status}."
    if finding.signal == Signal.SLOW_REQUEST:
        return f"{request} took {evidence.duration_ms / 1000:.1f} s." if evidence.duration_ms else f"{request} was slow."
    return f"{request} got no answer{f' ({evidence.failure})' if evidence.failure else ''}."


def look_at_texts(lead: Finding, symptoms: list[Finding]) -> list[str]:
    """Where a developer begins: stack frame, endpoint, element."""
    texts: list[str] = []
    for finding in (lead, *symptoms):
        evidence = finding.evidence
        frame = top_frame(evidence.stack)
        if frame:
            texts.append(f"Start at {frame}.")
        elif evidence.filename:
            texts.append(f"Start at {evidence.filename}:{evidence.lineno}.")
        if evidence.url:
            texts.append(f"Check the server's side of {f'{evidence.method} {evidence.url}'.strip()}.")
        if evidence.control is not None and (evidence.control.selector or evidence.control.test_id):
            texts.append(f"Check the code behind {evidence.control.selector or evidence.control.test_id}.")
    return list(dict.fromkeys(texts))[:4]
