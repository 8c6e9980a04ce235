"""The project of a key: itself, its numbers, keys, share links, alerts and audit log; and erasing."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from retrospec.shapes.base import Answer, Body, NeededText


class Project(Answer):
    """The project this key belongs to."""

    id: str
    name: str
    created_at: datetime
    sessions_last_day: int
    waiting_sessions: int
    """Of the last day, those whose report is still to come."""
    open_issues: int
    retention_days: int
    scopes: list[str]
    """What this key may do."""
    version: str
    """Of the server."""


class Visits(Answer):
    """Sessions that began within a stretch of time."""

    healthy: int
    """Judged, and nothing stood."""
    failed: int
    waiting: int
    people_hit: int


class KindNumbers(Answer):
    """What one kind of failure did."""

    kind: str
    marker_count: int
    session_count: int
    issue_count: int
    """Fingerprints, shown as issues or not."""
    last_seen_at: datetime


class DetectorNumbers(Answer):
    """What came of one detector's suspicions in the last thirty days."""

    detector: str
    detected: int
    discarded: int
    """Not borne out by the recording's text."""
    refuted: int
    """Borne out by the text, not by the screen."""
    confirmed: int
    rejected: int
    """Confirmed, and then called wrong by a person."""


class Stats(Answer):
    """A project in numbers."""

    hours: int
    visits: Visits
    visits_before: Visits
    """In the span of the same length before."""
    kinds: list[KindNumbers]
    detectors: list[DetectorNumbers]


class SeriesHour(Answer):
    """One hour; hours without any are left out."""

    hour: datetime
    session_count: int
    marker_count: int


class Series(Answer):
    """Sessions and markers by the hour."""

    hours: int
    kind: str
    issue: str
    items: list[SeriesHour]


class Release(Answer):
    """A release and when it was first seen."""

    release: str
    first_seen_at: datetime


class ReleaseList(Answer):
    """One page of releases, newest first."""

    items: list[Release]
    next: str | None


class Key(Answer):
    """A key, never its secret."""

    id: str
    name: str
    scopes: list[str]
    hint: str
    """Its first characters."""
    origins: list[str]
    requests_per_second: float
    daily_mb: int
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    ends_at: datetime | None


class KeyList(Answer):
    """A project's keys, oldest first, revoked ones too."""

    items: list[Key]
    next: str | None


class MadeKey(Answer):
    """A new key with its secret, which is told this once."""

    key: Key
    secret: str


Scope = Literal["ingest", "read", "admin", "internal"]
Origin = Annotated[str, Meta(pattern=r"^https?://[a-z0-9-]{1,60}(\.[a-z0-9-]{1,60}){0,5}(:[0-9]{1,4})?$")]
_Origins = Annotated[list[Origin], Meta(max_length=50)]
_Rate = Annotated[float, Meta(ge=0, le=1_000_000)]
_Volume = Annotated[int, Meta(ge=0, le=1_000_000_000)]


class NewKey(Body):
    """A key to make."""

    name: Annotated[str, Meta(min_length=1, max_length=80)]
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=4)]
    origins: _Origins = msgspec.field(default_factory=list)
    """Pages that may send with it; empty: any."""
    requests_per_second: _Rate = 0.0
    daily_mb: _Volume = 0


class KeyBounds(Body):
    """What narrows a key; what is left out is lifted."""

    origins: _Origins = msgspec.field(default_factory=list)
    requests_per_second: _Rate = 0.0
    daily_mb: _Volume = 0


class RotateKey(Body):
    """How long the old secret goes on beside the new one."""

    overlap_days: Annotated[int, Meta(ge=0, le=90)] = 7


class ShareLink(Answer):
    """A link that shows one session or issue to whoever has it; the link itself is told when it is made."""

    id: str
    kind: str
    subject: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    has_password: bool
    views: int
    last_viewed_at: datetime | None


class ShareList(Answer):
    """The latest share links of a project."""

    items: list[ShareLink]
    next: str | None


class MadeShare(Answer):
    """A new link."""

    url: str
    expires_in_days: int


class NewShare(Body):
    """What to share, for how long."""

    kind: Literal["session", "issue"]
    subject: NeededText
    """The session's id or the issue's key."""
    days: Annotated[int, Meta(ge=1, le=90)] = 7
    password: Annotated[str, Meta(min_length=6, max_length=200)] | UnsetType = UNSET


class AlertTry(Answer):
    """One attempt to hand a message over."""

    at: datetime
    took_ms: int
    outcome: str
    """``delivered``, ``retry`` or ``dead``."""
    answer: str


class AlertMessage(Answer):
    """One event on its way to one channel."""

    id: str
    event: str
    """``new``, ``regression``, ``spike`` or ``test``."""
    issue_key: str
    event_id: str
    """As the webhook's event ``id``."""
    message_id: str
    """Events of one digest share it; empty before it is sent. Send it again with this."""
    channel_id: str
    state: str
    """``waiting``, ``sending``, ``sent``, ``quiet`` or ``dead``."""
    facts: dict[str, Any]
    created_at: datetime
    settled_at: datetime | None
    last_error: str
    tries: list[AlertTry]


class AlertList(Answer):
    """One page of the alerts' log, newest first."""

    items: list[AlertMessage]
    next: str | None


class Channel(Answer):
    """Where alerts go; its address and signing key are not told again."""

    id: str
    name: str
    kind: str
    """``webhook`` or ``apprise``."""
    shown: str
    events: list[str]
    quiet_minutes: int
    digest_minutes: int
    paused: bool
    created_at: datetime


class ChannelList(Answer):
    """A project's channels."""

    items: list[Channel]
    next: str | None


class SentAgain(Answer):
    """The message that goes out again."""

    message_id: str


class AuditLine(Answer):
    """Who did what."""

    id: str
    at: datetime
    actor: str
    address: str
    action: str
    subject: str
    detail: dict[str, Any]


class AuditList(Answer):
    """One page of the project's audit log, newest first."""

    items: list[AuditLine]
    next: str | None


class Erase(Body):
    """Whom to erase: every session of a user (the site's own id) or visitor, and the person in every issue's list."""

    person: NeededText


class ErasureReceipt(Answer):
    """What was erased."""

    what: str
    erased_at: datetime
    rows: dict[str, int]
    """By table."""
    recordings: int
    artifacts: int
    bytes: int
    not_deleted: int
    """Files the store refused to delete; a later sweep tries again."""
    backups: list[str]
    """Backups made before, which still hold it until they are rotated away or deleted."""


class Ended(Answer):
    """What was taken back."""

    id: str


