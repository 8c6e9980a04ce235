"""The country a proxy names, and until when somebody watches a session being recorded."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("country", sa.String(2), server_default="", nullable=False))
    op.add_column("sessions", sa.Column("watched_until", sa.BigInteger()))
