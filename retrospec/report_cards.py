"""What becomes of a session's report card, and the rows of its files, at each turn of the pipeline. Pure."""

from typing import Any

import msgspec

from retrospec.analysis import Analysis
from retrospec.confirmation.ruling import Ruling
from retrospec.domain.clock import utc_now
from retrospec.domain.ids import new_id
from retrospec.domain.report import Basis, ReportCard, ReportStatus
from retrospec.domain.session import Session
from retrospec.domain.visual import VisualResult
from retrospec.domain.window import Window

ANALYSIS_VERSION = 1


def text_report(session: Session, analysis: Analysis) -> ReportCard:
    """Stage 1's card: discarded, or pending until the screen was looked at."""
    now = utc_now()
    is_discarded = analysis.status == ReportStatus.DISCARDED
    return ReportCard(
        id=new_id("rep"),
        project_id=session.project_id,
        session_id=session.id,
        status=ReportStatus.DISCARDED if is_discarded else ReportStatus.PENDING,
        symptom=analysis.symptom,
        technical_root_cause=analysis.technical_root_cause,
        suggested_fix=analysis.suggested_fix,
        text_summary=analysis.text_summary,
        confidence=analysis.confidence,
        basis=Basis.TEXT,
        reason=analysis.reason,
        card=analysis.card,
        generated_at=now,
        created_at=now,
        updated_at=now,
    )


def analysis_document(
    session: Session, analysis: Analysis, windows: list[Window], unseen: VisualResult
) -> dict[str, Any]:
    """The ``analysis_json`` artifact as stage 1 leaves it, before anything was looked at."""
    return {
        "version": ANALYSIS_VERSION,
        "sessionId": session.id,
        "trigger": analysis.findings[0].kind if analysis.findings else "",
        "windows": windows,
        "render": {"status": unseen.status, "reason": unseen.reason},
        "verdict": {
            "status": analysis.status,
            "confidence": analysis.confidence,
            "reason": analysis.reason,
        },
        "visual": unseen,
        "trace": analysis.trace,
        "findings": analysis.findings,
        "card": analysis.card,
    }


def failed_report(session: Session, report: ReportCard | None, reason: str) -> ReportCard:
    """The card of a session that was given up: what it said before, if anything, and why it ended."""
    now = utc_now()
    if report is not None:
        return msgspec.structs.replace(report, status=ReportStatus.FAILED, reason=reason, updated_at=now)
    return ReportCard(
        id=new_id("rep"),
        project_id=session.project_id,
        session_id=session.id,
        status=ReportStatus.FAILED,
        reason=reason,
        generated_at=now,
        created_at=now,
        updated_at=now,
    )


def with_outside_words(report: ReportCard, sent: Any) -> ReportCard:
    """``report`` with the outside analyzer's words where it has any."""
    told = {
        name: getattr(sent, name)
        for name in (
            "symptom",
            "technical_root_cause",
            "suggested_fix",
            "text_summary",
            "visual_summary",
            "confidence",
        )
        if getattr(sent, name)
    }
    now = utc_now()
    return msgspec.structs.replace(
        report, **told, status=sent.status, reason="", generated_at=sent.generated_at or now, updated_at=now
    )


def apply_ruling(ruling: Ruling, report: ReportCard, result: VisualResult) -> None:
    """Write what text and screen together decided into the card."""
    report.status, report.basis = ruling.status, ruling.basis
    report.confidence, report.reason = ruling.confidence, ruling.reason
    report.card.visual = ruling.visual
    report.visual_summary = " ".join(sentence.text for sentence in ruling.visual) or result.reason
    report.generated_at = report.updated_at = utc_now()


