"""The shapes of wire v1, camelCase, built from domain objects."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from retrospec.domain.artifact import Artifact
from retrospec.domain.issue import Issue
from retrospec.domain.marker import Marker
from retrospec.domain.receipt import (
    Kept,
    Vouched,
    losses_of,
    lost_receipt,
    receipts_of_markers,
    session_receipt,
)
from retrospec.domain.report import ReportCard
from retrospec.domain.session import Session
from retrospec.domain.window import Window
from retrospec.storage.issues import IssueSession
from retrospec.storage.stats import HourCount, KindStats

T = TypeVar("T", bound=msgspec.Struct)


class WireError(msgspec.Struct, rename="camel", omit_defaults=True):
    """Every error's shape."""

    error: str
    hint: str = ""
    field: str = ""
    request_id: str = ""


class WireMarker(msgspec.Struct, rename="camel", kw_only=True):
    """A marker as v1 clients read it."""

    id: str
    session_id: str
    cluster_key: str
    label: str
    evidence: Any = msgspec.UNSET
    replay_offset_ms: int
    kind: str
    observed_at: datetime
    source: str
    state: str
    receipt: Vouched | msgspec.UnsetType = msgspec.UNSET
    """Whether it is stored with its replay; ours, and only where one session is asked for."""
    receipt_reason: str | msgspec.UnsetType = msgspec.UNSET


class WireArtifact(msgspec.Struct, rename="camel", kw_only=True):
    """An artifact as v1 clients read it."""

    id: str
    project_id: str
    session_id: str
    artifact_type: str
    artifact_key: str
    trigger_kind: str
    status: str
    reason: str
    generated_at: datetime
    created_at: datetime
    updated_at: datetime
    windows: list[Window]


class WireReport(msgspec.Struct, rename="camel", kw_only=True):
    """A report card as v1 clients read it; ``basis`` and ``reason`` are ours."""

    id: str
    project_id: str
    session_id: str
    status: str
    symptom: str
    technical_root_cause: str
    suggested_fix: str
    text_summary: str
    visual_summary: str
    confidence: float
    basis: str
    reason: str
    generated_at: datetime
    created_at: datetime
    updated_at: datetime


class WireLostMarker(msgspec.Struct, rename="camel", kw_only=True):
    """A marker that the browser made and could not hand over."""

    id: str
    receipt: Vouched
    receipt_reason: str


