"""Who used what an issue watches, by issue: to compare them with those it failed for."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_index("ix_watch_uses_issue", "watch_uses", ["project_id", "issue_key", "session_id"])
