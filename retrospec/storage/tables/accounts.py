"""Projects, their keys, and the people who sign in."""

from sqlalchemy import Boolean, Column, String, Table, Text

from retrospec.storage.tables.base import ID, UtcMs, metadata

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
