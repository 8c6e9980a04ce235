"""Issues: listed, one whole, its sessions and log, and what may be done to it."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from retrospec.domain.issue import IssueState
from retrospec.domain.workflow import FixIn
from retrospec.shapes.base import Answer, Body, NeededText, ShortText
from retrospec.shapes.evidence import Report, Strip


class Issue(Answer):
    """One failure that several confirmed sessions share."""

    key: str
    """Its name in the project; may change when issues merge, and the old one then leads to the new."""
    kind: str
    """``js_exception``, ``api_error``, ``validation_failed`` or ``ui_no_effect``."""
    symptom: str
    """What happens, in a sentence."""
    state: str
    """``active``, ``acknowledged``, ``resolved``, ``muted`` or ``archived``."""
    assignee: str
    note: str
    severity: str
    basis: str
    """``visual`` where it was seen on screen, else ``text``."""
    confidence: float
    impact: float
    """What lists are sorted by: people hit, newer ones weighing more."""
    session_count: int
    """Confirmed sessions, ever."""
    people_count: int
    """Distinct people, ever."""
    marker_count: int
    representative_session_id: str
    """The session that shows it best."""
    page: str
    """The page on which it happened most."""
    first_seen_at: datetime
    last_seen_at: datetime
    created_at: datetime
    muted_until: datetime | None
    state_updated_at: datetime | None
    url: str
    """Its page in the dashboard."""


class IssueList(Answer):
    """One page of issues."""

    items: list[Issue]
    next: str | None
    """Send it as ``cursor`` for the page after this one; null on the last."""


class Count(Answer):
    """A value and how often."""

    value: str
    count: int


class IssueFacets(Answer):
    """What a project's issues can be narrowed by."""

    states: list[Count]
    kinds: list[Count]
    """Sessions with failures of each kind in the last day."""
    sites: list[str]
    """Of the latest sessions."""


class TrendHour(Answer):
    """Confirmed sessions of one hour; hours without any are left out."""

    hour: datetime
    """Its beginning."""
    session_count: int


class Breakdown(Answer):
    """An issue's sessions by one facet, most first."""

    facet: str
    """``browser``, ``os``, ``device``, ``country``, ``route``, ``release``, ``environment``, ``outcome`` or ``tag:…``."""
    values: list[Count]


class FixStanding(Answer):
    """How it was resolved and what came of it."""

    fix_in: str
    """``now``, ``next`` or ``release``."""
    release: str
    resolved_at: datetime
    verified_at: datetime | None
    clean_sessions: int
    """Sessions since that used what failed, without the failure."""
    sentence: str


class GroupMember(Answer):
    """One fingerprint of the issue."""

    key: str
    title: str
    session_count: int
    because: str
    """Why it is in this issue."""
    parts: list[list[str]]
    """What was equal: pairs of name and value."""
    ignored: list[str]
    """What was left out on purpose."""


class NearIssue(Answer):
    """Another issue that is like this one."""

    key: str
    symptom: str
    score: float
    is_suggested: bool
    """Whether merging is suggested."""


class CausedFailure(Answer):
    """A failure of the same moments, caused by this one."""

    kind: str
    title: str
    session_count: int


class Decision(Answer):
    """What a person decided about the grouping."""

    id: str
    author: str
    what: str
    about: str
    """The other issue or fingerprint."""
    at: datetime
    undone_by: str


class Grouping(Answer):
    """Why its sessions are together."""

    members: list[GroupMember]
    near: list[NearIssue]
    caused: list[CausedFailure]
    decisions: list[Decision]
    reached: list[str]
    """How its confidence was reached, step by step."""


class IssueDetail(Answer):
    """An issue whole."""

    issue: Issue
    title: str
    """Short and technical."""
    seen_on_screen: int
    """Sessions in which the screen check saw it."""
    hours: int
    """The span of ``trend``."""
    trend: list[TrendHour]
    sessions_before: int
    """In the span of the same length before."""
    breakdowns: list[Breakdown]
    watch: str
    """What its visitors were using when it failed."""
    used_sessions: int
    """Sessions that used it since it is watched, with or without the failure."""
    failed_sessions: int
    fix: FixStanding | None
    mute: str
    """What ends the mute; empty while it is not muted."""
    grouping: Grouping
    report: Report | None
    """Likely cause and what to look at, of the session that shows it best; null once that has expired."""
    jump_ms: int | None
    """Where in that session the failure is."""
    strip: Strip | None


