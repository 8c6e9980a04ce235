"""What was rendered, and what may be."""

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text

from retrospec.storage.tables.base import ID, KEY, Json, UtcMs, metadata

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
