"""Which issues a judged session counts towards."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from retrospec.domain.finding import Finding, Standing
from retrospec.domain.marker import SEVERITY_ORDER, Marker
from retrospec.domain.report import Basis, ReportCard, ReportStatus
from retrospec.domain.session import Session
from retrospec.issues.fingerprint_v1 import cluster_key, fingerprint
from retrospec.storage.issues import Sighting


class Counted(msgspec.Struct):
    """What a ready session adds."""

    sightings: list[Sighting]
    """One per cluster."""
    found: list[Marker]
    """Markers for failures that only the recording showed."""
    states: dict[str, str]
    """What became of each marker, by id."""


def count(
    session: Session, report: ReportCard, findings: Sequence[Finding], markers: Sequence[Marker]
) -> Counted:
    """Sightings of a session whose report is ready; none for any other report.

    A report without findings (written by an outside analyzer) vouches for every marker it covers.
    """
    primary = _primary(findings)
    states = _states(findings, primary, markers)
    if report.status is not ReportStatus.READY:
        return Counted([], [], {name: state for name, state in states.items() if state == "refuted"})
    if not findings:
        alone = [_sighting(session, report, marker, [marker], None) for marker in markers]
        return Counted(_merged(alone), [], {marker.id: "confirmed" for marker in markers})
    by_id = {marker.id: marker for marker in markers}
    sightings, found = [], []
    for finding in primary:
        own = [by_id[name] for name in finding.marker_ids if name in by_id]
        if not own:
            own = [_found_marker(session, finding)]
            found += own
        sightings.append(_sighting(session, report, own[0], own, finding))
    return Counted(_merged(sightings), found, states)


def _primary(findings: Sequence[Finding]) -> list[Finding]:
    """Standing findings that are not a symptom of another."""
    symptoms = {name for finding in findings for name in finding.symptom_ids}
    return [f for f in findings if f.standing is not Standing.REFUTED and f.id not in symptoms]


def _states(
    findings: Sequence[Finding], primary: Sequence[Finding], markers: Sequence[Marker]
) -> dict[str, str]:
    leading = {finding.id for finding in primary}
    states: dict[str, str] = {}
    for finding in findings:
        for name in finding.marker_ids:
            if finding.id in leading:
                states[name] = "confirmed"
            else:
                states.setdefault(name, "refuted" if finding.standing is Standing.REFUTED else "symptom")
    known = {marker.id for marker in markers}
    return {name: state for name, state in states.items() if name in known}


def _found_marker(session: Session, finding: Finding) -> Marker:
    evidence = msgspec.to_builtins(finding.evidence)
    named = fingerprint(finding.kind, finding.label, evidence, site=session.site, route=session.route)
    return Marker(
        id=f"found-{finding.id}"[:128],
        project_id=session.project_id,
        session_id=session.id,
        kind=finding.kind,
        label=finding.label,
        cluster_key=cluster_key(finding.kind, named),
        replay_offset_ms=finding.t_ms,
        observed_at=session.started_at + timedelta(milliseconds=finding.t_ms),
        evidence=evidence,
        source="analysis",
        state="confirmed",
    )


def _sighting(
    session: Session, report: ReportCard, lead: Marker, own: Sequence[Marker], finding: Finding | None
) -> Sighting:
    named = fingerprint(lead.kind, lead.label, lead.evidence, site=session.site, route=session.route)
    confidence = finding.confidence if finding else report.confidence
    is_seen = report.basis is Basis.VISUAL and (finding is None or finding.standing is Standing.CONFIRMED)
    return Sighting(
        project_id=session.project_id,
        cluster_key=lead.cluster_key,
        session_id=session.id,
        person_key=session.person_key,
        kind=lead.kind,
        title=named.title or lead.label,
        symptom=_symptom(report, finding) or named.title or lead.label,
        severity=report.card.severity,
        confidence=confidence,
        basis="visual" if is_seen else "text",
        marker_count=sum(marker.cluster_key == lead.cluster_key for marker in own),
        first_observed_at=min(marker.observed_at for marker in own),
        last_observed_at=max(marker.observed_at for marker in own),
        jump_ms=lead.replay_offset_ms,
        parts=named.parts,
        ignored=named.ignored,
        tokens=named.tokens,
    )


def _symptom(report: ReportCard, finding: Finding | None) -> str:
    """The report's own sentence about this finding; its only sentence where no finding is named."""
    if finding is None:
        return report.symptom
    for sentence in report.card.symptom:
        if sentence.t_ms == finding.t_ms or set(sentence.refs) & set(finding.refs):
            return sentence.text
    return ""


def _merged(sightings: Sequence[Sighting]) -> list[Sighting]:
    """One sighting per cluster: the surest speaks, counts add up."""
    merged: dict[str, Sighting] = {}
    ranked = sorted(
        sightings, key=lambda each: (-each.confidence, SEVERITY_ORDER.index(each.kind), each.jump_ms)
    )
    for each in ranked:
        lead = merged.setdefault(each.cluster_key, each)
        if lead is not each:
            lead.marker_count += each.marker_count
            lead.first_observed_at = min(lead.first_observed_at, each.first_observed_at)
            lead.last_observed_at = max(lead.last_observed_at, each.last_observed_at)
    return list(merged.values())
