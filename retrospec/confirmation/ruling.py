"""The ruling: text and screen together decide what becomes of a session."""

from collections.abc import Sequence

import msgspec

from retrospec.domain.finding import Finding, Standing
from retrospec.domain.report import Basis, ReportStatus, Sentence
from retrospec.domain.settings import ConfirmationSettings
from retrospec.domain.visual import FindingVerdict, VerdictWord, VisualResult

TEXT_CEILING = 0.9
"""No session is surer than this by its text alone."""


class Ruling(msgspec.Struct, kw_only=True):
    """What a session's report becomes."""

    status: ReportStatus
    basis: Basis
    confidence: float
    reason: str
    visual: list[Sentence]
    findings: list[Finding]
    """With their standing after the look."""


def rule(findings: Sequence[Finding], result: VisualResult, settings: ConfirmationSettings) -> Ruling:
    """Weigh each finding's verdict; the session is ready when at least one finding still stands.

    A sure refutation on screen outweighs the text; an unsure look leaves the text's word, or drops
    the finding where ``confirmation.cant_tell`` says so.
    """
    verdicts = {verdict.finding_id: verdict for verdict in result.verdicts}
    seen = [_weigh(finding, verdicts.get(finding.id), settings) for finding in findings]
    standing = [finding for finding in seen if finding.standing is not Standing.REFUTED]
    confirmed = [verdict for verdict in result.verdicts if _is_sure(verdict, VerdictWord.CONFIRMED, settings)]
    visual = [_sentence(verdict, findings) for verdict in result.verdicts]
    if not standing:
        return Ruling(
            status=ReportStatus.DISCARDED,
            basis=Basis.VISUAL if result.verdicts else Basis.TEXT,
            confidence=max((verdict.confidence for verdict in result.verdicts), default=0.0),
            reason=_why_discarded(result),
            visual=visual,
            findings=seen,
        )
    return Ruling(
        status=ReportStatus.READY,
        basis=Basis.VISUAL if confirmed else Basis.TEXT,
        confidence=max(finding.confidence for finding in standing),
        reason="" if confirmed else _why_text_only(result),
        visual=visual,
        findings=seen,
    )


def _weigh(finding: Finding, verdict: FindingVerdict | None, settings: ConfirmationSettings) -> Finding:
    if finding.standing is Standing.REFUTED or verdict is None:
        return _capped(finding)
    if _is_sure(verdict, VerdictWord.REFUTED, settings):
        return msgspec.structs.replace(
            finding,
            standing=Standing.REFUTED,
            confidence=1.0 - verdict.confidence,
            reasons=[*finding.reasons, f"on screen: {verdict.sentence}"],
        )
    if _is_sure(verdict, VerdictWord.CONFIRMED, settings):
        return msgspec.structs.replace(
            finding,
            standing=Standing.CONFIRMED,
            confidence=_together(finding.confidence, verdict.confidence),
            reasons=[*finding.reasons, f"on screen: {verdict.sentence}"],
        )
    if settings.cant_tell == "discard":
        return msgspec.structs.replace(finding, standing=Standing.REFUTED)
    return _capped(finding)


def _capped(finding: Finding) -> Finding:
    return msgspec.structs.replace(finding, confidence=min(TEXT_CEILING, finding.confidence))


def _together(text: float, screen: float) -> float:
    """Two witnesses, each possibly wrong: 1 - both wrong, never certain."""
    return min(0.99, 1.0 - (1.0 - text) * (1.0 - screen))


def _is_sure(verdict: FindingVerdict, word: VerdictWord, settings: ConfirmationSettings) -> bool:
    return verdict.verdict is word and verdict.confidence >= settings.min_confidence


def _sentence(verdict: FindingVerdict, findings: Sequence[Finding]) -> Sentence:
    moment = next((finding.t_ms for finding in findings if finding.id == verdict.finding_id), -1)
    return Sentence(verdict.sentence, [], moment)


def _why_discarded(result: VisualResult) -> str:
    refuting = next((v.sentence for v in result.verdicts if v.verdict is VerdictWord.REFUTED), "")
    return refuting or "The screen could not show the failure, and unsure looks are set to be discarded."


def _why_text_only(result: VisualResult) -> str:
    if result.reason:
        return result.reason
    return "The screen did not settle it either way, so this rests on the text alone."
