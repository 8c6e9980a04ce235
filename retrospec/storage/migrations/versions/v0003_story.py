"""Source maps of releases."""

import sqlalchemy as sa
from alembic import op

from retrospec.storage import tables

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "source_maps",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("release", sa.String(length=256), nullable=False),
        sa.Column("name", sa.String(length=512), nullable=False),
        sa.Column("debug_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("inflated_bytes", sa.Integer(), nullable=False),
        sa.Column("has_sources", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.Column("last_used_at", tables.UtcMs(), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "release", "name", name=op.f("pk_source_maps")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_source_maps_debug", "source_maps", ["project_id", "debug_id"], unique=False)


def downgrade() -> None:
    op.drop_table("source_maps")
