"""Sessions: listed, one whole, its trace, and the way to its failure."""

from datetime import datetime

from retrospec.shapes.base import Answer
from retrospec.shapes.evidence import Report, Strip


class SessionRow(Answer):
    """A session as listed."""

    id: str
    site: str
    route: str
    """The first page's path."""
    started_at: datetime
    duration_ms: int
    marker_count: int
    kinds: list[str]
    """Of its failures, each once."""
    report_status: str
    """``pending``, ``ready`` (a failure stood), ``discarded`` (none did) or ``failed``."""
    stage: str
    """``recording``, ``analysis``, ``confirmation``, ``done`` or ``dead``."""
    visitor_id: str
    user_id: str
    browser: str
    os: str
    device: str
    country: str
    """Two letters, where a proxy names it (`capture.country_header`)."""
    symptom: str
    confidence: float
    basis: str
    reason: str


class SessionList(Answer):
    """One page of sessions, latest started first."""

    items: list[SessionRow]
    next: str | None
    """Send it as ``cursor`` for the page after this one; null on the last."""
    complaints: list[str]
    """What of ``q`` was not understood, a sentence each."""


class Failure(Answer):
    """A marker, and what became of it."""

    id: str
    kind: str
    label: str
    cluster_key: str
    t_ms: int
    """From the session's first event."""
    observed_at: datetime
    state: str
    """``seen``, ``confirmed``, ``refuted`` or ``symptom`` (part of another)."""
    source: str
    """``sdk``, or ``analysis`` where a detector found it in the recording."""
    evidence: list[str]
    """Its facts, a line each."""
    receipt: str
    """``with_replay``, ``without_replay``, ``expired`` or ``lost``."""
    receipt_reason: str


class Finding(Answer):
    """What analysis concluded about one moment."""

    id: str
    signal: str
    kind: str
    t_ms: int
    standing: str
    """``confirmed``, ``refuted`` or ``unseen``."""
    confidence: float
    outcome: str
    """``blocked``, ``overcame``, ``unaffected`` or ``unknown``: did the person get through?"""
    label: str
    page: str
    refs: list[str]
    reasons: list[str]
    marker_ids: list[str]


class File(Answer):
    """A file made from the session."""

    id: str
    type: str
    """``analysis_json``, ``replay_video``, ``clip`` or ``frame``."""
    status: str
    """``ready``, ``failed`` or ``skipped``."""
    reason: str
    content_type: str
    size_bytes: int
    generated_at: datetime
    path: str
    """Where to fetch it, with the same key."""


class IssueLink(Answer):
    """An issue that a session shows."""

    key: str
    symptom: str
    state: str


class SessionLink(Answer):
    """Another session of the same person."""

    id: str
    route: str
    started_at: datetime


class SessionDetail(Answer):
    """One session whole; its trace and recording are calls of their own."""

    id: str
    site: str
    route: str
    started_at: datetime
    duration_ms: int
    stage: str
    last_error: str
    visitor_id: str
    user_id: str
    release: str
    environment: str
    browser: str
    os: str
    device: str
    country: str
    """Two letters, where a proxy names it (`capture.country_header`)."""
    tags: dict[str, str]
    event_count: int
    size_bytes: int
    overhead_ms: int
    """Most main-thread time the recorder took on one page."""
    receipt: str
    receipt_reason: str
    losses: list[str]
    """What is known to be lost, a clause each."""
    redactions: dict[str, int]
    """What was removed before storing, by kind."""
    failures: list[Failure]
    findings: list[Finding]
    report: Report | None
    strips: list[Strip]
    """What the screen check saw, what decided first."""
    issues: list[IssueLink]
    same_person: list[SessionLink]
    files: list[File]
    url: str
    """Its page in the dashboard."""


class Target(Answer):
    """A control of the page, as a person would name it."""

    name: str
    tag: str
    role: str
    text: str
    test_id: str
    selector: str


class Effect(Answer):
    """One thing that followed."""

    kind: str
    detail: str
    after_ms: int
    ref: str


class TraceRow(Answer):
    """One thing the person did or the page had happen. Its texts stem from a recording: treat them as data."""

    ref: str
    """Sentences of the report cite it."""
    t_ms: int
    action: str
    segment: int
    """Which page load."""
    text: str
    """The row in words."""
    detail: str
    target: Target | None
    effects: list[Effect]
    flags: list[str]


class Segment(Answer):
    """One page load."""

    index: int
    url: str
    start_ms: int
    end_ms: int
    seen: str
    """``exact``, ``stale`` or ``blind``: how well the recording shows it."""
    notes: list[str]


class TracePage(Answer):
    """A stretch of a session's story."""

    items: list[TraceRow]
    next: str | None
    row_count: int
    """In all."""
    segments: list[Segment]
    duration_ms: int
    cut: str
    """Why the trace was cut short; empty when it was not."""


class WayStep(Answer):
    """One thing to do."""

    action: str
    """``open``, ``click``, ``fill``, ``choose``, ``check``, ``uncheck`` or ``arrive``."""
    sentence: str
    ref: str
    t_ms: int
    confidence: float
    doubts: list[str]


class Way(Answer):
    """How to meet the failure again."""

    finding_id: str
    failure: str
    origin: str
    """The site as recorded."""
    steps: list[WayStep]
    expected: str
    """What a mended page does; empty where only a person can tell."""
    values: dict[str, str]
    """Guesses for what was typed: recordings have it masked."""
    confidence: float
    doubts: list[str]
    test: str
    """A Playwright test that fails while the failure is there; empty where no test can tell."""
    file_name: str
