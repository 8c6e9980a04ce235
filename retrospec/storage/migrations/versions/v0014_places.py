"""Failures by place: clicks in vain, refused fields and requests, by session and rolled up by day."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

ID, KEY = sa.String(128), sa.String(192)


def upgrade() -> None:
    op.create_table(
        "place_marks",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("session_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sort", sa.String(8), nullable=False),
        sa.Column("place", KEY, nullable=False),
        sa.Column("thing", KEY, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("person_key", KEY, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(16), server_default="", nullable=False),
        sa.Column("t_ms", sa.Integer(), nullable=False),
        sa.Column("x", sa.Integer(), server_default="-1", nullable=False),
        sa.Column("y", sa.Integer(), server_default="-1", nullable=False),
        sa.Column("width", sa.Integer(), server_default="0", nullable=False),
        sa.Column("shown", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id", "number", name="pk_place_marks"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_place_marks_people", "place_marks", ["project_id", "sort", "place", "thing", "day", "person_key"])
    op.create_index("ix_place_marks_newest", "place_marks", ["project_id", "sort", "place", "day", "person_key"])
    op.create_table(
        "place_days",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("sort", sa.String(8), nullable=False),
        sa.Column("place", KEY, nullable=False),
        sa.Column("thing", KEY, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("overcome", sa.Integer(), nullable=False),
        sa.Column("sessions", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "day", "sort", "place", "thing", name="pk_place_days"),
        sqlite_with_rowid=False,
    )
