"""The first schema."""

import sqlalchemy as sa
from alembic import op

from retrospec.storage import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("public_value", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.Column("last_used_at", tables.UtcMs(), nullable=True),
        sa.Column("revoked_at", tables.UtcMs(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("secret_hash"),
    )
    op.create_index(op.f("ix_api_keys_project_id"), "api_keys", ["project_id"], unique=False)
    op.create_table(
        "artifacts",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("artifact_type", sa.String(length=32), nullable=False),
        sa.Column("artifact_key", sa.Text(), nullable=False),
        sa.Column("trigger_kind", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("generated_at", tables.UtcMs(), nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.Column("updated_at", tables.UtcMs(), nullable=False),
        sa.Column("windows", tables.Json(), server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id", "id", name=op.f("pk_artifacts")),
    )
    op.create_table(
        "chunks",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("tab_id", sa.String(length=128), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("segment", sa.Integer(), server_default="0", nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("inflated_bytes", sa.Integer(), nullable=False),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column("first_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id", "tab_id", "seq", name=op.f("pk_chunks")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_chunks_created_at"), "chunks", ["created_at"], unique=False)
    op.create_table(
        "issue_hours",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("cluster_key", sa.String(length=192), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("session_count", sa.Integer(), nullable=False),
        sa.Column("marker_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "cluster_key", "hour", name=op.f("pk_issue_hours")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "issue_people",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("cluster_key", sa.String(length=192), nullable=False),
        sa.Column("person_key", sa.String(length=192), nullable=False),
        sa.Column("last_seen_at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "cluster_key", "person_key", name=op.f("pk_issue_people")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "issue_sessions",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("cluster_key", sa.String(length=192), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("marker_count", sa.Integer(), nullable=False),
        sa.Column("first_observed_at", tables.UtcMs(), nullable=False),
        sa.Column("last_observed_at", tables.UtcMs(), nullable=False),
        sa.Column("counted", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("confidence", sa.Float(), server_default="0", nullable=False),
        sa.Column("basis", sa.String(length=16), server_default="", nullable=False),
        sa.Column("jump_ms", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "cluster_key", "session_id", name=op.f("pk_issue_sessions")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_issue_sessions_newest",
        "issue_sessions",
        ["project_id", "cluster_key", "last_observed_at"],
        unique=False,
    )
    op.create_index("ix_issue_sessions_session", "issue_sessions", ["project_id", "session_id"], unique=False)
    op.create_table(
        "issues",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("key", sa.String(length=192), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("symptom", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("session_count", sa.Integer(), nullable=False),
        sa.Column("user_count", sa.Integer(), nullable=False),
        sa.Column("marker_count", sa.Integer(), nullable=False),
        sa.Column("visual_count", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("basis", sa.String(length=16), nullable=False),
        sa.Column("representative_session_id", sa.String(length=128), nullable=False),
        sa.Column("first_seen_at", tables.UtcMs(), nullable=False),
        sa.Column("last_seen_at", tables.UtcMs(), nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.Column("promoted_at", tables.UtcMs(), nullable=True),
        sa.Column("assignee", sa.Text(), server_default="", nullable=False),
        sa.Column("muted_until", tables.UtcMs(), nullable=True),
        sa.Column("state_note", sa.Text(), server_default="", nullable=False),
        sa.Column("state_updated_at", tables.UtcMs(), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "key", name=op.f("pk_issues")),
    )
    op.create_index(
        "ix_issues_shown",
        "issues",
        ["project_id", "state", "last_seen_at"],
        unique=False,
        sqlite_where=sa.text("promoted_at IS NOT NULL"),
        postgresql_where=sa.text("promoted_at IS NOT NULL"),
    )
    op.create_table(
        "logins",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.Column("seen_at", tables.UtcMs(), nullable=False),
        sa.Column("expires_at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_logins")),
    )
    op.create_index(op.f("ix_logins_user_id"), "logins", ["user_id"], unique=False)
    op.create_table(
        "markers",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("cluster_key", sa.String(length=192), nullable=False),
        sa.Column("replay_offset_ms", sa.Integer(), nullable=False),
        sa.Column("observed_at", tables.UtcMs(), nullable=False),
        sa.Column("client_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("evidence", tables.Json(), nullable=True),
        sa.Column("source", sa.String(length=16), server_default="sdk", nullable=False),
        sa.Column("state", sa.String(length=16), server_default="seen", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id", "id", name=op.f("pk_markers")),
    )
    op.create_index(
        "ix_markers_cluster", "markers", ["project_id", "cluster_key", "session_id"], unique=False
    )
    op.create_index(
        "ix_markers_kind",
        "markers",
        ["project_id", "observed_at", "kind", "cluster_key", "session_id"],
        unique=False,
    )
    op.create_table(
        "one_time_links",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=True),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.Column("expires_at", tables.UtcMs(), nullable=False),
        sa.Column("used_at", tables.UtcMs(), nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_one_time_links")),
    )
    op.create_table(
        "projects",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
    )
    op.create_table(
        "reports",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("symptom", sa.Text(), nullable=False),
        sa.Column("technical_root_cause", sa.Text(), nullable=False),
        sa.Column("suggested_fix", sa.Text(), nullable=False),
        sa.Column("text_summary", sa.Text(), nullable=False),
        sa.Column("visual_summary", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("basis", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("card", tables.Json(), nullable=False),
        sa.Column("findings", tables.Json(), server_default="[]", nullable=False),
        sa.Column("generated_at", tables.UtcMs(), nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.Column("updated_at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id", name=op.f("pk_reports")),
    )
    op.create_table(
        "sessions",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("started_at", tables.UtcMs(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("events_object_key", sa.Text(), nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.Column("updated_at", tables.UtcMs(), nullable=False),
        sa.Column("visitor_id", sa.Text(), server_default="", nullable=False),
        sa.Column("user_id", sa.Text(), server_default="", nullable=False),
        sa.Column("release", sa.Text(), server_default="", nullable=False),
        sa.Column("environment", sa.Text(), server_default="", nullable=False),
        sa.Column("browser", sa.Text(), server_default="", nullable=False),
        sa.Column("os", sa.Text(), server_default="", nullable=False),
        sa.Column("device", sa.Text(), server_default="", nullable=False),
        sa.Column("tags", tables.Json(), server_default="{}", nullable=False),
        sa.Column("dropped", tables.Json(), server_default="{}", nullable=False),
        sa.Column("client_started_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("events_sha256", sa.String(length=64), server_default="", nullable=False),
        sa.Column("marker_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("event_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("report_status", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("pinned", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", tables.UtcMs(), nullable=False),
        sa.Column("lease_owner", sa.String(length=64), server_default="", nullable=False),
        sa.Column("lease_until", tables.UtcMs(), nullable=True),
        sa.Column("rung_at", tables.UtcMs(), nullable=True),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_age", "sessions", ["created_at"], unique=False)
    op.create_index("ix_sessions_due", "sessions", ["stage", "not_before"], unique=False)
    op.create_index("ix_sessions_newest", "sessions", ["project_id", "started_at", "id"], unique=False)
    op.create_index(
        "ix_sessions_route", "sessions", ["project_id", "route", "started_at", "id"], unique=False
    )
    op.create_index(
        "ix_sessions_status", "sessions", ["project_id", "report_status", "started_at", "id"], unique=False
    )
    op.create_index("ix_sessions_user", "sessions", ["project_id", "user_id", "started_at"], unique=False)
    op.create_index(
        "ix_sessions_visitor", "sessions", ["project_id", "visitor_id", "started_at"], unique=False
    )
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.Column("disabled_at", tables.UtcMs(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email"),
    )
