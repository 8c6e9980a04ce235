"""A project's sessions by age: its own retention reads what has expired, not all it has."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_index("ix_sessions_project_age", "sessions", ["project_id", "created_at"])
