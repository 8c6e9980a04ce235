"""The asset vault, when a chunk took a whole picture, and which sessions have expired."""

import sqlalchemy as sa
from alembic import op

from retrospec.storage import tables

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column(
        "chunks", sa.Column("snapshot_ms", sa.BigInteger(), server_default="-1", nullable=False)
    )
    op.create_table(
        "assets",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content_type", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "sha256", name=op.f("pk_assets")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_assets_created_at"), "assets", ["created_at"], unique=False)
    op.create_table(
        "session_assets",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("url_key", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id", "url_key", name=op.f("pk_session_assets")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_session_assets_created_at"), "session_assets", ["created_at"], unique=False)
    op.create_index("ix_session_assets_content", "session_assets", ["project_id", "sha256"], unique=False)
    op.create_table(
        "expired_sessions",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("expired_at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id", name=op.f("pk_expired_sessions")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_expired_sessions_expired_at"), "expired_sessions", ["expired_at"], unique=False)
