"""Contents kept beside sessions: source maps by release, and the asset vault."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from retrospec.storage.tables.base import ID, UtcMs, metadata

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

assets = Table(
    "assets",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("content_type", String(64), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("created_at", UtcMs, nullable=False, index=True),
    sqlite_with_rowid=False,
)

session_assets = Table(
    "session_assets",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("session_id", ID, primary_key=True),
    Column("url_key", String(64), primary_key=True),
    Column("url", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at", UtcMs, nullable=False, index=True),
    Index("ix_session_assets_content", "project_id", "sha256"),
    sqlite_with_rowid=False,
)
