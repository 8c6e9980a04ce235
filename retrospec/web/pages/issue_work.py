"""What the Issue page says of the team's work on an issue: fix, mute, log, cost, tracker."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec

from retrospec.domain.clock import to_epoch_ms
from retrospec.domain.finding import Outcome
from retrospec.domain.issue import Issue
from retrospec.domain.workflow import Activity, FixIn, Work
from retrospec.issues.regression import clean_sessions_needed
from retrospec.storage import activity, dashboard_issues, impact, work
from retrospec.storage.dashboard_issues import narrows
from retrospec.storage.database import Connection
from retrospec.web.pages import charts, words
from retrospec.web.pages.charts import Span, Trend

LOG_LINES = 50
RELEASES = 12
SHOWN_VALUES = 5
FACET_NAMES = {
    "browser": "Browser",
    "os": "System",
    "device": "Device",
    "country": "Country",
    "route": "Page",
    "release": "Release",
    "environment": "Environment",
}
_MET_BY = {"route": "on", "device": "on", "browser": "with", "release": "in release"}
"""What is said of whom an issue hits, by facet, and the word before its most frequent value."""
_OUTCOME_NAMES = {
    Outcome.BLOCKED: "did not get through",
    Outcome.OVERCAME: "got through after all",
    Outcome.UNAFFECTED: "were not held up",
    Outcome.UNKNOWN: "how it ended is not known",
}


class Share(msgspec.Struct, kw_only=True):
    """One value of a breakdown."""

    value: str
    count: int
    share: float
    url: str = ""
    """Narrows the page's sessions to it; empty where they can't be."""


class Breakdown(msgspec.Struct, kw_only=True):
    """Sessions by one facet, most first."""

    title: str
    values: list[Share]
    more: int
    """Values that are not shown."""


class Mark(msgspec.Struct, kw_only=True):
    """A release on the trend."""

    x: float
    release: str
    at: datetime


class WorkView(msgspec.Struct, kw_only=True):
    """Everything of an issue beyond its own row and sessions."""

    work: Work
    fix_words: str
    """How it was resolved and what came of it; empty while it isn't."""
    is_verified: bool
    mute_words: str
    log: list[Activity]
    releases: list[str]
    """Newest first, to resolve in."""
    tracker_url: str
    share_words: str
    outcomes: list[Share]
    against_words: str
    """This span against the one before."""
    is_rising: bool
    breakdowns: list[Breakdown]
    met_words: str
    """Who is affected, in a line; empty where nothing was counted."""
    marks: list[Mark]
    facet: str
    value: str
    """What the sessions are narrowed by."""


async def read_work(
    connection: Connection, issue: Issue, keys: Sequence[str], span: Span, now: datetime, *, here: str, template: str
) -> tuple[WorkView, Trend]:
    """The view, and the trend of all the issue's clusters (``keys``); ``here`` is the page's full address."""
    first = charts.first_hour(span, now)
    found = await dashboard_issues.trends(connection, issue.project_id, [issue.key], since_hour=first - span.hours, step_hours=span.step_hours)
    by_hour = found[issue.key]
    standing = await work.find(connection, issue.project_id, issue.key)
    known = await work.latest_releases(connection, issue.project_id, limit=RELEASES)
    facets = await impact.facets_of(connection, issue.project_id, keys)
    trend = charts.trend(by_hour, span, now, width=560, height=72)
    before = sum(count for hour, count in by_hour.items() if hour < first)
    outcomes, breakdowns = _outcomes(facets.get("outcome", [])), _breakdowns(facets)
    view = WorkView(
        work=standing,
        fix_words=fix_words(standing),
        is_verified=standing.verified_at is not None,
        mute_words=mute_words(issue, standing),
        log=await activity.latest(connection, issue.project_id, keys, limit=LOG_LINES),
        releases=[release for release, _ in known],
        tracker_url=tracker_url(template, issue, here),
        share_words=share_words(standing),
        outcomes=outcomes,
        against_words=against_words(trend.total, before, span),
        is_rising=trend.total > before > 0,
        breakdowns=breakdowns,
        met_words=met_words(issue.user_count, outcomes, breakdowns),
        marks=release_marks(known, first, span, trend.width),
        facet="",
        value="",
    )
    return view, trend


def fix_words(standing: Work) -> str:
    """``Resolved in 2.4.1. Verified by 41 sessions that used button “Pay now” without the failure.``"""
    fix = standing.fix
    if fix is None:
        return ""
    named = {FixIn.NOW: "", FixIn.NEXT: f" in {fix.release or 'the next release'}", FixIn.RELEASE: f" in {fix.release}"}
    return f"Resolved{named[fix.fix_in]}. {_verification(standing)}"


def _verification(standing: Work) -> str:
    if not standing.watch:
        return "It cannot be verified by use: nothing about it can be told apart from visit to visit."
    if not standing.clean_count:
        return f"Not exercised yet: nobody has used {standing.watch_shown} since."
    sessions = words.plural(standing.clean_count, "session")
    if standing.verified_at is not None:
        return f"Verified by {sessions} that used {standing.watch_shown} without the failure."
    needed = clean_sessions_needed(standing.used_count, standing.failed_count)
    return f"{sessions} used {standing.watch_shown} without the failure so far; {needed} make it verified."


