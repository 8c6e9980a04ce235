"""What follows from a session that was read: issues come back, fixes are verified, someone is told.

Called in the transaction that saves the session's result, so that a change and the letters about it are kept or lost
together. Nothing slow happens here: rules are pure, letters are sent later from the outbox (``alerts/courier.py``).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from retrospec.alerts import rules
from retrospec.alerts.rulebook import RuleInForce, rules_in_force
from retrospec.alerts.rules import EventKind
from retrospec.domain.clock import to_epoch_ms
from retrospec.domain.finding import Finding, Outcome, Standing
from retrospec.domain.issue import Issue, IssueState
from retrospec.domain.marker import Marker, read_evidence
from retrospec.domain.session import Session
from retrospec.domain.settings import Settings
from retrospec.domain.workflow import FixIn, Work
from retrospec.issues.exercise import watch_of
from retrospec.issues.footmarks import UNREAD, Trail
from retrospec.issues.impact import added_impact, worst
from retrospec.issues.regression import Mute, Visit, clean_sessions_needed, is_of_the_fix, unmute_reason
from retrospec.issues.templates import page_template
from retrospec.storage import activity, clusters, impact, markers, outbox, places, stats, triage, work
from retrospec.storage.database import Connection
from retrospec.storage.issues import Change, Sighting
from retrospec.storage.stats import hour_of
from retrospec.storage.work import Uses

log = structlog.get_logger()

MAX_TAGS = 8
SPIKES_LOOK_BACK_HOURS = 1
"""A session that arrives later than this after its failure tells of the past: no alarm."""


class _News(msgspec.Struct, frozen=True):
    """What happened, for whoever decides whether to tell of it."""

    session: Session
    sighting: Sighting
    change: Change
    settings: Settings
    now: datetime


async def react(
    connection: Connection,
    session: Session,
    sighting: Sighting,
    change: Change,
    findings: Sequence[Finding],
    settings: Settings,
    *,
    now: datetime,
) -> bool:
    """Everything that follows from one counted sighting; nothing for a session counted before.

    Whether letters were written, for the courier to be woken once they are committed.
    """
    if not change.is_new_session:
        return False
    issue = change.after.issue
    outcome = _outcome(issue, findings)
    await impact.add_session(connection, issue.project_id, sighting.cluster_key, _facets(session, sighting.page, outcome))
    await _raise_cluster_impact(connection, session, sighting, change, outcome)
    if change.before is not None and issue.session_count == change.before.session_count:
        return False  # another of the issue's clusters counted this session
    await _raise_impact(connection, session, change, outcome)
    if change.after.promoted_at is None:
        return False
    news = _News(session, sighting, change, settings, now)
    standing = await work.find(connection, issue.project_id, issue.key)
    if not standing.watch:
        await _start_watch(connection, session, sighting, issue, now)
    else:
        await work.add_uses(connection, issue.project_id, {issue.key: Uses(failed_count=1)})
    this_hour = await stats.hours_of_issue(connection, issue.project_id, issue.key, since_hour=hour_of(now) - SPIKES_LOOK_BACK_HOURS)
    is_promoted_now = change.promoted_now or await _is_joined_into_being(connection, change, now)
    is_told = False
    if is_promoted_now:
        await activity.note(
            connection, issue.project_id, issue.key, "promoted", f"{issue.session_count} sessions", author="", now=now
        )
        is_told = await _tell(connection, news, EventKind.NEW, "", {})
    elif issue.state is IssueState.RESOLVED:
        is_told = await _maybe_regress(connection, news, standing)
    elif issue.state is IssueState.MUTED:
        await _maybe_unmute(connection, issue, standing, max(this_hour.values(), default=0), now)
    if issue.state in (IssueState.ACTIVE, IssueState.ACKNOWLEDGED) and not is_promoted_now:
        is_told = await _maybe_spike(connection, news, this_hour) or is_told
    return is_told


async def _is_joined_into_being(connection: Connection, change: Change, now: datetime) -> bool:
    """Whether clusters below the threshold were joined above it while this very session was placed."""
    issue, shown_at = change.after.issue, change.after.promoted_at
    if shown_at is None or to_epoch_ms(shown_at) != to_epoch_ms(now):
        return False
    return not await activity.is_noted(connection, issue.project_id, issue.key, "promoted")


def _outcome(issue: Issue, findings: Sequence[Finding]) -> Outcome:
    """How the session ended for the person, by its findings of the issue's kind."""
    standing = [f.outcome for f in findings if f.standing is not Standing.REFUTED and f.kind == issue.kind]
    return worst(standing)


def _facets(session: Session, page: str, outcome: Outcome) -> dict[str, str]:
    facets = {
        "browser": session.browser,
        "os": session.os,
        "device": session.device,
        "country": session.country,
        "release": session.release,
        "environment": session.environment,
        "route": page_template(page),
    }
    facets |= {f"tag:{name}"[:80]: value for name, value in sorted(session.tags.items())[:MAX_TAGS]}
    return {name: value for name, value in facets.items() if value} | {"outcome": str(outcome)}


