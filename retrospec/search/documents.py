"""The document of a session: what it is searched by. Made of what was stored redacted, and bounded in size. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from retrospec.domain.finding import Finding
from retrospec.domain.marker import Control, Marker, read_evidence
from retrospec.domain.search import (
    BETWEEN,
    FAILED_MARK,
    QUIET_MARK,
    Document,
    document_id,
    length_mark,
    project_mark,
    status_mark,
    words_of,
)
from retrospec.domain.session import Session
from retrospec.domain.trace import Trace, TraceRow
from retrospec.domain.web_address import address_parts

MOST = {"place": 1_500, "tags": 1_500, "clicked": 2_500, "saw": 4_000, "errors": 2_500, "told": 1_000}
"""Letters a field keeps; in all a document stays below 14 KB and is rarely above 2."""
MAX_THING = 300
_PRESSED = frozenset({"click", "tap", "submit"})
_SHOWN = frozenset({"error_text", "text_change", "dialog", "validation"})
_FAILED = frozenset({"exception", "console_error"})


def document_of(
    session: Session,
    markers: Sequence[Marker],
    findings: Sequence[Finding] = (),
    trace: Trace | None = None,
    symptom: str = "",
    status: str = "",
) -> Document:
    """All that is known of a session; before its story was read that is little. Some 30 µs for a tiny one."""
    rows = trace.rows if trace else []
    return Document(
        project_id=session.project_id,
        session_id=session.id,
        id=document_id(session.project_id, session.id, session.started_at),
        marks=marks_of(session, status or session.report_status, has_failed=bool(markers or findings)),
        person=_joined("person", [session.user_id, session.visitor_id]),
        place=_joined("place", _places(session, trace)),
        tags=_joined("tags", _tags(session)),
        release=_joined("release", [session.release]),
        environment=_joined("environment", [session.environment]),
        agent=_joined("agent", [session.browser, session.os, session.device]),
        kinds=_joined("kinds", _kinds(markers, findings)),
        clicked=_joined("clicked", _clicked(rows)),
        saw=_joined("saw", (effect.detail for row in rows for effect in row.effects if effect.kind in _SHOWN)),
        errors=_joined("errors", _errors(markers, findings, rows)),
        told=_joined("told", [symptom]),
    )


def marks_of(session: Session, status: str, *, has_failed: bool) -> str:
    """The exact words of a session."""
    marks = project_mark(session.project_id), status_mark(status), length_mark(session.duration_ms)
    return " ".join((*marks, FAILED_MARK if has_failed else QUIET_MARK))


def _joined(field: str, things: Iterable[str]) -> str:
    """Each thing once, as words, until the field is full."""
    room, seen = MOST.get(field, 500), set[str]()
    parts: list[str] = []
    for thing in things:
        if not thing or thing in seen:
            continue
        seen.add(thing)
        words = " ".join(words_of(thing[:MAX_THING]))
        room -= len(words) + 3
        if room < 0:
            break
        if words:
            parts.append(f"{BETWEEN} {words}")
    return " ".join(parts)


def _places(session: Session, trace: Trace | None) -> Iterator[str]:
    yield f"{session.site}{session.route}"
    if trace is None:
        return
    yield from (_path(segment.url) for segment in trace.segments)
    yield from (_path(row.detail) for row in trace.rows if row.action == "navigation")


def _path(url: str) -> str:
    parts = address_parts(url)
    return f"{parts.netloc}{parts.path}"


def _tags(session: Session) -> Iterator[str]:
    if session.country:
        yield f"country {session.country}"
    yield from (f"{name} {value}" for name, value in session.tags.items())


def _kinds(markers: Sequence[Marker], findings: Sequence[Finding]) -> Iterator[str]:
    for marker in markers:
        yield marker.kind
        evidence = marker.evidence
        if isinstance(evidence, dict) and isinstance(evidence.get("signal"), str):
            yield evidence["signal"]
    for finding in findings:
        yield from (finding.kind, finding.signal)


def _clicked(rows: Sequence[TraceRow]) -> Iterator[str]:
    for row in rows:
        if row.target is not None and row.action in _PRESSED:
            yield name_of(row.target)
            if row.target.test_id:
                yield row.target.test_id


def name_of(control: Control) -> str:
    """What it is searched by; empty where it has no name."""
    return control.name or control.text or control.label or control.test_id


def _errors(markers: Sequence[Marker], findings: Sequence[Finding], rows: Sequence[TraceRow]) -> Iterator[str]:
    for marker in markers:
        yield marker.label
        evidence = read_evidence(marker.evidence)
        yield f"{evidence.type} {evidence.message}"
        yield f"{evidence.method} {evidence.url} {evidence.status or ''}" if evidence.url else ""
    yield from (finding.label for finding in findings)
    yield from (effect.detail for row in rows for effect in row.effects if effect.kind in _FAILED)
