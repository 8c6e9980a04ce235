"""Adding one confirmed session to an issue's tally."""

from datetime import datetime

import msgspec

from retrospec.domain.issue import Issue, IssueState
from retrospec.domain.settings import PromoteSettings
from retrospec.issues.promotion import should_promote
from retrospec.storage.issues import Sighting, Tally

_SEVERITIES = ("low", "medium", "high")


def add_sighting(old: Tally | None, new: Sighting, settings: PromoteSettings, now: datetime) -> Tally:
    """The tally with ``new`` in it; ``old`` already carries the new counts, None for the first session.

    The surest session represents the issue (seen on screen before read in text), and its words are
    the issue's. Its confidence is the surest session's, never a matter of how many there were, and
    the same in whatever order they come. An issue is shown from the moment it reaches the thresholds, and stays shown.
    """
    tally = _first(new, now) if old is None else _grown(old, new)
    reached = should_promote(tally.issue.session_count, tally.issue.user_count, settings)
    if tally.promoted_at is None and reached:
        tally.promoted_at = tally.issue.created_at = now
    return tally


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
    return Tally(issue=issue, title=new.title, visual_count=int(new.basis == "visual"), promoted_at=None)


def _grown(old: Tally, new: Sighting) -> Tally:
    tally = msgspec.structs.replace(old, issue=msgspec.structs.replace(old.issue))
    issue = tally.issue
    if _speaks_better(old.issue, new):
        issue.representative_session_id = new.session_id
        issue.symptom, issue.basis = new.symptom, new.basis
        tally.title = new.title
    issue.confidence = max(old.issue.confidence, new.confidence)
    issue.severity = max(issue.severity, new.severity, key=_SEVERITIES.index)
    issue.first_seen_at = min(issue.first_seen_at, new.first_observed_at)
    issue.last_seen_at = max(issue.last_seen_at, new.last_observed_at)
    return tally


def _speaks_better(issue: Issue, new: Sighting) -> bool:
    if issue.basis != new.basis:
        return new.basis == "visual"
    return new.confidence >= issue.confidence