async def _raise_impact(connection: Connection, session: Session, change: Change, outcome: Outcome) -> None:
    issue, before = change.after.issue, change.before
    is_new_person = before is None or issue.user_count > before.user_count
    raised = added_impact(issue.impact, outcome=outcome, is_new_person=is_new_person, at=_moment(session))
    await impact.set_impact(connection, issue.project_id, issue.key, raised)


async def _raise_cluster_impact(
    connection: Connection, session: Session, sighting: Sighting, change: Change, outcome: Outcome
) -> None:
    named = connection, session.project_id, sighting.cluster_key
    so_far = await impact.impact_of_cluster(*named)
    raised = added_impact(so_far, outcome=outcome, is_new_person=change.is_new_person, at=_moment(session))
    await impact.set_cluster_impact(*named, raised)


def day_of(moment: datetime) -> int:
    """Days since 1970."""
    return to_epoch_ms(moment) // 86_400_000


def _moment(session: Session) -> datetime:
    """When the session ended, by its own clock but not later than it arrived."""
    return min(session.updated_at, session.started_at + timedelta(milliseconds=session.duration_ms))


# ── coming back ───────────────────────────────────────────────────────────────────────────


async def _maybe_regress(
    connection: Connection, news: _News, standing: Work
) -> bool:
    issue, fix, session, now = news.change.after.issue, standing.fix, news.session, news.now
    if fix is None or not is_of_the_fix(fix, *await _placed(connection, session, standing)):
        return False
    if not await triage.reopen(connection, issue.project_id, issue.key, was=IssueState.RESOLVED, now=now):
        return False
    fixed_in = fix.release or ("" if fix.fix_in is FixIn.NOW else "the next release")
    seen_in = f"came back in {session.release}" if session.release else "came back"
    detail = f"{seen_in}, resolved in {fixed_in}" if fixed_in else seen_in
    await activity.note(connection, issue.project_id, issue.key, "regressed", detail, author="", now=now)
    occurrence = str(int(fix.resolved_at.timestamp() * 1000))
    facts = {"fixedIn": fixed_in, "seenIn": session.release}
    issue.state = IssueState.ACTIVE
    return await _tell(connection, news, EventKind.REGRESSION, occurrence, facts)


async def _placed(connection: Connection, session: Session, standing: Work) -> tuple[Visit, datetime | None]:
    """The session among the releases, and when the fix's release was first seen."""
    since = None
    if session.release:
        since = await work.see_release(connection, session.project_id, session.release, at=_moment(session))
    visit = Visit(started_at=session.started_at, release=session.release, release_since=since)
    fix_release = standing.fix.release if standing.fix else ""
    fix_since = await work.release_since(connection, session.project_id, fix_release) if fix_release else None
    return visit, fix_since


async def _maybe_unmute(connection: Connection, issue: Issue, standing: Work, this_hour: int, now: datetime) -> None:
    mute = Mute(until=issue.muted_until, total=standing.mute_total, per_hour=standing.mute_per_hour)
    if why := unmute_reason(mute, now=now, session_count=issue.session_count, this_hour=this_hour):
        await unmute(connection, issue.project_id, issue.key, why, now=now)


async def unmute(connection: Connection, project_id: str, key: str, why: str, *, now: datetime) -> None:
    """Let a muted issue speak again, and log why."""
    if await triage.reopen(connection, project_id, key, was=IssueState.MUTED, now=now):
        await activity.note(connection, project_id, key, "unmuted", why, author="", now=now)


async def unmute_overdue(connection: Connection, *, now: datetime) -> int:
    """End the mutes whose time is over, whether or not anyone meets the issue again; how many."""
    overdue = await work.due_to_unmute(connection, now=now)
    for project_id, key in overdue:
        await unmute(connection, project_id, key, "its time was over", now=now)
    return len(overdue)


# ── use of what failed ────────────────────────────────────────────────────────────────────


async def _start_watch(
    connection: Connection, session: Session, sighting: Sighting, issue: Issue, now: datetime
) -> None:
    """From now on count who uses what failed here."""
    own = await markers.of_session(connection, session.project_id, session.id)
    of_kind = [marker for marker in own if marker.kind == issue.kind]
    its_own = (marker for marker in of_kind if marker.cluster_key == sighting.cluster_key)
    lead = next(its_own, of_kind[0] if of_kind else None)
    if lead is None:
        return
    watch = watch_of(issue.kind, lead.label, read_evidence(lead.evidence), sighting.page)
    if watch is not None:
        await work.change(
            connection, issue.project_id, issue.key, watch=watch.name, watch_shown=watch.shown, watched_since=now
        )


