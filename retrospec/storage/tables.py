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

# Grouping (docs/adr/0030): an issue is a set of clusters.

clusters = Table(
    "clusters",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("key", KEY, primary_key=True),
    Column("issue_key", KEY, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("title", Text, nullable=False),
    Column("symptom", Text, nullable=False),
    Column("session_count", Integer, nullable=False),
    Column("user_count", Integer, nullable=False),
    Column("marker_count", Integer, nullable=False),
    Column("visual_count", Integer, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("basis", String(16), nullable=False),
    Column("representative_session_id", ID, nullable=False),
    Column("representative_confidence", Float, nullable=False),
    Column("representative_at", UtcMs, nullable=False),
    Column("first_seen_at", UtcMs, nullable=False),
    Column("last_seen_at", UtcMs, nullable=False),
    Column("created_at", UtcMs, nullable=False),
    Column("parts", Json, nullable=False, server_default="[]"),
    Column("ignored", Json, nullable=False, server_default="[]"),
    Column("own_rule", Text, nullable=False, server_default=""),
    Index("ix_clusters_issue", "project_id", "issue_key", "created_at"),
)

cluster_links = Table(
    "cluster_links",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("a", KEY, primary_key=True),
    Column("b", KEY, primary_key=True),
    Column("rule", String(16), primary_key=True),
    Column("because", KEY, primary_key=True),
    Index("ix_cluster_links_b", "project_id", "b"),
    sqlite_with_rowid=False,
)

cluster_words = Table(
    "cluster_words",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("a", KEY, primary_key=True),
    Column("b", KEY, primary_key=True),
    Column("decision_id", ID, primary_key=True),
    Column("together", Boolean, nullable=False),
    Column("decided_at", UtcMs, nullable=False),
    Index("ix_cluster_words_b", "project_id", "b"),
    Index("ix_cluster_words_decision", "project_id", "decision_id"),
    sqlite_with_rowid=False,
)

cluster_likeness = Table(
    "cluster_likeness",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("a", KEY, primary_key=True),
    Column("b", KEY, primary_key=True),
    Column("score", Float, nullable=False),
    Index("ix_cluster_likeness_b", "project_id", "b"),
    sqlite_with_rowid=False,
)

cluster_symptoms = Table(
    "cluster_symptoms",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("cluster_key", KEY, primary_key=True),
    Column("symptom_key", KEY, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("title", Text, nullable=False),
    Column("session_count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

cluster_overlaps = Table(
    "cluster_overlaps",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("cluster_key", KEY, primary_key=True),
    Column("together", String(32), primary_key=True),
    Column("session_count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

fingerprint_tokens = Table(
    "fingerprint_tokens",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("token", String(32), primary_key=True),
    Column("key", KEY, primary_key=True),
    Column("detail", KEY, primary_key=True),
    Index("ix_fingerprint_tokens_key", "project_id", "key"),
    sqlite_with_rowid=False,
)

issue_decisions = Table(
    "issue_decisions",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("id", ID, primary_key=True),
    Column("decided_at", UtcMs, nullable=False),
    Column("author", Text, nullable=False),
    Column("action", String(16), nullable=False),
    Column("issue_key", KEY, nullable=False),
    Column("other_key", KEY, nullable=False, server_default=""),
    Column("session_id", ID, nullable=False, server_default=""),
    Column("before", Json, nullable=False, server_default="[]"),
    Column("undone_at", UtcMs),
    Column("undone_by", Text, nullable=False, server_default=""),
    Index("ix_issue_decisions_issue", "project_id", "issue_key", "decided_at"),
    Index("ix_issue_decisions_other", "project_id", "other_key", "decided_at"),
)

folded_issues = Table(
    "folded_issues",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("key", KEY, primary_key=True),
    Column("row", Json, nullable=False),
)

session_moves = Table(
    "session_moves",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("session_id", ID, primary_key=True),
    Column("from_cluster", KEY, primary_key=True),
    Column("to_cluster", KEY, nullable=False),
    Column("person_key", KEY, nullable=False),
    Column("person_leaves", Boolean, nullable=False),
    Column("decision_id", ID, nullable=False),
    Index("ix_session_moves_from", "project_id", "from_cluster"),
    Index("ix_session_moves_to", "project_id", "to_cluster"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("cluster_key", KEY, primary_key=True),
    Column("session_id", ID, primary_key=True),
    Column("author", ID, primary_key=True),
    Column("is_real", Boolean, nullable=False),
    Column("said_at", UtcMs, nullable=False),
)

cluster_judgements = Table(
    "cluster_judgements",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("cluster_key", KEY, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("title", Text, nullable=False),
    Column("confirmed", Integer, nullable=False, server_default="0"),
    Column("refuted", Integer, nullable=False, server_default="0"),
    Column("accepted", Integer, nullable=False, server_default="0"),
    Column("rejected", Integer, nullable=False, server_default="0"),
    Column("quiet_since", UtcMs),
    Column("loud_at_judged", Integer, nullable=False, server_default="0"),
    Column("changed_by", Text, nullable=False, server_default=""),
    Index("ix_cluster_judgements_quiet", "project_id", "quiet_since"),
)

judged_sessions = Table(
    "judged_sessions",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("session_id", ID, primary_key=True),
    Column("day", Integer, nullable=False),
    Column("tallies", Json, nullable=False),
)

detector_days = Table(
    "detector_days",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("detector", String(32), primary_key=True),
    Column("detected", Integer, nullable=False),
    Column("discarded", Integer, nullable=False),
    Column("refuted", Integer, nullable=False),
    Column("confirmed", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    sqlite_with_rowid=False,
)

source_maps = Table(
    "source_maps",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("release", String(256), primary_key=True),
    Column("name", String(512), primary_key=True),
    Column("debug_id", String(64), nullable=False, server_default=""),
    Column("object_key", Text, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("inflated_bytes", Integer, nullable=False),
    Column("has_sources", Boolean, nullable=False, server_default="0"),
    Column("created_at", UtcMs, nullable=False),
    Column("last_used_at", UtcMs),
    Index("ix_source_maps_debug", "project_id", "debug_id"),
    sqlite_with_rowid=False,
)

films = Table(
    "films",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("session_id", ID, primary_key=True),
    Column("id", ID, primary_key=True),
    Column("start_ms", Integer, nullable=False),
    Column("end_ms", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("progress", Float, nullable=False, server_default="0"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("asked_at", UtcMs, nullable=False),
    Column("updated_at", UtcMs, nullable=False),
    Column("lease_owner", String(64), nullable=False, server_default=""),
    Column("lease_until", UtcMs),
    Index("ix_films_wanted", "status", "asked_at"),
)

render_days = Table(
    "render_days",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("spent", Integer, nullable=False),
    Column("last_at", UtcMs, nullable=False),
)

render_slots = Table(
    "render_slots",
    metadata,
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("owner", String(64), nullable=False),
    Column("until", UtcMs, nullable=False),
)

issue_strips = Table(
    "issue_strips",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("cluster_key", KEY, primary_key=True),
    Column("session_id", ID, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("sentence", Text, nullable=False),
    Column("frames", Json, nullable=False),
    Column("made_at", UtcMs, nullable=False),
)
