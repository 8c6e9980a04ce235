"""What clients send, as structs in wire names, and what it is read into.

``…Wire`` is the request as it arrives; the plain name is the same once checked, its recording
still JSON text (``bytes``) so that nothing is built that nobody needs.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec

from retrospec.capture.published import (
    MAX_DROPPED,
    ClientId,
    ClientMs,
    Count,
    Events,
    EventsKey,
    Evidence,
    Kind,
    Label,
    Name,
    OptionalId,
    PageUrl,
    Route,
    SiteName,
    Started,
    Tags,
    UserAgent,
    Version,
    Word,
)
from retrospec.domain.marker import MarkerKind


def no_evidence() -> msgspec.Raw:
    """What a marker without evidence carries."""
    return msgspec.Raw(b"null")


class Heads(msgspec.Struct, kw_only=True):
    """What is known of a recording without decoding it."""

    event_count: int
    first_event_ms: int | None
    """Earliest ``event.timestamp``, client epoch milliseconds; None where no event has one."""
    last_event_ms: int | None
    first_snapshot_ms: int | None
    """Of its first whole picture of a page; None where it has none."""


class EventHead(msgspec.Struct, gc=False):
    """The two fields of an event that are looked at."""

    timestamp: int | float | None = None
    type: Any = None


class UploadWire(msgspec.Struct, rename="camel"):
    """``POST /v1/artifacts/session-events``."""

    session_id: ClientId
    site: SiteName
    events: Events


class SessionEventsUpload(Heads, kw_only=True):
    """An upload once checked."""

    session_id: str
    site: str
    events: bytes
    """A JSON array of objects."""


class SessionWire(msgspec.Struct, rename="camel"):
    """The ``session`` of ``POST /v1/ingest/session``."""

    id: ClientId
    site: SiteName
    route: Route
    started_at: Started
    """RFC 3339, or epoch milliseconds."""
    duration_ms: Count
    events_object_key: EventsKey


class MarkerWire(msgspec.Struct, rename="camel"):
    """One of ``markers`` of ``POST /v1/ingest/session``."""

    id: ClientId
    label: Label
    replay_offset_ms: Count
    kind: Kind
    cluster_key: Label = ""
    evidence: Evidence = msgspec.field(default_factory=no_evidence)


class IngestWire(msgspec.Struct, rename="camel"):
    """``POST /v1/ingest/session``."""

    session: SessionWire
    markers: list[MarkerWire]


class IngestedSession(msgspec.Struct, rename="camel", kw_only=True):
    """The session of an ingest once checked."""

    id: str
    site: str
    route: str
    started_at: datetime
    """Aware UTC, cut to milliseconds."""
    duration_ms: int
    events_object_key: str


class IngestedMarker(msgspec.Struct, rename="camel", kw_only=True):
    """A marker of an ingest once checked."""

    id: str
    kind: MarkerKind
    label: str
    replay_offset_ms: int
    cluster_key: str = ""
    """The client's own idea; the server gives another."""
    evidence: Any = None


class SessionIngest(msgspec.Struct, rename="camel", kw_only=True):
    """An ingest once checked."""

    session: IngestedSession
    markers: list[IngestedMarker]
    """In the order sent, the first of each id."""


class ChunkUser(msgspec.Struct, rename="camel"):
    """Who the site says the visitor is."""

    id: SiteName
    traits: dict[str, Any] = {}


class Viewport(msgspec.Struct, rename="camel"):
    """CSS pixels."""

    width: int | float = 0
    height: int | float = 0


class ChunkClient(msgspec.Struct, rename="camel"):
    """The browser that recorded."""

    user_agent: UserAgent = ""
    language: Word = ""
    viewport: Viewport = msgspec.field(default_factory=Viewport)
    sdk: Word = ""
    overhead_ms: int | float = 0
    """Main-thread time the recorder took on this page so far, by its own count."""


class Dropped(msgspec.Struct, rename="camel"):
    """Events the SDK gave up, and why."""

    reason: Word
    count: Count
    markers: list[str] = []
    """Ids of the markers among what was given up."""


class ChunkMarkerWire(msgspec.Struct, rename="camel"):
    """One of ``markers`` of ``POST /v2/chunks``."""

    id: ClientId
    at: ClientMs
    kind: Kind
    label: Label
    evidence: Evidence = msgspec.field(default_factory=no_evidence)


class ChunkMarker(msgspec.Struct, rename="camel", kw_only=True):
    """A marker of a chunk once checked."""

    id: str
    at_ms: int = msgspec.field(name="at")
    """Client epoch milliseconds, on the clock of ``event.timestamp``."""
    kind: MarkerKind
    label: str
    evidence: Any = None


class ChunkWire(msgspec.Struct, rename="camel", kw_only=True):
    """``POST /v2/chunks``."""

    v: Version
    session_id: ClientId
    tab_id: ClientId
    visitor_id: OptionalId = ""
    seq: Count
    segment: Count
    site: SiteName
    route: Route
    url: PageUrl
    started_at: ClientMs
    sent_at: ClientMs
    events: Events
    markers: list[ChunkMarkerWire] = []
    user: ChunkUser | None = None
    release: Name | None = None
    environment: Name | None = None
    tags: Tags | None = None
    client: ChunkClient = msgspec.field(default_factory=ChunkClient)
    final: bool | None = None
    dropped: Annotated[list[Dropped], msgspec.Meta(extra_json_schema={"maxItems": MAX_DROPPED})] | None = None


class Chunk(Heads, rename="camel", kw_only=True):
    """A chunk once checked."""

    v: int
    session_id: str
    tab_id: str
    visitor_id: str
    """Empty where the browser keeps nothing."""
    seq: int
    """Counts a tab's chunks from 0."""
    segment: int
    """Counts the session's page loads from 0."""
    site: str
    route: str
    url: str
    started_at_ms: int = msgspec.field(name="startedAt")
    """Client epoch milliseconds, like ``sent_at_ms``."""
    sent_at_ms: int = msgspec.field(name="sentAt")
    events: bytes
    """A JSON array of objects."""
    markers: list[ChunkMarker]
    user: ChunkUser | None
    release: str
    environment: str
    tags: dict[str, str]
    client: ChunkClient
    final: bool
    dropped: list[Dropped]

    def leave_out(self, kept: Callable[[bytes], bytes]) -> None:
        """Replace the events by what ``kept`` lets through; what it holds back is counted as dropped."""
        events = kept(self.events)
        if events is not self.events:
            self.dropped.append(Dropped(reason="disk_full", count=self.event_count))
            self.events, self.event_count = events, 0