class WireSession(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A session as v1 clients read it."""

    id: str
    project_id: str
    site: str
    route: str
    started_at: datetime
    duration_ms: int
    events_object_key: str
    created_at: datetime
    markers: list[WireMarker]
    artifacts: list[WireArtifact]
    report_card: WireReport | None = None
    stage: str = ""
    visitor_id: str = ""
    user_id: str = ""
    release: str = ""
    receipt: Vouched | msgspec.UnsetType = msgspec.UNSET
    """Whether there is a replay of it; ours, and only where one session is asked for."""
    receipt_reason: str | msgspec.UnsetType = msgspec.UNSET
    losses: list[str] = []
    """What is known to be lost, a clause each."""
    lost_markers: list[WireLostMarker] = []
    overhead_ms: int = 0
    """Most main-thread time the recorder took on one page, by its own count."""


class WireIssue(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=True):
    """An issue as v1 clients read it."""

    project_id: str
    key: str
    symptom: str
    session_count: int
    user_count: int
    representative_session_id: str
    confidence: float
    last_seen_at: datetime
    created_at: datetime
    state: str
    assignee: str
    muted_until: datetime | None = None
    state_note: str
    state_updated_at: datetime | None = None
    kind: str
    marker_count: int
    first_seen_at: datetime
    basis: str
    severity: str


class UploadAnswer(msgspec.Struct, rename="camel"):
    """Answer to an upload."""

    project_id: str
    session_id: str
    events_object_key: str


class IngestAnswer(msgspec.Struct, rename="camel"):
    """Answer to an ingest call."""

    session: WireSession
    analysis_queue_error: str = ""


class SessionAnswer(msgspec.Struct, rename="camel"):
    """One session."""

    session: WireSession


class IssuesAnswer(msgspec.Struct, rename="camel"):
    """Issues in one state."""

    issues: list[WireIssue]
    state: str


class PromotedAnswer(msgspec.Struct, rename="camel"):
    """Issues that are shown after a promotion."""

    promoted: list[WireIssue]


class StatsAnswer(msgspec.Struct, rename="camel"):
    """Per-kind counts."""

    lookback_hours: int
    stats: list[KindStats]


class SeriesAnswer(msgspec.Struct, rename="camel"):
    """Counts by the hour; hours without any are left out."""

    lookback_hours: int
    kind: str
    key: str
    hours: list[HourCount]


class SessionFilters(msgspec.Struct, rename="camel"):
    """The filters an answer was made with."""

    report_status: str
    min_confidence: float


class IssueSessionsAnswer(msgspec.Struct, rename="camel"):
    """Sessions of an issue."""

    cluster_key: str
    limit: int
    filters: SessionFilters
    sessions: list[IssueSession]


class TokenAnswer(msgspec.Struct, rename="camel"):
    """A signed link's token."""

    token: str
    expires_at: datetime


class CleanupAnswer(msgspec.Struct, rename="camel"):
    """What a clean-up removed."""

    deleted_sessions: int
    deleted_issue_clusters: int
    deleted_event_objects: int
    deleted_artifact_objects: int
    failed_event_object_delete: int
    failed_artifact_object_delete: int
    retention_days: int


class ReportAnswer(msgspec.Struct, rename="camel"):
    """Answer to an outside analyzer."""

    report: WireReport
    replay_queue_error: str = ""


class ArtifactAnswer(msgspec.Struct, rename="camel"):
    """Answer to an outside renderer."""

    artifact: WireArtifact


class HealthAnswer(msgspec.Struct):
    """``ok`` or ``down``."""

    status: str


def wire_session(
    session: Session,
    markers: Sequence[Marker],
    artifacts: Sequence[Artifact] = (),
    report: ReportCard | None = None,
) -> WireSession:
    """The session with what belongs to it: markers by offset, artifacts newest first."""
    return WireSession(
        id=session.id,
        project_id=session.project_id,
        site=session.site,
        route=session.route,
        started_at=session.started_at,
        duration_ms=session.duration_ms,
        events_object_key=session.events_object_key,
        created_at=session.created_at,
        markers=[wire_marker(marker) for marker in sorted(markers, key=lambda m: (m.replay_offset_ms, m.id))],
        artifacts=[wire_artifact(artifact) for artifact in artifacts],
        report_card=None if report is None else wire_report(report),
        stage=str(session.stage),
        visitor_id=session.visitor_id,
        user_id=session.user_id,
        release=session.release,
        lost_markers=[_lost_marker(name, reason) for name, reason in session.lost_markers.items()],
        overhead_ms=session.overhead_ms,
    )


def _lost_marker(marker_id: str, reason: str) -> WireLostMarker:
    vouched = lost_receipt(reason)
    return WireLostMarker(id=marker_id, receipt=vouched.state, receipt_reason=vouched.reason)


def with_receipts(wire: WireSession, markers: Sequence[Marker], client_ms: Mapping[str, int], kept: Kept) -> WireSession:
    """``wire`` with what the server can vouch for."""
    whole, each = session_receipt(kept), receipts_of_markers(markers, client_ms, kept)
    wire.receipt, wire.receipt_reason, wire.losses = whole.state, whole.reason, losses_of(kept)
    for marker in wire.markers:
        marker.receipt, marker.receipt_reason = each[marker.id].state, each[marker.id].reason
    return wire


def wire_marker(marker: Marker) -> WireMarker:
    """A marker; ``evidence`` is left out where there is none."""
    return WireMarker(
        id=marker.id,
        session_id=marker.session_id,
        cluster_key=marker.cluster_key,
        label=marker.label,
        evidence=msgspec.UNSET if marker.evidence is None else marker.evidence,
        replay_offset_ms=marker.replay_offset_ms,
        kind=str(marker.kind),
        observed_at=marker.observed_at,
        source=marker.source,
        state=marker.state,
    )


def wire_artifact(artifact: Artifact) -> WireArtifact:
    """An artifact."""
    return _copied(artifact, WireArtifact)


def wire_report(report: ReportCard) -> WireReport:
    """A report card."""
    return _copied(report, WireReport)


def wire_issue(issue: Issue) -> WireIssue:
    """An issue."""
    return _copied(issue, WireIssue)


def _copied(source: msgspec.Struct, shape: type[T]) -> T:
    """``shape`` filled from the fields of the same name."""
    return shape(**{name: getattr(source, name) for name in shape.__struct_fields__})
