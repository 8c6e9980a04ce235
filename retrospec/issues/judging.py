"""What each judged session says of detectors and failures, and what people say; a failure may go quiet by it."""

from collections.abc import Sequence
from datetime import datetime

from retrospec.domain.clock import to_epoch_ms
from retrospec.domain.errors import NotFound
from retrospec.domain.finding import Finding, Standing
from retrospec.domain.marker import Marker, Signal
from retrospec.domain.own_rules import OwnRule
from retrospec.domain.report import ReportCard, ReportStatus
from retrospec.domain.session import Session
from retrospec.domain.settings import PromoteSettings, Settings
from retrospec.issues.quieting import goes_quiet
from retrospec.issues.regrouping import recount
from retrospec.issues.sightings import found_marker
from retrospec.storage import clusters, judgements
from retrospec.storage.database import Connection
from retrospec.storage.judgements import ClusterVerdict, SessionVerdict

DAY_MS = 86_400_000
_ON_SCREEN = "on screen:"
"""How a reason begins that rests on the replay's pictures."""


def day_of(moment: datetime) -> int:
    """Days since 1970."""
    return to_epoch_ms(moment) // DAY_MS


def verdict_of(
    session: Session,
    report: ReportCard,
    findings: Sequence[Finding],
    markers: Sequence[Marker],
    rules: Sequence[OwnRule],
) -> SessionVerdict:
    """What became of every suspicion in a session."""
    verdict = SessionVerdict({}, {})
    by_id = {marker.id: marker for marker in markers}
    for finding in findings:
        detector = finding.signal.value if finding.signal is not Signal.UNKNOWN else finding.kind.value
        end = _end_of(finding, report)
        counts = verdict.detectors.setdefault(detector, {"detected": 0})
        counts["detected"] += 1
        counts[end] = counts.get(end, 0) + 1
        if end != "discarded":
            lead = next((by_id[name] for name in finding.marker_ids if name in by_id), None)
            lead = lead or found_marker(session, finding, rules)
            told = verdict.clusters.setdefault(
                lead.cluster_key, ClusterVerdict(kind=lead.kind.value, title=lead.label, detector=detector)
            )
            told.confirmed = max(told.confirmed, int(end == "confirmed" and _was_looked_at(finding)))
            told.refuted = max(told.refuted, int(end == "refuted"))
    return verdict


def _end_of(finding: Finding, report: ReportCard) -> str:
    if finding.standing is Standing.REFUTED:
        return "refuted" if _was_looked_at(finding) else "discarded"
    return "confirmed" if report.status is ReportStatus.READY else "discarded"


def _was_looked_at(finding: Finding) -> bool:
    return any(reason.startswith(_ON_SCREEN) for reason in finding.reasons)


async def judge_session(
    connection: Connection,
    session: Session,
    report: ReportCard,
    findings: Sequence[Finding],
    markers: Sequence[Marker],
    settings: Settings,
    now: datetime,
) -> None:
    """Count what became of a session's suspicions; once, however often it is judged."""
    verdict = verdict_of(session, report, findings, markers, settings.rules)
    changed = await judgements.add_session(connection, session.project_id, session.id, verdict, day=day_of(now))
    await _weigh(connection, session.project_id, changed, settings.promote, now)


async def give_feedback(
    connection: Connection,
    project_id: str,
    cluster_key: str,
    session_id: str,
    *,
    author: str,
    is_real: bool,
    settings: PromoteSettings,
    now: datetime,
) -> None:
    """A person says that a failure is, or isn't, a real one. Raises NotFound for a cluster nobody knows."""
    found = await clusters.named(connection, project_id, [cluster_key])
    if not found:
        raise NotFound("There is no such failure in this project.")
    tally = found[0].tally
    await judgements.say(
        connection, project_id, cluster_key, session_id, author=author, is_real=is_real,
        kind=tally.issue.kind.value, title=tally.title, now=now, day=day_of(now),
    )  # fmt: skip
    await _weigh(connection, project_id, [cluster_key], settings, now)


async def _weigh(
    connection: Connection, project_id: str, keys: Sequence[str], settings: PromoteSettings, now: datetime
) -> None:
    for one in await judgements.judged_of(connection, project_id, keys) if keys else ():
        is_quiet = goes_quiet(one.confirmed + one.accepted, one.refuted + one.rejected)
        if one.is_pinned or is_quiet == bool(one.quiet_since):
            continue
        await judgements.set_quiet(
            connection, project_id, one.cluster_key, since=now if is_quiet else None, by="", is_pinned=False
        )
        await _show_or_hide(connection, project_id, one.cluster_key, settings, now)


async def hear_again(
    connection: Connection, project_id: str, cluster_key: str, *, author: str, settings: PromoteSettings, now: datetime
) -> None:
    """A person wants a quiet failure to be shown: the rule has no say over it any more."""
    await judgements.set_quiet(connection, project_id, cluster_key, since=None, by=author, is_pinned=True)
    await _show_or_hide(connection, project_id, cluster_key, settings, now)


async def _show_or_hide(
    connection: Connection, project_id: str, cluster_key: str, settings: PromoteSettings, now: datetime
) -> None:
    if home := await clusters.home_of(connection, project_id, cluster_key):
        await recount(connection, project_id, [home], settings, now)
