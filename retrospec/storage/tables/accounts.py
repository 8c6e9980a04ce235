"""Projects, their keys, and the people who sign in."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text

from retrospec.storage.tables.base import ID, KEY, Json, UtcMs, metadata

projects = Table(
    "projects",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", UtcMs, nullable=False),
    Column("redaction", Json, nullable=False, server_default="{}"),
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
    Column("origins", Json, nullable=False, server_default="[]"),
    Column("requests_per_second", Float, nullable=False, server_default="0"),
    Column("daily_mb", Integer, nullable=False, server_default="0"),
    Column("ends_at", UtcMs),
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
    Column("totp_secret", Text, nullable=False, server_default=""),
    Column("totp_step", BigInteger, nullable=False, server_default="0"),
    Column("recovery_hashes", Json, nullable=False, server_default="[]"),
    Column("oidc_subject", Text, nullable=False, server_default=""),
)

logins = Table(
    "logins",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("user_id", ID, nullable=False, index=True),
    Column("created_at", UtcMs, nullable=False),
    Column("seen_at", UtcMs, nullable=False),
    Column("expires_at", UtcMs, nullable=False),
    Column("id", ID, nullable=False, server_default=""),
    Column("browser", Text, nullable=False, server_default=""),
    Column("address", Text, nullable=False, server_default=""),
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
    Column("grants", Json, nullable=False, server_default="{}"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("user_id", ID, primary_key=True),
    Column("project_id", ID, primary_key=True),
    Column("role", String(16), nullable=False),
    Column("created_at", UtcMs, nullable=False),
    Index("ix_memberships_project", "project_id", "user_id"),
)


audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", ID, primary_key=True),
    Column("at", UtcMs, nullable=False),
    Column("project_id", ID, nullable=False, server_default=""),
    Column("actor_id", ID, nullable=False, server_default=""),
    Column("actor", Text, nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", Text, nullable=False, server_default=""),
    Column("detail", Json, nullable=False, server_default="{}"),
    Column("address", Text, nullable=False, server_default=""),
    Index("ix_audit_entries_project", "project_id", "id"),
    Index("ix_audit_entries_age", "at"),
)


key_usage = Table(
    "key_usage",
    metadata,
    Column("key_id", ID, primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)


share_links = Table(
    "share_links",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ID, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("subject_id", KEY, nullable=False),
    Column("made_by", ID, nullable=False),
    Column("created_at", UtcMs, nullable=False),
    Column("expires_at", UtcMs, nullable=False),
    Column("revoked_at", UtcMs),
    Column("password_hash", Text, nullable=False, server_default=""),
    Column("views", Integer, nullable=False, server_default="0"),
    Column("last_viewed_at", UtcMs),
    Index("ix_share_links_subject", "project_id", "kind", "subject_id"),
)
