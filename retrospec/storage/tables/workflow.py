"""Tables of the workflow: what the team decided, what came back, what it costs, who is told."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from retrospec.storage.tables.base import ID, KEY, Json, UtcMs, metadata

issue_work = Table(
    "issue_work",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("issue_key", KEY, primary_key=True),
    # how it was resolved; empty and null while it is not
    Column("fix_in", String(8), nullable=False, server_default=""),
    Column("fix_release", Text, nullable=False, server_default=""),
    Column("resolved_at", UtcMs),
    Column("verified_at", UtcMs),
    Column("clean_count", Integer, nullable=False, server_default="0"),
    # when it is unmuted, beside issues.muted_until
    Column("mute_total", Integer),
    Column("mute_per_hour", Integer),
    # what its visitors were using when it failed
    Column("watch", KEY, nullable=False, server_default=""),
    Column("watch_shown", Text, nullable=False, server_default=""),
    Column("watched_since", UtcMs),
    Column("used_count", Integer, nullable=False, server_default="0"),
    Column("failed_count", Integer, nullable=False, server_default="0"),
    Index("ix_issue_work_watch", "project_id", "watch"),
    sqlite_with_rowid=False,
)

watch_uses = Table(
    "watch_uses",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("session_id", ID, primary_key=True),
    Column("issue_key", KEY, primary_key=True),
    Index("ix_watch_uses_issue", "project_id", "issue_key", "session_id"),
    sqlite_with_rowid=False,
)

releases = Table(
    "releases",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("release", String(200), primary_key=True),
    Column("first_seen_at", UtcMs, nullable=False),
    Index("ix_releases_first_seen", "project_id", "first_seen_at"),
    sqlite_with_rowid=False,
)

issue_facets = Table(
    "issue_facets",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("cluster_key", KEY, primary_key=True),
    Column("facet", String(80), primary_key=True),
    Column("value", String(160), primary_key=True),
    Column("session_count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

issue_activity = Table(
    "issue_activity",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ID, nullable=False),
    Column("issue_key", KEY, nullable=False),
    Column("at", UtcMs, nullable=False),
    Column("author", Text, nullable=False, server_default=""),
    Column("kind", String(24), nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Index("ix_issue_activity_issue", "project_id", "issue_key", "id"),
)

kind_hours = Table(
    "kind_hours",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("hour", Integer, primary_key=True),
    Column("marker_count", Integer, nullable=False),
    # sessions whose newest marker of this kind lies in this hour
    Column("session_count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

kind_clusters = Table(
    "kind_clusters",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("cluster_key", KEY, primary_key=True),
    Column("last_observed_at", UtcMs, nullable=False),
    Index("ix_kind_clusters_newest", "project_id", "kind", "last_observed_at"),
    sqlite_with_rowid=False,
)

alert_channels = Table(
    "alert_channels",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ID, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("address", Text, nullable=False),
    Column("shown", Text, nullable=False),
    Column("signing_key", Text, nullable=False, server_default=""),
    Column("created_at", UtcMs, nullable=False),
)

alert_rules = Table(
    "alert_rules",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ID, nullable=False, index=True),
    Column("channel_id", ID, nullable=False),
    Column("events", Json, nullable=False),
    Column("quiet_minutes", Integer, nullable=False),
    Column("digest_minutes", Integer, nullable=False),
    Column("paused", Boolean, nullable=False, server_default="0"),
    Column("created_at", UtcMs, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ID, nullable=False),
    Column("rule_id", ID, nullable=False),
    Column("channel_id", ID, nullable=False),
    Column("event", String(16), nullable=False),
    Column("issue_key", KEY, nullable=False),
    Column("event_key", String(300), nullable=False),
    Column("facts", Json, nullable=False),
    Column("state", String(8), nullable=False),
    Column("batch", ID, nullable=False, server_default=""),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("not_before", UtcMs, nullable=False),
    Column("lease_until", UtcMs),
    Column("last_error", Text, nullable=False, server_default=""),
    Column("created_at", UtcMs, nullable=False),
    Column("settled_at", UtcMs),
    Index("ix_outbox_event", "project_id", "rule_id", "channel_id", "event_key", unique=True),
    Index("ix_outbox_due", "state", "not_before"),
    Index("ix_outbox_told", "project_id", "rule_id", "issue_key", "event", "created_at"),
    Index("ix_outbox_newest", "project_id", "id"),
    Index("ix_outbox_batch", "batch"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ID, nullable=False),
    Column("batch", ID, nullable=False),
    Column("channel_id", ID, nullable=False),
    Column("at", UtcMs, nullable=False),
    Column("took_ms", Integer, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("answer", Text, nullable=False, server_default=""),
    Index("ix_deliveries_newest", "project_id", "id"),
    Index("ix_deliveries_batch", "batch"),
)