async def note_session(
    connection: Connection, session: Session, trail: Trail, seen: Sequence[Marker], *, now: datetime
) -> None:
    """Note the release of a session that was read, what came to nothing in it, and what it used of what is watched.

    A session counts once for each issue; as clean only when it shows no marker of the issue at all, confirmed or not.
    """
    if session.release:
        await work.see_release(connection, session.project_id, session.release, at=_moment(session))
    if trail is UNREAD:
        return
    is_first = session.revision == 1
    if trail.marks or not is_first:
        left = session.project_id, session.id, trail.marks
        await places.add_session(connection, *left, day=day_of(_moment(session)), person_key=session.person_key, is_first=is_first)
    if not trail.uses:
        return
    watching = {key: (state, standing) for key, state, standing in await work.watching(connection, session.project_id, trail.uses)}
    counted = await work.use_once(connection, session.project_id, session.id, list(watching)) if watching else ()
    if not counted:
        return
    clean = {key for key in counted if watching[key][0] == IssueState.RESOLVED and await _ran_the_fix(connection, session, watching[key][1])}
    clean -= await _shown_in(connection, session.project_id, seen) if clean else set()
    await work.add_uses(connection, session.project_id, {key: Uses(used_count=1, clean_count=int(key in clean)) for key in counted})
    for key in sorted(clean):
        await _maybe_verify(connection, session.project_id, key, watching[key][1], now)


async def _shown_in(connection: Connection, project_id: str, seen: Sequence[Marker]) -> set[str]:
    """The issues that these markers belong to."""
    homes = [await clusters.home_of(connection, project_id, key) for key in sorted({marker.cluster_key for marker in seen})]
    return {home for home in homes if home}


async def _ran_the_fix(connection: Connection, session: Session, standing: Work) -> bool:
    return standing.fix is not None and is_of_the_fix(standing.fix, *await _placed(connection, session, standing))


async def _maybe_verify(connection: Connection, project_id: str, key: str, standing: Work, now: datetime) -> None:
    needed = clean_sessions_needed(standing.used_count, standing.failed_count)
    if standing.verified_at is None and standing.clean_count + 1 >= needed:
        await work.change(connection, project_id, key, verified_at=now)
        detail = f"{standing.clean_count + 1} sessions used {standing.watch_shown} without the failure"
        await activity.note(connection, project_id, key, "verified", detail, author="", now=now)


# ── telling ───────────────────────────────────────────────────────────────────────────────


async def _maybe_spike(
    connection: Connection, news: _News, lately: dict[int, int]
) -> bool:
    issue = news.change.after.issue
    hour = max((hour for hour, count in lately.items() if count >= rules.FEWEST), default=None)
    if hour is None:
        return False
    by_hour = await stats.hours_of_issue(connection, issue.project_id, issue.key, since_hour=hour - rules.BASELINE_HOURS)
    spike = rules.find_spike(by_hour, hour, first_hour=hour_of(issue.first_seen_at))
    if spike is None:
        return False
    facts = {"sessionsInHour": spike.count, "usualPerHour": spike.usual, "limit": spike.limit}
    return await _tell(connection, news, EventKind.SPIKE, str(hour), facts)


async def _tell(
    connection: Connection, news: _News, event: EventKind, occurrence: str, more: dict[str, Any]
) -> bool:
    """Put a letter into the outbox for every rule that wants this event; whether any is to go out."""
    issue, facts = news.change.after.issue, _facts(news) | more
    is_any = False
    for rule in await rules_in_force(connection, issue.project_id, news.settings.alerts):
        if event in rule.events and not rule.paused:
            is_any = await _post(connection, rule, event, issue, occurrence, facts, news.now) or is_any
    return is_any


async def _post(
    connection: Connection, rule: RuleInForce, event: EventKind, issue: Issue, occurrence: str, facts: dict[str, Any], now: datetime
) -> bool:
    told_at = await outbox.last_told_at(connection, issue.project_id, rule.id, issue.key, event)
    is_quiet = rules.is_quiet(told_at, now=now, quiet=timedelta(minutes=rule.quiet_minutes))
    due = now
    if rule.digest_minutes and not is_quiet:
        open_until = await outbox.open_digest(connection, issue.project_id, rule.id, rule.channel_id)
        due = open_until or now + timedelta(minutes=rule.digest_minutes)
    named = issue.project_id, rule.id, rule.channel_id, str(event), issue.key
    key = rules.event_key(event, issue.key, occurrence)
    letter = outbox.letter(*named, key, facts, not_before=due, now=now, state="quiet" if is_quiet else "waiting")
    return await outbox.post(connection, letter) and not is_quiet


def _facts(news: _News) -> dict[str, Any]:
    """What a message says, as it was when it happened."""
    issue, session = news.change.after.issue, news.session
    return {
        "symptom": issue.symptom,
        "title": news.change.after.title,
        "kind": issue.kind,
        "severity": issue.severity,
        "confidence": issue.confidence,
        "basis": issue.basis,
        "people": issue.user_count,
        "sessions": issue.session_count,
        "firstSeenAt": issue.first_seen_at,
        "lastSeenAt": issue.last_seen_at,
        "release": session.release,
        "route": news.sighting.page,
        "site": session.site,
        "sessionId": session.id,
        "jumpMs": news.sighting.jump_ms,
    }
