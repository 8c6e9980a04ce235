"""Markers that browsers could not hand over, and what the recorder itself cost."""

import sqlalchemy as sa
from alembic import op

from retrospec.storage import tables

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("lost_markers", tables.Json(), server_default="{}", nullable=False))
    op.add_column("sessions", sa.Column("overhead_ms", sa.Integer(), server_default="0", nullable=False))
