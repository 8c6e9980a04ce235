"""Films asked for by hand, the budget of renders, and the filmstrips of issues."""

import sqlalchemy as sa
from alembic import op

from retrospec.storage import tables

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "films",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("start_ms", sa.Integer(), nullable=False),
        sa.Column("end_ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("progress", sa.Float(), server_default="0", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("asked_at", tables.UtcMs(), nullable=False),
        sa.Column("updated_at", tables.UtcMs(), nullable=False),
        sa.Column("lease_owner", sa.String(length=64), server_default="", nullable=False),
        sa.Column("lease_until", tables.UtcMs(), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "session_id", "id", name=op.f("pk_films")),
    )
    op.create_index("ix_films_wanted", "films", ["status", "asked_at"], unique=False)
    op.create_table(
        "render_days",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("spent", sa.Integer(), nullable=False),
        sa.Column("last_at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "day", name=op.f("pk_render_days")),
    )
    op.create_table(
        "render_slots",
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("until", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("slot", name=op.f("pk_render_slots")),
    )
    op.create_table(
        "issue_strips",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("cluster_key", sa.String(length=192), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("frames", tables.Json(), nullable=False),
        sa.Column("made_at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "cluster_key", name=op.f("pk_issue_strips")),
    )
