"""Allowances that several servers share."""

import sqlalchemy as sa
from alembic import op

from retrospec.storage import tables

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "shared_rates",
        sa.Column("name", tables.KEY, nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_shared_rates")),
    )
    op.create_index(op.f("ix_shared_rates_at"), "shared_rates", ["at"])
