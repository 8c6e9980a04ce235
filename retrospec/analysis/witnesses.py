"""Brings the SDK's markers into the story: as faults, failed requests, refusals, or suspicions to check."""

import re
from collections.abc import Sequence
from typing import Any

from retrospec.analysis.facts import Action, Fault, Refusal, Request, Story, Suspicion
from retrospec.analysis.looks import clean_text
from retrospec.domain.marker import SIGNAL_KINDS, Evidence, Marker, MarkerKind, Signal, read_evidence
from retrospec.domain.trace import TraceRow

_STATUS = re.compile(r"\b([45]\d\d)\b")
_METHOD = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE|HEAD)\b")
_ADDRESS = re.compile(r"(?:https?://[^\s\"']+|(?<=\s)/[^\s\"']+|^/[^\s\"']+)")
_ERROR_TYPE = re.compile(r"^(?:Uncaught\s+)?(?:\(in promise\)\s*)?([A-Z][A-Za-z]*(?:Error|Exception)): *(.*)", re.S)
_FAULTS = frozenset(signal for signal, kind in SIGNAL_KINDS.items() if kind == MarkerKind.JS_EXCEPTION)
_REQUESTS = frozenset(signal for signal, kind in SIGNAL_KINDS.items() if kind == MarkerKind.API_ERROR)


def add_markers(story: Story, markers: Sequence[Marker]) -> None:
    """Each marker becomes a row and a fact; markers are taken in time order, then by id."""
    for marker in sorted(markers, key=lambda m: (m.replay_offset_ms, m.id)):
        _add(story, marker, _full_evidence(marker))
        story.trace.duration_ms = max(story.trace.duration_ms, marker.replay_offset_ms)
    story.actions.sort(key=lambda action: action.t_ms)
    for facts in (story.faults, story.requests, story.refusals):
        facts.sort(key=lambda fact: fact.t_ms)


def _add(story: Story, marker: Marker, evidence: Evidence) -> None:
    t_ms = max(0, marker.replay_offset_ms)
    row = TraceRow(ref="", t_ms=t_ms, action="marker", detail=clean_text(marker.label), target=evidence.control)
    row.segment = segment_at(story, t_ms)
    row.flags = [marker.kind.value, evidence.signal.value]
    story.actions.append(Action(row=row, by_person=False))
    row.ref = f"marker:{marker.id}"
    where: dict[str, Any] = {"t_ms": t_ms, "segment": row.segment}
    if evidence.signal in _FAULTS:
        story.faults.append(Fault(**where, evidence=evidence, label=_label(marker, evidence), marker=marker, ref=row.ref))
    elif evidence.signal in _REQUESTS:
        story.requests.append(Request(**where, evidence=evidence, label=_label(marker, evidence), marker=marker, ref=row.ref))
    elif evidence.signal == Signal.VALIDATION_REFUSED:
        field = evidence.control.name or evidence.control.label if evidence.control else ""
        refusal = Refusal(**where, field=field, message=evidence.validation_message, evidence=evidence, marker=marker, ref=row.ref)
        story.refusals.append(refusal)
    else:
        story.suspicions.append(Suspicion(**where, marker=marker, evidence=evidence, signal=evidence.signal, ref=row.ref))


def segment_at(story: Story, t_ms: int) -> int:
    """The page load on at that moment; -1 where the recording has none."""
    found = -1
    for segment in story.segments:
        if segment.start_ms <= t_ms or found < 0:
            found = segment.index
    return found


def _label(marker: Marker, evidence: Evidence) -> str:
    return clean_text(marker.label) or clean_text(evidence.message) or clean_text(f"{evidence.method} {evidence.url} {evidence.status or ''}")


def _full_evidence(marker: Marker) -> Evidence:
    """The marker's evidence, with what an older client put into words read from its label."""
    evidence = read_evidence(marker.evidence)
    if evidence.signal == Signal.UNKNOWN or SIGNAL_KINDS.get(evidence.signal, MarkerKind.UI_NO_EFFECT) != marker.kind:
        evidence.signal = _signal(marker, evidence)
    words = f"{marker.label} {evidence.message}"
    if marker.kind == MarkerKind.API_ERROR:
        _read_request(evidence, words)
    if marker.kind == MarkerKind.JS_EXCEPTION:
        _read_exception(evidence, marker.label)
    return evidence


def _read_request(evidence: Evidence, words: str) -> None:
    status, method, address = _STATUS.search(words), _METHOD.search(words), _ADDRESS.search(words)
    evidence.status = evidence.status or (int(status[1]) if status else 0)
    evidence.method = evidence.method or (method[1] if method else "")
    evidence.url = evidence.url or (address[0] if address else "")


def _read_exception(evidence: Evidence, label: str) -> None:
    evidence.message = evidence.message or label
    typed = _ERROR_TYPE.match(evidence.message)
    if typed:
        evidence.type = evidence.type or typed[1]
        if evidence.type == typed[1]:
            evidence.message = typed[2] or evidence.message


def _signal(marker: Marker, evidence: Evidence) -> Signal:
    words = f"{marker.label} {evidence.message}".lower()
    if marker.kind == MarkerKind.JS_EXCEPTION:
        return _first_named(words, _EXCEPTION_WORDS, Signal.EXCEPTION)
    if marker.kind == MarkerKind.API_ERROR:
        found = evidence.status or _STATUS.search(words)
        return Signal.HTTP_ERROR if found else _first_named(words, _REQUEST_WORDS, Signal.HTTP_ERROR)
    if marker.kind == MarkerKind.VALIDATION_FAILED:
        return Signal.FORM_ABANDONED if "abandon" in words else Signal.VALIDATION_REFUSED
    return _first_named(words, _BEHAVIOUR_WORDS, Signal.DEAD_CLICK)


_EXCEPTION_WORDS = {"unhandled": Signal.UNHANDLED_REJECTION, "rejection": Signal.UNHANDLED_REJECTION, "console": Signal.CONSOLE_ERROR}
_REQUEST_WORDS = {"slow": Signal.SLOW_REQUEST, "resource": Signal.RESOURCE_ERROR, "network": Signal.NETWORK_ERROR, "failed to fetch": Signal.NETWORK_ERROR}
_BEHAVIOUR_WORDS = {
    "rage": Signal.RAGE_CLICK, "repeated": Signal.RAGE_CLICK, "reload": Signal.RELOAD_LOOP, "back": Signal.QUICK_BACK, "blank": Signal.BLANK_PAGE,
    "spinner": Signal.ENDLESS_SPINNER, "loading": Signal.ENDLESS_SPINNER,
}  # fmt: skip


def _first_named(words: str, table: dict[str, Signal], default: Signal) -> Signal:
    return next((signal for word, signal in table.items() if word in words), default)