def mute_words(issue: Issue, standing: Work) -> str:
    """What ends the mute."""
    if standing.mute_total is not None:
        return f"until {words.plural(max(0, standing.mute_total - issue.session_count), 'more session')}"
    if standing.mute_per_hour is not None:
        return f"until {words.plural(standing.mute_per_hour, 'session')} meet it within an hour"
    if issue.muted_until is not None:
        return f"until {issue.muted_until.day} {issue.muted_until:%b}"
    return "until someone says otherwise"


def share_words(standing: Work) -> str:
    """The share of those who used what failed; empty before enough have."""
    if standing.used_count < 10:
        return ""
    share = min(1.0, standing.failed_count / standing.used_count)
    shown = words.percent(share) if share >= 0.01 or not share else "less than 1\u202f%"
    return f"{shown} of the {words.plural(standing.used_count, 'session')} that used {standing.watch_shown}"


def against_words(count: int, before: int, span: Span) -> str:
    """``+40 % against the 24 hours before``."""
    if not before:
        return f"None in the {span.label} before" if count else ""
    change = (count - before) / before
    if not change:
        return f"As many as in the {span.label} before"
    return f"{'+' if change > 0 else '−'}{abs(round(change * 100))}\u202f% against the {span.label} before"


def tracker_url(template: str, issue: Issue, here: str) -> str:
    """The tracker's form with this issue filled in; empty where no tracker is set."""
    if not template:
        return ""
    people, sessions = words.plural(issue.user_count, "person", "people"), words.plural(issue.session_count, "session")
    body = f"{issue.symptom}\n\n{people}, {sessions}.\n{here}"
    filled = template
    for name, value in (("{title}", issue.symptom), ("{body}", body), ("{url}", here)):
        filled = filled.replace(name, quote(value, safe=""))
    return filled


def met_words(people: int, outcomes: Sequence[Share], breakdowns: Sequence[Breakdown]) -> str:
    """``28 people, on /checkout 88 %, on desktop, in release 2026.11.2 76 %. 63 % did not get through.``"""
    parts = [f"{before} {shown}" for name, before in _MET_BY.items() if (shown := _mostly(breakdowns, FACET_NAMES[name]))]
    known = [part for part in outcomes if part.value != _OUTCOME_NAMES[Outcome.UNKNOWN]]
    came_to = f" {words.percent(known[0].share)} {known[0].value}." if known else ""
    return f"{', '.join([words.plural(people, 'person', 'people'), *parts])}.{came_to}" if parts or known else ""


def _mostly(breakdowns: Sequence[Breakdown], title: str) -> str:
    """The one value there is, or both, or the most frequent of several with its share."""
    values = next((group.values for group in breakdowns if group.title == title), [])
    if len(values) > 2:
        return f"{values[0].value} {words.percent(values[0].share)}"
    return " and ".join(each.value for each in values)


def _outcomes(counts: Sequence[tuple[str, int]]) -> list[Share]:
    known, total = dict(counts), sum(count for _, count in counts)
    return [
        Share(value=name, count=known[outcome], share=known[outcome] / total)
        for outcome, name in _OUTCOME_NAMES.items()
        if known.get(outcome)
    ]


def _breakdowns(facets: dict[str, list[tuple[str, int]]]) -> list[Breakdown]:
    tags = sorted(name for name in facets if name.startswith("tag:"))
    return [
        _breakdown(name, facets[name]) for name in [*FACET_NAMES, *tags] if facets.get(name)
    ]


def _breakdown(facet: str, counts: list[tuple[str, int]]) -> Breakdown:
    total = sum(count for _, count in counts)
    values = [
        Share(
            value=value.replace("<*>", "…"),
            count=count,
            share=count / total,
            url=narrowed(facet, value),
        )
        for value, count in counts[:SHOWN_VALUES]
    ]
    title = FACET_NAMES.get(facet) or facet.removeprefix("tag:")
    return Breakdown(title=title, values=values, more=max(0, len(counts) - SHOWN_VALUES))


def narrowed(facet: str, value: str) -> str:
    """The page with only such sessions; empty where a value stands for several or is kept with no session."""
    if not narrows(facet) or value == impact.OTHER:
        return ""
    return f"?facet={quote(facet, safe='')}&value={quote(value, safe='')}#sessions-title"


def release_marks(known: Sequence[tuple[str, datetime]], first_hour: int, span: Span, width: int) -> list[Mark]:
    """Where on a chart of ``span`` and ``width`` each release was first seen; those outside it are left out."""
    start_ms, length_ms = first_hour * charts.HOUR_MS, span.hours * charts.HOUR_MS
    return [
        Mark(x=round((to_epoch_ms(at) - start_ms) / length_ms * width, 1), release=release, at=at)
        for release, at in known
        if 0 <= to_epoch_ms(at) - start_ms <= length_ms
    ]


def muted_until(name: str, now: datetime) -> datetime | None:
    """The end of a mute called ``1d``, ``7d`` or ``30d``; None for anything else."""
    days = {"1d": 1, "7d": 7, "30d": 30}.get(name, 0)
    return now + timedelta(days=days) if days else None
