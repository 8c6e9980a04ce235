"""Which issues a judged session counts towards."""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from retrospec.domain.finding import Finding, Standing
from retrospec.domain.marker import SEVERITY_ORDER, Marker, MarkerKind
from retrospec.domain.own_rules import OwnRule
from retrospec.domain.report import Basis, ReportCard, ReportStatus
from retrospec.domain.session import Session
from retrospec.issues.own_rules import Named, is_owners, name_marker
from retrospec.issues.templates import MASK, message_template
from retrospec.storage.issues import Sighting, Symptom


class Counted(msgspec.Struct):
    """What a ready session adds."""

    sightings: list[Sighting]
    """One per cluster."""
    found: list[Marker]
    """Markers for failures that only the recording showed."""
    states: dict[str, str]
    """What became of each marker, by id."""


def count(
    session: Session,
    report: ReportCard,
    findings: Sequence[Finding],
    markers: Sequence[Marker],
    rules: Sequence[OwnRule] = (),
) -> Counted:
    """Sightings of a session whose report is ready; none for any other report.

    A report without findings (written by an outside analyzer) vouches for every marker it covers. What a rule of
    the owner's ignores is not counted.
    """
    primary = _primary(findings)
    states = _states(findings, primary, markers)
    if report.status is not ReportStatus.READY:
        return Counted([], [], {name: state for name, state in states.items() if state == "refuted"})
    if not findings:
        alone = [_sighting(session, report, marker, [marker], None, rules) for marker in markers]
        return Counted(_merged([one for one in alone if one]), [], {marker.id: "confirmed" for marker in markers})
    by_id = {marker.id: marker for marker in markers}
    sightings, found = [], []
    for finding in primary:
        own = [by_id[name] for name in finding.marker_ids if name in by_id]
        if not own:
            own = [found_marker(session, finding, rules)]
            found += own
        if one := _sighting(session, report, own[0], own, finding, rules):
            one.symptoms = _symptoms(finding, findings)
            sightings.append(one)
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


def _symptoms(cause: Finding, findings: Sequence[Finding]) -> list[Symptom]:
    """The other failures of the same moment; one of each title."""
    under = [finding for finding in findings if finding.id in cause.symptom_ids]
    named = {(finding.kind.value, message_template(finding.label)): finding for finding in under if finding.label}
    return [
        Symptom(key=f"{kind}:{blake2b(title.encode(), digest_size=12).hexdigest()}", kind=kind, title=title.replace(MASK, "…"))
        for kind, title in sorted(named)
    ]


def found_marker(session: Session, finding: Finding, rules: Sequence[OwnRule]) -> Marker:
    """A marker for a failure that only the recording showed."""
    evidence = msgspec.to_builtins(finding.evidence)
    named = _named(session, finding.kind, finding.label, evidence, rules)
    return Marker(
        id=f"found-{finding.id}"[:128],
        project_id=session.project_id,
        session_id=session.id,
        kind=finding.kind,
        label=finding.label,
        cluster_key=named.key,
        replay_offset_ms=finding.t_ms,
        observed_at=session.started_at + timedelta(milliseconds=finding.t_ms),
        evidence=evidence,
        source="analysis",
        state="confirmed",
    )


def _named(session: Session, kind: MarkerKind, label: str, evidence: Any, rules: Sequence[OwnRule]) -> Named:
    place = {"site": session.site, "route": session.route, "release": session.release}
    return name_marker(rules, kind, label, evidence, **place)


def _sighting(
    session: Session,
    report: ReportCard,
    lead: Marker,
    own: Sequence[Marker],
    finding: Finding | None,
    rules: Sequence[OwnRule],
) -> Sighting | None:
    by = _named(session, lead.kind, lead.label, lead.evidence, rules)
    if by.rule is not None and by.rule.ignore:
        return None
    named = by.fingerprint
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
        severity=(by.rule.severity if by.rule else "") or report.card.severity,
        confidence=confidence,
        basis="visual" if is_seen else "text",
        marker_count=sum(marker.cluster_key == lead.cluster_key for marker in own),
        first_observed_at=min(marker.observed_at for marker in own),
        last_observed_at=max(marker.observed_at for marker in own),
        jump_ms=lead.replay_offset_ms,
        page=(finding.page if finding else "") or session.route,
        parts=named.parts,
        ignored=named.ignored,
        tokens=named.tokens,
        own_rule=by.rule.shown if by.rule and is_owners(lead.cluster_key) else "",
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
            lead.symptoms = list(dict.fromkeys([*lead.symptoms, *each.symptoms]))
            lead.first_observed_at = min(lead.first_observed_at, each.first_observed_at)
            lead.last_observed_at = max(lead.last_observed_at, each.last_observed_at)
    return list(merged.values())
