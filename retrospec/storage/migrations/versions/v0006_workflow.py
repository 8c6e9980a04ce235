"""Workflow: resolving in a release, muting by count and rate, activity, facets, roll-ups, alerts and their outbox."""

import math

import sqlalchemy as sa
from alembic import op

from retrospec.storage import tables

revision = "0006"
down_revision = "0005"

ID, KEY = sa.String(128), sa.String(192)
HOUR_MS = 3_600_000
HALF_LIFE_MS = 3 * 24 * HOUR_MS


def upgrade() -> None:
    op.add_column("issues", sa.Column("impact", sa.Float(), server_default="0", nullable=False))
    for column in ("impact", "user_count", "created_at"):
        op.create_index(
            f"ix_issues_by_{column}",
            "issues",
            ["project_id", "state", column],
            sqlite_where=sa.text("promoted_at IS NOT NULL"),
            postgresql_where=sa.text("promoted_at IS NOT NULL"),
        )
    _issue_tables()
    _stats_tables()
    _alert_tables()
    _fill_from_what_is_there()


def _issue_tables() -> None:
    op.create_table(
        "issue_work",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("issue_key", KEY, nullable=False),
        sa.Column("fix_in", sa.String(8), server_default="", nullable=False),
        sa.Column("fix_release", sa.Text(), server_default="", nullable=False),
        sa.Column("resolved_at", tables.UtcMs()),
        sa.Column("verified_at", tables.UtcMs()),
        sa.Column("clean_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("mute_total", sa.Integer()),
        sa.Column("mute_per_hour", sa.Integer()),
        sa.Column("watch", KEY, server_default="", nullable=False),
        sa.Column("watch_shown", sa.Text(), server_default="", nullable=False),
        sa.Column("watched_since", tables.UtcMs()),
        sa.Column("used_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed_count", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "issue_key", name="pk_issue_work"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_issue_work_watch", "issue_work", ["project_id", "watch"])
    op.create_table(
        "watch_uses",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("session_id", ID, nullable=False),
        sa.Column("issue_key", KEY, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id", "issue_key", name="pk_watch_uses"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "releases",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("release", sa.String(200), nullable=False),
        sa.Column("first_seen_at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "release", name="pk_releases"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_releases_first_seen", "releases", ["project_id", "first_seen_at"])
    op.create_table(
        "issue_facets",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("cluster_key", KEY, nullable=False),
        sa.Column("facet", sa.String(80), nullable=False),
        sa.Column("value", sa.String(160), nullable=False),
        sa.Column("session_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "cluster_key", "facet", "value", name="pk_issue_facets"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "issue_activity",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("issue_key", KEY, nullable=False),
        sa.Column("at", tables.UtcMs(), nullable=False),
        sa.Column("author", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_issue_activity"),
    )
    op.create_index("ix_issue_activity_issue", "issue_activity", ["project_id", "issue_key", "id"])


def _stats_tables() -> None:
    op.create_table(
        "kind_hours",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("marker_count", sa.Integer(), nullable=False),
        sa.Column("session_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "kind", "hour", name="pk_kind_hours"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "kind_clusters",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("cluster_key", KEY, nullable=False),
        sa.Column("last_observed_at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "kind", "cluster_key", name="pk_kind_clusters"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_kind_clusters_newest", "kind_clusters", ["project_id", "kind", "last_observed_at"])


def _alert_tables() -> None:
    op.create_table(
        "alert_channels",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("signing_key", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alert_channels"),
    )
    op.create_index("ix_alert_channels_project_id", "alert_channels", ["project_id"])
    op.create_table(
        "alert_rules",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("events", tables.Json(), nullable=False),
        sa.Column("quiet_minutes", sa.Integer(), nullable=False),
        sa.Column("digest_minutes", sa.Integer(), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alert_rules"),
    )
    op.create_index("ix_alert_rules_project_id", "alert_rules", ["project_id"])
    _outbox_tables()


def _outbox_tables() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("rule_id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("issue_key", KEY, nullable=False),
        sa.Column("event_key", sa.String(300), nullable=False),
        sa.Column("facts", tables.Json(), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("batch", ID, server_default="", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", tables.UtcMs(), nullable=False),
        sa.Column("lease_until", tables.UtcMs()),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.Column("settled_at", tables.UtcMs()),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    named = {
        "event": ["project_id", "rule_id", "channel_id", "event_key"],
        "due": ["state", "not_before"],
        "told": ["project_id", "rule_id", "issue_key", "event", "created_at"],
        "newest": ["project_id", "id"],
        "batch": ["batch"],
    }
    for name, columns in named.items():
        op.create_index(f"ix_outbox_{name}", "outbox", columns, unique=name == "event")
    op.create_table(
        "deliveries",
        sa.Column("id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("batch", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("at", tables.UtcMs(), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_newest", "deliveries", ["project_id", "id"])
    op.create_index("ix_deliveries_batch", "deliveries", ["batch"])


# What an older version counted only by reading everything.
_FILL = (
    f"""INSERT INTO kind_hours (project_id, kind, hour, marker_count, session_count)
    SELECT project_id, kind, observed_at / {HOUR_MS}, COUNT(*), 0 FROM markers GROUP BY 1, 2, 3""",
    f"""UPDATE kind_hours SET session_count = COALESCE((
        SELECT COUNT(*) FROM (SELECT project_id, kind, session_id, MAX(observed_at) / {HOUR_MS} AS hour
            FROM markers GROUP BY project_id, kind, session_id) newest
        WHERE newest.project_id = kind_hours.project_id AND newest.kind = kind_hours.kind AND newest.hour = kind_hours.hour), 0)""",
    """INSERT INTO kind_clusters (project_id, kind, cluster_key, last_observed_at)
    SELECT project_id, kind, cluster_key, MAX(observed_at) FROM markers GROUP BY 1, 2, 3""",
    """INSERT INTO releases (project_id, release, first_seen_at)
    SELECT project_id, release, MIN(started_at) FROM sessions WHERE release <> '' AND LENGTH(release) <= 200 GROUP BY 1, 2""",
    """INSERT INTO issue_work (project_id, issue_key, fix_in, resolved_at)
    SELECT project_id, key, 'now', state_updated_at FROM issues WHERE state = 'resolved' AND promoted_at IS NOT NULL""",
    *(
        f"""INSERT INTO issue_facets (project_id, cluster_key, facet, value, session_count)
        SELECT seen.project_id, seen.cluster_key, '{facet}', SUBSTR(s.{facet}, 1, 160), COUNT(*)
        FROM issue_sessions seen JOIN sessions s ON s.project_id = seen.project_id AND s.id = seen.session_id
        WHERE seen.counted AND s.{facet} <> '' GROUP BY 1, 2, 4"""
        for facet in ("browser", "os", "device", "release")
    ),
)


def _fill_from_what_is_there() -> None:
    connection = op.get_bind()
    for statement in _FILL:
        connection.execute(sa.text(statement))
    found = connection.execute(sa.text("SELECT project_id, key, user_count, last_seen_at FROM issues")).all()
    set_impact = sa.text("UPDATE issues SET impact = :impact WHERE project_id = :p AND key = :k")
    for project_id, key, people, last_seen_ms in found:
        impact = math.log2(max(1, people)) + last_seen_ms / HALF_LIFE_MS
        connection.execute(set_impact, {"impact": impact, "p": project_id, "k": key})
