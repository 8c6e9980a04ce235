"""What a recording says in so many words: custom events and plugin events of rrweb recorders.

Read are, leniently: rrweb's console plugin (``rrweb/console@1``), the network plugin's proposal (``rrweb/network@1``, as PostHog
sends it), and custom events whose payload carries an address, a status or a message.
"""

from typing import Any

import msgspec

from retrospec.analysis.facts import Fault, Request
from retrospec.analysis.limits import MAX_FACTS
from retrospec.analysis.looks import clean_text
from retrospec.analysis.page import Page
from retrospec.analysis.shapes import Custom, Plugin
from retrospec.analysis.story_writer import StoryWriter
from retrospec.domain.marker import Evidence, Signal, read_evidence
from retrospec.domain.trace import TraceRow

OUTSIDE = "retrospec.outside"
"""A recorder's note that the page opened something no recording shows: ``{what: "window"}``, a file picker, the printer."""
_ROUTE_WORDS = ("route", "navigat", "pageview", "url", "history", "pushstate", "popstate")
_MAX_REQUESTS_PER_EVENT = 200


def read_custom(writer: StoryWriter, page: Page, custom: Custom, t_ms: int) -> None:
    """A custom event: a route change, a request, an exception, or nothing known."""
    payload = custom.payload if isinstance(custom.payload, dict) else {}
    tag = custom.tag.lower()
    href = _text(payload, "href", "url", "to")
    if href and any(word in tag for word in _ROUTE_WORDS) and "status" not in payload:
        writer.ensure_segment(page, t_ms)
        writer.moved(page, href, t_ms)
    elif "request" in tag or "network" in tag or "fetch" in tag or "xhr" in tag:
        _request(writer, page, payload, t_ms)
    elif tag == OUTSIDE:
        what = clean_text(_text(payload, "what"))
        writer.ensure_segment(page, t_ms)
        writer.change(page, t_ms, "dialog", f"outside the page ({what})" if what else "outside the page", key=-2)
    elif "submit" in tag or "key" in tag:
        writer.add_row(page, TraceRow(ref="", t_ms=t_ms, action="submit" if "submit" in tag else "key", detail=_text(payload, "key")))
    elif ("error" in tag or "exception" in tag or "rejection" in tag) and _text(payload, "message"):
        fault(writer, page, read_evidence(payload), t_ms)


def read_plugin(writer: StoryWriter, page: Page, plugin: Plugin, t_ms: int) -> None:
    """A plugin event: console output or network requests."""
    payload = plugin.payload if isinstance(plugin.payload, dict) else {}
    if plugin.plugin.startswith("rrweb/console"):
        _console(writer, page, payload, t_ms)
    elif plugin.plugin.startswith("rrweb/network"):
        requests = payload.get("requests")
        for request in requests[:_MAX_REQUESTS_PER_EVENT] if isinstance(requests, list) else []:
            if isinstance(request, dict):
                _request(writer, page, request, t_ms)


def _console(writer: StoryWriter, page: Page, payload: dict[str, Any], t_ms: int) -> None:
    if payload.get("level") not in ("error", "assert"):
        return
    parts = payload.get("payload")
    trace = payload.get("trace")
    text = " ".join(_unquoted(part) for part in parts[:5]) if isinstance(parts, list) else ""
    stack = "\n".join(str(line) for line in trace[:50]) if isinstance(trace, list) else ""
    uncaught = text.startswith("Uncaught") or "Unhandled" in text[:40]
    signal = Signal.EXCEPTION if uncaught else Signal.CONSOLE_ERROR
    fault(writer, page, Evidence(signal=signal, message=text[:500], stack=stack[:4000], handled=not uncaught), t_ms)


def _unquoted(part: Any) -> str:
    """A console argument; the plugin sends each as JSON text."""
    if not isinstance(part, str):
        return ""
    try:
        value = msgspec.json.decode(part)
    except (msgspec.DecodeError, RecursionError):
        return part
    return value if isinstance(value, str) else part


def fault(writer: StoryWriter, page: Page, evidence: Evidence, t_ms: int) -> None:
    """Notes an exception the recording itself tells of."""
    writer.ensure_segment(page, t_ms)
    if evidence.signal == Signal.UNKNOWN:
        evidence.signal = Signal.EXCEPTION
    if len(writer.story.faults) >= MAX_FACTS:
        return writer.cut(f"only the first {MAX_FACTS:,} errors were read")
    label = clean_text(f"{evidence.type}: {evidence.message}" if evidence.type else evidence.message)
    writer.story.faults.append(Fault(t_ms=t_ms, segment=page.segment, evidence=evidence, label=label))


def _request(writer: StoryWriter, page: Page, payload: dict[str, Any], t_ms: int) -> None:
    url = _text(payload, "url", "name", "href")
    if len(writer.story.requests) >= MAX_FACTS:
        return writer.cut(f"only the first {MAX_FACTS:,} requests were read")
    if not url or _text(payload, "entryType") == "navigation":
        return
    status = _number(payload, "status", "responseStatus", "statusCode")
    duration_ms = _number(payload, "duration", "durationMs", "duration_ms")
    failure = _text(payload, "failure", "error")
    signal = Signal.HTTP_ERROR if status >= 400 else Signal.NETWORK_ERROR if failure else Signal.UNKNOWN
    evidence = Evidence(
        signal=signal, method=_text(payload, "method").upper() or "GET", url=url, status=status, duration_ms=duration_ms, failure=failure
    )
    writer.ensure_segment(page, t_ms)
    label = f"{evidence.method} {url} {status or failure}".strip()
    writer.story.requests.append(Request(t_ms=t_ms, segment=page.segment, evidence=evidence, label=clean_text(label)))


def _text(payload: dict[str, Any], *keys: str) -> str:
    return next((value[:2000] for key in keys if isinstance(value := payload.get(key), str) and value), "")


def _number(payload: dict[str, Any], *keys: str) -> int:
    for key in keys:
        value = payload.get(key)
        if isinstance(value, (int, float)) and abs(value) < 1e9:
            return int(value)
    return 0