class IssueSessionRow(Answer):
    """A session that showed an issue's failure."""

    session_id: str
    cluster_key: str
    """Which of the issue's fingerprints."""
    site: str
    route: str
    started_at: datetime
    duration_ms: int
    last_observed_at: datetime
    marker_count: int
    counted: bool
    """Confirmed, so it counts towards the issue."""
    jump_ms: int
    user_id: str
    visitor_id: str
    browser: str
    os: str
    device: str
    country: str
    """Two letters, where a proxy names it (`capture.country_header`)."""
    report_status: str
    confidence: float
    basis: str
    symptom: str
    receipt: str
    """``with_replay``, ``without_replay``, ``expired`` or ``lost``."""
    receipt_reason: str


class IssueSessionList(Answer):
    """One page of an issue's sessions."""

    items: list[IssueSessionRow]
    next: str | None


class ActivityLine(Answer):
    """One line of an issue's log."""

    id: str
    at: datetime
    author: str
    """Empty for RetroSpec itself."""
    kind: str
    """``comment``, ``state``, ``assignee``, ``note``, ``promoted``, ``regressed``, ``unmuted``, ``verified``."""
    detail: str


class ActivityList(Answer):
    """One page of an issue's log, newest first."""

    items: list[ActivityLine]
    next: str | None


class Changed(Answer):
    """How many issues were changed."""

    changed: int


class Decided(Answer):
    """What came of a decision."""

    decision_id: str
    """Undo it with this."""
    issue_key: str
    """The issue that now stands."""


class Heard(Answer):
    """What is known by now of how real a failure is."""

    cluster_key: str
    confirmed: int
    """On screen."""
    refuted: int
    """On screen."""
    accepted: int
    """By people."""
    rejected: int
    """By people."""
    is_quiet: bool
    """Stored, and no longer shown."""


_Sessions = Annotated[int, Meta(ge=1, le=1_000_000)]


class ChangeIssue(Body):
    """What to change; what is left out stays."""

    state: IssueState | UnsetType = UNSET
    assignee: Annotated[str, Meta(max_length=120)] | UnsetType = UNSET
    note: Annotated[str, Meta(max_length=500)] | UnsetType = UNSET
    seen_state: IssueState | UnsetType = UNSET
    """Refuse with 409 when the issue no longer stands there."""
    fix_in: FixIn = FixIn.NOW
    """With ``resolved``."""
    fix_release: ShortText = ""
    """With ``fixIn: release``: the release the fix is in."""
    mute_days: Annotated[int, Meta(ge=1, le=365)] | UnsetType = UNSET
    """With ``muted``; without any of the three until someone says otherwise."""
    mute_sessions: _Sessions | UnsetType = UNSET
    """With ``muted``: until so many more sessions."""
    mute_per_hour: _Sessions | UnsetType = UNSET
    """With ``muted``: until so many sessions meet it within an hour."""


class ChangeIssues(Body):
    """The same change for many issues."""

    keys: Annotated[list[NeededText], Meta(min_length=1, max_length=100)]
    state: IssueState | UnsetType = UNSET
    assignee: Annotated[str, Meta(max_length=120)] | UnsetType = UNSET
    fix_in: FixIn = FixIn.NOW
    mute_days: Annotated[int, Meta(ge=1, le=365)] | UnsetType = UNSET


class NewComment(Body):
    """A comment for an issue's log."""

    text: Annotated[str, Meta(min_length=1, max_length=4_000, pattern=r"\S")]


class OtherIssue(Body):
    """Which other issue, by its key."""

    other: NeededText


class SplitOff(Body):
    """Which fingerprint to take out, by its key."""

    cluster_key: NeededText


class MoveSession(Body):
    """Which session to count under which other issue."""

    session_id: NeededText
    other: NeededText


class Feedback(Body):
    """Whether a failure is a real one; of one session, or of the fingerprint as a whole."""

    is_real: bool
    cluster_key: NeededText
    session_id: ShortText = ""


