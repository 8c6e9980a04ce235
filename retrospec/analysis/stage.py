"""Stage 1, whole: a recording and its markers become a trace, findings and a report card."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from retrospec.analysis.card import PlainText, plain_text, write_card
from retrospec.analysis.compiler import compile_story
from retrospec.analysis.detectors import DETECTORS
from retrospec.analysis.effects import attach_effects
from retrospec.analysis.facts import Story
from retrospec.analysis.footprint import footprint_of
from retrospec.analysis.inference import infer_refusals
from retrospec.analysis.joining import join_moments
from retrospec.analysis.numbering import number_rows
from retrospec.analysis.scene import Scene
from retrospec.analysis.suspicions import check_suspicions
from retrospec.analysis.witnesses import add_markers
from retrospec.domain.finding import Finding, Standing
from retrospec.domain.footprint import Footprint
from retrospec.domain.marker import Marker
from retrospec.domain.recording import Recording
from retrospec.domain.report import Card
from retrospec.domain.session import Session
from retrospec.domain.trace import Trace
from retrospec.domain.web_address import address_parts

_LONGEST_MS = 24 * 3600 * 1000
"""A session said to be longer has a broken clock, and its own word is not taken."""


class Analysis(msgspec.Struct, kw_only=True):
    """What stage 1 concludes of a session."""

    trace: Trace
    findings: list[Finding]
    """Primary findings by time, then their symptoms, then refuted suspicions with their reasons."""
    card: Card
    status: str
    """``ready`` or ``discarded``."""
    reason: str = ""
    """Why it was discarded: one sentence."""
    confidence: float = 0.0
    symptom: str = ""
    technical_root_cause: str = ""
    suggested_fix: str = ""
    text_summary: str = ""
    footprint: Footprint = msgspec.field(default_factory=Footprint)
    """What came to nothing where, and what was asked of servers; counted, not stored with the analysis."""


def analyse(recording: Recording, markers: Sequence[Marker], session: Session | None, *, min_confidence: float) -> Analysis:
    """The reading of a session. Deterministic; never fails: what can't be read is left out and said."""
    story = read_story(recording, markers)
    if session is not None and session.duration_ms <= _LONGEST_MS:
        story.trace.duration_ms = max(story.trace.duration_ms, session.duration_ms)
    findings = find_failures(story)
    return conclude(story, findings, session, min_confidence)


def read_story(recording: Recording, markers: Sequence[Marker]) -> Story:
    """All facts, with rows numbered and effects attached."""
    story = compile_story(recording)
    add_markers(story, markers)
    number_rows(story)
    attach_effects(story)
    infer_refusals(story)
    return story


def find_failures(story: Story) -> list[Finding]:
    """What detectors and markers say, joined moment by moment."""
    scene = Scene(story)
    found = [finding for detector in DETECTORS.values() for finding in detector(scene)]
    found.extend(check_suspicions(scene, found))
    _make_ids_unique(found)
    _place(story, found)
    return join_moments(scene, found)


def _place(story: Story, found: list[Finding]) -> None:
    """Say on which page each failure happened: what was loaded or routed to last before it."""
    arrivals = [(row.t_ms, row.detail) for row in story.trace.rows if row.action == "navigation" and row.detail]
    for finding in found:
        before = [url for t_ms, url in arrivals if t_ms <= finding.t_ms]
        finding.page = address_parts(before[-1]).path if before else ""


def _make_ids_unique(found: list[Finding]) -> None:
    """Two tabs can show the same signal in the same millisecond."""
    seen: Counter[str] = Counter()
    for finding in found:
        seen[finding.id] += 1
        if seen[finding.id] > 1:
            finding.id = f"{finding.id}-{seen[finding.id]}"


def lead_of(findings: list[Finding]) -> Finding | None:
    """The strongest finding that stands and is no other's symptom; of equals the first."""
    symptoms = {symptom for finding in findings for symptom in finding.symptom_ids}
    primaries = [f for f in findings if f.standing != Standing.REFUTED and f.id not in symptoms]
    return max(primaries, key=lambda f: (f.confidence, -f.t_ms), default=None)


def conclude(story: Story, findings: list[Finding], session: Session | None, min_confidence: float) -> Analysis:
    """The verdict and the card of what was found."""
    lead = lead_of(findings)
    confidence = lead.confidence if lead is not None else max((f.confidence for f in findings), default=0.0)
    card = write_card(story, findings, lead)
    words = plain_text(card) if lead is not None else PlainText()
    reason = _why_discarded(findings, lead, min_confidence)
    return Analysis(
        trace=story.trace,
        findings=findings,
        card=card,
        status="discarded" if reason else "ready",
        reason=reason,
        confidence=confidence,
        symptom=words.symptom,
        technical_root_cause=words.cause,
        suggested_fix=words.look_at,
        text_summary=words.story,
        footprint=footprint_of(story, findings),
    )


def _why_discarded(findings: list[Finding], lead: Finding | None, min_confidence: float) -> str:
    """Empty where the session is accepted."""
    if not findings:
        return "Nothing went wrong that the recording or a marker shows."
    if lead is None:
        first = findings[0]
        why = first.reasons[0] if first.reasons else "the recording speaks against it"
        more = f" ({len(findings)} suspicions were checked)" if len(findings) > 1 else ""
        return f"“{first.label or first.signal.value}” turned out harmless: {why}{more}."
    if lead.confidence < min_confidence:
        return f"The strongest suspicion, “{lead.label or lead.signal.value}”, reaches {lead.confidence:.2f} of the {min_confidence:.2f} needed: {'; '.join(lead.reasons)}."
    return ""
