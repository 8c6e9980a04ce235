"""Every table. Moments are stored as epoch milliseconds and read as aware UTC datetimes."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)

from retrospec.domain.clock import from_epoch_ms, to_epoch_ms


class UtcMs(TypeDecorator[datetime]):
    """An aware UTC datetime kept as a 64-bit count of milliseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Datetime → milliseconds."""
        return None if value is None else to_epoch_ms(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Milliseconds → datetime."""
        return None if value is None else from_epoch_ms(value)


class Json(TypeDecorator[Any]):
    """Any JSON value kept as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:
        """Value → JSON text."""
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any:
        """JSON text → plain value."""
        return None if value is None else msgspec.json.decode(value)


metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"}
)

ID = String(128)
KEY = String(192)

projects = Table(
    "projects",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", UtcMs, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ID, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("hint", Text, nullable=False),
    Column("public_value", Text, nullable=False, server_default=""),
    Column("created_at", UtcMs, nullable=False),
    Column("last_used_at", UtcMs),
    Column("revoked_at", UtcMs),
)

users = Table(
    "users",
    metadata,
    Column("id", ID, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("is_admin", Boolean, nullable=False),
    Column("created_at", UtcMs, nullable=False),
    Column("disabled_at", UtcMs),
)

logins = Table(
    "logins",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("user_id", ID, nullable=False, index=True),
    Column("created_at", UtcMs, nullable=False),
    Column("seen_at", UtcMs, nullable=False),
    Column("expires_at", UtcMs, nullable=False),
)

one_time_links = Table(
    "one_time_links",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("purpose", String(32), nullable=False),
    Column("user_id", ID),
    Column("created_at", UtcMs, nullable=False),
    Column("expires_at", UtcMs, nullable=False),
    Column("used_at", UtcMs),
)

sessions = Table(
    "sessions",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("id", ID, primary_key=True),
    Column("site", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("started_at", UtcMs, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("events_object_key", Text, nullable=False),
    Column("created_at", UtcMs, nullable=False),
    Column("updated_at", UtcMs, nullable=False),
    Column("visitor_id", Text, nullable=False, server_default=""),
    Column("user_id", Text, nullable=False, server_default=""),
    Column("release", Text, nullable=False, server_default=""),
    Column("environment", Text, nullable=False, server_default=""),
    Column("browser", Text, nullable=False, server_default=""),
    Column("os", Text, nullable=False, server_default=""),
    Column("device", Text, nullable=False, server_default=""),
    Column("tags", Json, nullable=False, server_default="{}"),
    Column("dropped", Json, nullable=False, server_default="{}"),
    Column("client_started_ms", BigInteger, nullable=False, server_default="0"),
    Column("events_sha256", String(64), nullable=False, server_default=""),
    Column("marker_count", Integer, nullable=False, server_default="0"),
    Column("event_count", Integer, nullable=False, server_default="0"),
    Column("size_bytes", BigInteger, nullable=False, server_default="0"),
    Column("report_status", String(16), nullable=False, server_default="pending"),
    Column("pinned", Boolean, nullable=False, server_default="0"),
    # the walk through the stages
    Column("stage", String(16), nullable=False),
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("not_before", UtcMs, nullable=False),
    Column("lease_owner", String(64), nullable=False, server_default=""),
    Column("lease_until", UtcMs),
    Column("rung_at", UtcMs),
    Column("last_error", Text, nullable=False, server_default=""),
    Index("ix_sessions_due", "stage", "not_before"),
    Index("ix_sessions_newest", "project_id", "started_at", "id"),
    Index("ix_sessions_status", "project_id", "report_status", "started_at", "id"),
    Index("ix_sessions_visitor", "project_id", "visitor_id", "started_at"),
    Index("ix_sessions_user", "project_id", "user_id", "started_at"),
    Index("ix_sessions_route", "project_id", "route", "started_at", "id"),
    Index("ix_sessions_age", "created_at"),
)

chunks = Table(
    "chunks",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("session_id", ID, primary_key=True),
    Column("tab_id", ID, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("segment", Integer, nullable=False, server_default="0"),
    Column("object_key", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("inflated_bytes", Integer, nullable=False),
    Column("event_count", Integer, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("created_at", UtcMs, nullable=False, index=True),
    sqlite_with_rowid=False,
)

markers = Table(
    "markers",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("session_id", ID, primary_key=True),
    Column("id", ID, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("label", Text, nullable=False),
    Column("cluster_key", KEY, nullable=False),
    Column("replay_offset_ms", Integer, nullable=False),
    Column("observed_at", UtcMs, nullable=False),
    Column("client_ms", BigInteger, nullable=False, server_default="0"),
    Column("evidence", Json),
    Column("source", String(16), nullable=False, server_default="sdk"),
    Column("state", String(16), nullable=False, server_default="seen"),
    Index("ix_markers_kind", "project_id", "observed_at", "kind", "cluster_key", "session_id"),
    Index("ix_markers_cluster", "project_id", "cluster_key", "session_id"),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("session_id", ID, primary_key=True),
    Column("id", ID, primary_key=True),
    Column("artifact_type", String(32), nullable=False),
    Column("artifact_key", Text, nullable=False),
    Column("trigger_kind", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("content_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("generated_at", UtcMs, nullable=False),
    Column("created_at", UtcMs, nullable=False),
    Column("updated_at", UtcMs, nullable=False),
    Column("windows", Json, nullable=False, server_default="[]"),
)

reports = Table(
    "reports",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("session_id", ID, primary_key=True),
    Column("id", ID, nullable=False),
    Column("status", String(16), nullable=False),
    Column("symptom", Text, nullable=False),
    Column("technical_root_cause", Text, nullable=False),
    Column("suggested_fix", Text, nullable=False),
    Column("text_summary", Text, nullable=False),
    Column("visual_summary", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("basis", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("card", Json, nullable=False),
    Column("findings", Json, nullable=False, server_default="[]"),
    Column("generated_at", UtcMs, nullable=False),
    Column("created_at", UtcMs, nullable=False),
    Column("updated_at", UtcMs, nullable=False),
)

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
    Column("impact", Float, nullable=False, server_default="0"),
    Index(
        "ix_issues_shown",
        "project_id",
        "state",
        "last_seen_at",
        sqlite_where=text("promoted_at IS NOT NULL"),
        postgresql_where=text("promoted_at IS NOT NULL"),
    ),
    *[
        Index(
            f"ix_issues_by_{column}",
            "project_id",
            "state",
            column,
            sqlite_where=text("promoted_at IS NOT NULL"),
            postgresql_where=text("promoted_at IS NOT NULL"),
        )
        for column in ("impact", "user_count", "created_at")
    ],
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
