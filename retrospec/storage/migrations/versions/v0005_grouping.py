"""Issues are sets of clusters; near-duplicates, decisions of people, feedback and what detectors were worth."""

import sqlalchemy as sa
from alembic import op

from retrospec.storage import tables

revision = "0005"
down_revision = "0004"

_TALLY = (
    "kind, title, symptom, session_count, user_count, marker_count, visual_count, confidence, severity, basis, "
    "representative_session_id, representative_confidence, representative_at, first_seen_at, last_seen_at, created_at"
)


def upgrade() -> None:
    op.create_table(
        "cluster_judgements",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("cluster_key", sa.String(length=192), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("confirmed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refuted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("accepted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rejected", sa.Integer(), server_default="0", nullable=False),
        sa.Column("quiet_since", tables.UtcMs(), nullable=True),
        sa.Column("loud_at_judged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("changed_by", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "cluster_key", name=op.f("pk_cluster_judgements")),
    )
    op.create_index(
        "ix_cluster_judgements_quiet", "cluster_judgements", ["project_id", "quiet_since"], unique=False
    )
    op.create_table(
        "cluster_likeness",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("a", sa.String(length=192), nullable=False),
        sa.Column("b", sa.String(length=192), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "a", "b", name=op.f("pk_cluster_likeness")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cluster_likeness_b", "cluster_likeness", ["project_id", "b"], unique=False)
    op.create_table(
        "cluster_links",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("a", sa.String(length=192), nullable=False),
        sa.Column("b", sa.String(length=192), nullable=False),
        sa.Column("rule", sa.String(length=16), nullable=False),
        sa.Column("because", sa.String(length=192), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "a", "b", "rule", "because", name=op.f("pk_cluster_links")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cluster_links_b", "cluster_links", ["project_id", "b"], unique=False)
    op.create_table(
        "cluster_overlaps",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("cluster_key", sa.String(length=192), nullable=False),
        sa.Column("together", sa.String(length=32), nullable=False),
        sa.Column("session_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "cluster_key", "together", name=op.f("pk_cluster_overlaps")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cluster_symptoms",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("cluster_key", sa.String(length=192), nullable=False),
        sa.Column("symptom_key", sa.String(length=192), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("session_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "cluster_key", "symptom_key", name=op.f("pk_cluster_symptoms")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cluster_words",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("a", sa.String(length=192), nullable=False),
        sa.Column("b", sa.String(length=192), nullable=False),
        sa.Column("decision_id", sa.String(length=128), nullable=False),
        sa.Column("together", sa.Boolean(), nullable=False),
        sa.Column("decided_at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "a", "b", "decision_id", name=op.f("pk_cluster_words")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cluster_words_b", "cluster_words", ["project_id", "b"], unique=False)
    op.create_index("ix_cluster_words_decision", "cluster_words", ["project_id", "decision_id"], unique=False)
    op.create_table(
        "clusters",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("key", sa.String(length=192), nullable=False),
        sa.Column("issue_key", sa.String(length=192), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("symptom", sa.Text(), nullable=False),
        sa.Column("session_count", sa.Integer(), nullable=False),
        sa.Column("user_count", sa.Integer(), nullable=False),
        sa.Column("marker_count", sa.Integer(), nullable=False),
        sa.Column("visual_count", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("basis", sa.String(length=16), nullable=False),
        sa.Column("representative_session_id", sa.String(length=128), nullable=False),
        sa.Column("representative_confidence", sa.Float(), nullable=False),
        sa.Column("representative_at", tables.UtcMs(), nullable=False),
        sa.Column("first_seen_at", tables.UtcMs(), nullable=False),
        sa.Column("last_seen_at", tables.UtcMs(), nullable=False),
        sa.Column("created_at", tables.UtcMs(), nullable=False),
        sa.Column("parts", tables.Json(), server_default="[]", nullable=False),
        sa.Column("ignored", tables.Json(), server_default="[]", nullable=False),
        sa.Column("own_rule", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "key", name=op.f("pk_clusters")),
    )
    op.create_index("ix_clusters_issue", "clusters", ["project_id", "issue_key", "created_at"], unique=False)
    op.create_table(
        "detector_days",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("detector", sa.String(length=32), nullable=False),
        sa.Column("detected", sa.Integer(), nullable=False),
        sa.Column("discarded", sa.Integer(), nullable=False),
        sa.Column("refuted", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "day", "detector", name=op.f("pk_detector_days")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "feedback",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("cluster_key", sa.String(length=192), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("author", sa.String(length=128), nullable=False),
        sa.Column("is_real", sa.Boolean(), nullable=False),
        sa.Column("said_at", tables.UtcMs(), nullable=False),
        sa.PrimaryKeyConstraint(
            "project_id", "cluster_key", "session_id", "author", name=op.f("pk_feedback")
        ),
    )
    op.create_table(
        "fingerprint_tokens",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=192), nullable=False),
        sa.Column("detail", sa.String(length=192), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "token", "key", "detail", name=op.f("pk_fingerprint_tokens")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_fingerprint_tokens_key", "fingerprint_tokens", ["project_id", "key"], unique=False)
    op.create_table(
        "folded_issues",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("key", sa.String(length=192), nullable=False),
        sa.Column("row", tables.Json(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "key", name=op.f("pk_folded_issues")),
    )
    op.create_table(
        "issue_decisions",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("decided_at", tables.UtcMs(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("issue_key", sa.String(length=192), nullable=False),
        sa.Column("other_key", sa.String(length=192), server_default="", nullable=False),
        sa.Column("session_id", sa.String(length=128), server_default="", nullable=False),
        sa.Column("before", tables.Json(), server_default="[]", nullable=False),
        sa.Column("undone_at", tables.UtcMs(), nullable=True),
        sa.Column("undone_by", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("pk_issue_decisions")),
    )
    op.create_index(
        "ix_issue_decisions_issue", "issue_decisions", ["project_id", "issue_key", "decided_at"], unique=False
    )
    op.create_index(
        "ix_issue_decisions_other", "issue_decisions", ["project_id", "other_key", "decided_at"], unique=False
    )
    op.create_table(
        "judged_sessions",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("tallies", tables.Json(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id", name=op.f("pk_judged_sessions")),
    )
    op.create_table(
        "session_moves",
        sa.Column("project_id", sa.String(length=128), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("from_cluster", sa.String(length=192), nullable=False),
        sa.Column("to_cluster", sa.String(length=192), nullable=False),
        sa.Column("person_key", sa.String(length=192), nullable=False),
        sa.Column("person_leaves", sa.Boolean(), nullable=False),
        sa.Column("decision_id", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "session_id", "from_cluster", name=op.f("pk_session_moves")),
    )
    op.create_index("ix_session_moves_from", "session_moves", ["project_id", "from_cluster"], unique=False)
    op.create_index("ix_session_moves_to", "session_moves", ["project_id", "to_cluster"], unique=False)
    op.add_column(
        "issues", sa.Column("representative_confidence", sa.Float(), server_default="0", nullable=False)
    )
    op.add_column(
        "issues",
        sa.Column("representative_at", tables.UtcMs(), server_default="0", nullable=False),
    )
    op.execute("UPDATE issues SET representative_confidence = confidence, representative_at = last_seen_at")
    op.execute(
        f"INSERT INTO clusters (project_id, key, issue_key, {_TALLY}) SELECT project_id, key, key, {_TALLY} FROM issues"
    )
