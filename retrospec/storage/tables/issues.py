"""Issues and their counts."""

from sqlalchemy import Boolean, Column, Float, Index, Integer, String, Table, Text, text

from retrospec.storage.tables.base import ID, KEY, UtcMs, metadata

issues = Table(
    "issues",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("key", KEY, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("title", Text, nullable=False),
    Column("symptom", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("session_count", Integer, nullable=False),
    Column("user_count", Integer, nullable=False),
    Column("marker_count", Integer, nullable=False),
    Column("visual_count", Integer, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("basis", String(16), nullable=False),
    Column("representative_session_id", ID, nullable=False),
    Column("first_seen_at", UtcMs, nullable=False),
    Column("last_seen_at", UtcMs, nullable=False),
    Column("created_at", UtcMs, nullable=False),
    Column("promoted_at", UtcMs),
    Column("assignee", Text, nullable=False, server_default=""),
    Column("muted_until", UtcMs),
    Column("state_note", Text, nullable=False, server_default=""),
    Column("state_updated_at", UtcMs),
    Column("representative_confidence", Float, nullable=False, server_default="0"),
    Column("representative_at", UtcMs, nullable=False, server_default="0"),
    Index(
        "ix_issues_shown",
        "project_id",
        "state",
        "last_seen_at",
        sqlite_where=text("promoted_at IS NOT NULL"),
        postgresql_where=text("promoted_at IS NOT NULL"),
    ),
)

issue_sessions = Table(
    "issue_sessions",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("cluster_key", KEY, primary_key=True),
    Column("session_id", ID, primary_key=True),
    Column("marker_count", Integer, nullable=False),
    Column("first_observed_at", UtcMs, nullable=False),
    Column("last_observed_at", UtcMs, nullable=False),
    Column("counted", Boolean, nullable=False, server_default="0"),
    Column("confidence", Float, nullable=False, server_default="0"),
    Column("basis", String(16), nullable=False, server_default=""),
    Column("jump_ms", Integer, nullable=False, server_default="0"),
    Index("ix_issue_sessions_newest", "project_id", "cluster_key", "last_observed_at"),
    Index("ix_issue_sessions_session", "project_id", "session_id"),
    sqlite_with_rowid=False,
)

issue_people = Table(
    "issue_people",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("cluster_key", KEY, primary_key=True),
    Column("person_key", KEY, primary_key=True),
    Column("last_seen_at", UtcMs, nullable=False),
    sqlite_with_rowid=False,
)

issue_hours = Table(
    "issue_hours",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("cluster_key", KEY, primary_key=True),
    Column("hour", Integer, primary_key=True),
    Column("session_count", Integer, nullable=False),
    Column("marker_count", Integer, nullable=False),
    sqlite_with_rowid=False,
)
