"""Adding confirmed sessions to an issue's tally, and clusters' tallies to one another."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from retrospec.domain.issue import Issue, IssueState
from retrospec.domain.settings import PromoteSettings
from retrospec.issues.impact import summed_impact
from retrospec.issues.promotion import Candidate, better_representative, should_promote
from retrospec.storage.issues import Sighting, Tally

_SEVERITIES = ("low", "medium", "high")


def add_sighting(old: Tally | None, new: Sighting, settings: PromoteSettings, now: datetime) -> Tally:
    """The tally with ``new`` in it; ``old`` already carries the new counts, None for the first session.

    The session that shows it best represents the issue (seen on screen before read in text), and its words
    are the issue's. Its confidence is the surest session's, never a matter of how many there were. All of it
    is the same in whatever order sessions come. An issue is shown from the moment it reaches the thresholds,
    and stays shown; a failure that went quiet isn't shown.
    """
    first = _first(new, now)
    tally = first if old is None else _joined(old, first)
    if not new.is_quiet:
        promote_if_reached(tally, settings, now)
    return tally


def promote_if_reached(tally: Tally, settings: PromoteSettings, now: datetime) -> None:
    """Show it from now on, if enough sessions of enough people share it."""
    reached = should_promote(tally.issue.session_count, tally.issue.user_count, settings)
    if tally.promoted_at is None and reached:
        tally.promoted_at = tally.issue.created_at = now


def add_up(clusters: Sequence[Tally], *, sessions: int, people: int) -> Tally:
    """The tally of several clusters together, nobody in ``sessions`` and ``people`` counted twice."""
    total, *others = clusters
    for other in others:
        total = _joined(total, other)
    issue = msgspec.structs.replace(
        total.issue,
        session_count=sessions,
        user_count=people,
        marker_count=sum(each.issue.marker_count for each in clusters),
        impact=summed_impact(each.issue.impact for each in clusters),
    )
    visual_count = sum(each.visual_count for each in clusters)
    return msgspec.structs.replace(total, issue=issue, visual_count=visual_count)


def _first(new: Sighting, now: datetime) -> Tally:
    issue = Issue(
        project_id=new.project_id,
        key=new.cluster_key,
        kind=new.kind,
        symptom=new.symptom,
        state=IssueState.ACTIVE,
        session_count=1,
        user_count=1,
        marker_count=new.marker_count,
        confidence=new.confidence,
        representative_session_id=new.session_id,
        first_seen_at=new.first_observed_at,
        last_seen_at=new.last_observed_at,
        created_at=now,
        severity=new.severity,
        basis=new.basis,
    )
    return Tally(
        issue=issue,
        title=new.title,
        visual_count=int(new.basis == "visual"),
        promoted_at=None,
        representative_confidence=new.confidence,
        representative_at=new.last_observed_at,
    )


def _joined(one: Tally, other: Tally) -> Tally:
    """``one`` with the other's words where those show it better, and what is greatest of both."""
    best = better_representative(_candidate(one), _candidate(other))
    spoken = other if best == _candidate(other) else one
    issue = msgspec.structs.replace(
        one.issue,
        kind=spoken.issue.kind,
        symptom=spoken.issue.symptom,
        basis=spoken.issue.basis,
        representative_session_id=spoken.issue.representative_session_id,
        confidence=max(one.issue.confidence, other.issue.confidence),
        severity=max(one.issue.severity, other.issue.severity, key=_SEVERITIES.index),
        first_seen_at=min(one.issue.first_seen_at, other.issue.first_seen_at),
        last_seen_at=max(one.issue.last_seen_at, other.issue.last_seen_at),
    )
    return msgspec.structs.replace(
        one,
        issue=issue,
        title=spoken.title,
        representative_confidence=spoken.representative_confidence,
        representative_at=spoken.representative_at,
    )


def _candidate(tally: Tally) -> Candidate:
    return Candidate(
        session_id=tally.issue.representative_session_id,
        visual=tally.issue.basis == "visual",
        confidence=tally.representative_confidence,
        happened_at=tally.representative_at,
    )
