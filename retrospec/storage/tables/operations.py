"""What the installation keeps about its own work."""

from sqlalchemy import Column, Float, Integer, Table

from retrospec.storage.tables.base import ID, KEY, Json, UtcMs, metadata

project_retention = Table(
    "project_retention",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("days", Integer, nullable=False, server_default="0"),
    Column("recording_days", Integer, nullable=False, server_default="0"),
    Column("artifact_days", Integer, nullable=False, server_default="0"),
)


health_samples = Table(
    "health_samples",
    metadata,
    Column("at", UtcMs, primary_key=True),
    Column("figures", Json, nullable=False),
)

shared_rates = Table(
    "shared_rates",
    metadata,
    Column("name", KEY, primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("at", UtcMs, nullable=False, index=True),
)
