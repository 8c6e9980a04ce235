"""A cluster keeps its own impact, so that issues that merge or part have theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("clusters", sa.Column("impact", sa.Float(), server_default="0", nullable=False))
    # Until now an issue's first cluster spoke for all of it.
    op.execute(
        "UPDATE clusters SET impact = COALESCE((SELECT issues.impact FROM issues "
        "WHERE issues.project_id = clusters.project_id AND issues.key = clusters.key), 0)"
    )
