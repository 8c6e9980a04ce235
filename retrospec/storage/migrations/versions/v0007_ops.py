"""Where a session died, how long each project keeps what, and the health figures of the last days."""

import sqlalchemy as sa
from alembic import op

from retrospec.storage import tables

revision = "0007"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("dead_stage", sa.String(length=16), server_default="", nullable=False))
    op.create_table(
        "project_retention",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("days", sa.Integer(), server_default="0", nullable=False),
        sa.Column("recording_days", sa.Integer(), server_default="0", nullable=False),
        sa.Column("artifact_days", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_project_retention")),
    )
    op.create_table(
        "health_samples",
        sa.Column("at", tables.UtcMs(), nullable=False),
        sa.Column("figures", tables.Json(), nullable=False),
        sa.PrimaryKeyConstraint("at", name=op.f("pk_health_samples")),
    )
