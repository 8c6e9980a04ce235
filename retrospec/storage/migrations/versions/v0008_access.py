"""Roles, audit entries, bound keys, share links, second factors, redaction rules and reports."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from retrospec.storage import tables

revision = "0008"
down_revision = "0007"

ID = sa.String(length=128)

ADDED: dict[str, list[sa.Column[Any]]] = {
    "projects": [sa.Column("redaction", tables.Json(), server_default="{}", nullable=False)],
    "api_keys": [
        sa.Column("origins", tables.Json(), server_default="[]", nullable=False),
        sa.Column("requests_per_second", sa.Float(), server_default="0", nullable=False),
        sa.Column("daily_mb", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ends_at", tables.UtcMs(), nullable=True),
    ],
    "users": [
        sa.Column("totp_secret", sa.Text(), server_default="", nullable=False),
        sa.Column("totp_step", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("recovery_hashes", tables.Json(), server_default="[]", nullable=False),
        sa.Column("oidc_subject", sa.Text(), server_default="", nullable=False),
    ],
    "logins": [
        sa.Column("id", ID, server_default="", nullable=False),
        sa.Column("browser", sa.Text(), server_default="", nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
    ],
    "one_time_links": [sa.Column("grants", tables.Json(), server_default="{}", nullable=False)],
    "chunks": [sa.Column("redactions", tables.Json(), server_default="{}", nullable=False)],
}


def upgrade() -> None:
    for table, columns in ADDED.items():
        for column in columns:
            op.add_column(table, column)
    op.execute("UPDATE logins SET id = substr(token_hash, 1, 26)")
    _make_memberships()
    _make_audit_entries()
    _make_key_usage()
    _make_share_links()


def _make_memberships() -> None:
    op.create_table(
        "memberships",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "project_id", name=op.f("pk_memberships")),
    )
    op.create_index("ix_memberships_project", "memberships", ["project_id", "user_id"], unique=False)
    # Until now everybody who could sign in could work in every project: they keep that.
    op.execute(
        "INSERT INTO memberships (user_id, project_id, role, created_at) "
        "SELECT users.id, projects.id, 'member', users.created_at FROM users, projects WHERE NOT users.is_admin"
    )


def _make_audit_entries() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", tables.UtcMs(), nullable=False),
        sa.Column("project_id", ID, server_default="", nullable=False),
        sa.Column("actor_id", ID, server_default="", nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", tables.Json(), server_default="{}", nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    op.create_index("ix_audit_entries_project", "audit_entries", ["project_id", "id"], unique=False)
    op.create_index("ix_audit_entries_age", "audit_entries", ["at"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER audit_entries_stay BEFORE UPDATE ON audit_entries "
            "BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION audit_entries_stay() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit entries are never changed'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_entries_stay BEFORE UPDATE ON audit_entries "
        "FOR EACH ROW EXECUTE FUNCTION audit_entries_stay()"
    )


def _make_key_usage() -> None:
    op.create_table(
        "key_usage",
        sa.Column("key_id", ID, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "day", name=op.f("pk_key_usage")),
        sqlite_with_rowid=False,
    )


def _make_share_links() -> None:
    op.create_table(
        "share_links",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.String(length=192), nullable=False),
        sa.Column("made_by", ID, nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.Column("expires_at", tables.UtcMs(), nullable=False),
        sa.Column("revoked_at", tables.UtcMs(), nullable=True),
        sa.Column("password_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("views", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_viewed_at", tables.UtcMs(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_links")),
    )
    op.create_index(
        "ix_share_links_subject", "share_links", ["project_id", "kind", "subject_id"], unique=False
    )
