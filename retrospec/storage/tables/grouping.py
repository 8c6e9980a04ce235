"""Grouping (docs/adr/0030): an issue is a set of clusters; what people decided, what was judged."""

from sqlalchemy import Boolean, Column, Float, Index, Integer, String, Table, Text

from retrospec.storage.tables.base import ID, KEY, Json, UtcMs, metadata

clusters = Table(
    "clusters",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("key", KEY, primary_key=True),
    Column("issue_key", KEY, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("title", Text, nullable=False),
    Column("symptom", Text, nullable=False),
    Column("session_count", Integer, nullable=False),
    Column("user_count", Integer, nullable=False),
    Column("marker_count", Integer, nullable=False),
    Column("visual_count", Integer, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("basis", String(16), nullable=False),
    Column("representative_session_id", ID, nullable=False),
    Column("representative_confidence", Float, nullable=False),
    Column("representative_at", UtcMs, nullable=False),
    Column("first_seen_at", UtcMs, nullable=False),
    Column("last_seen_at", UtcMs, nullable=False),
    Column("created_at", UtcMs, nullable=False),
    Column("parts", Json, nullable=False, server_default="[]"),
    Column("ignored", Json, nullable=False, server_default="[]"),
    Column("own_rule", Text, nullable=False, server_default=""),
    Column("impact", Float, nullable=False, server_default="0"),
    Index("ix_clusters_issue", "project_id", "issue_key", "created_at"),
)

cluster_links = Table(
    "cluster_links",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("a", KEY, primary_key=True),
    Column("b", KEY, primary_key=True),
    Column("rule", String(16), primary_key=True),
    Column("because", KEY, primary_key=True),
    Index("ix_cluster_links_b", "project_id", "b"),
    sqlite_with_rowid=False,
)

cluster_words = Table(
    "cluster_words",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("a", KEY, primary_key=True),
    Column("b", KEY, primary_key=True),
    Column("decision_id", ID, primary_key=True),
    Column("together", Boolean, nullable=False),
    Column("decided_at", UtcMs, nullable=False),
    Index("ix_cluster_words_b", "project_id", "b"),
    Index("ix_cluster_words_decision", "project_id", "decision_id"),
    sqlite_with_rowid=False,
)

cluster_likeness = Table(
    "cluster_likeness",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("a", KEY, primary_key=True),
    Column("b", KEY, primary_key=True),
    Column("score", Float, nullable=False),
    Index("ix_cluster_likeness_b", "project_id", "b"),
    sqlite_with_rowid=False,
)

cluster_symptoms = Table(
    "cluster_symptoms",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("cluster_key", KEY, primary_key=True),
    Column("symptom_key", KEY, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("title", Text, nullable=False),
    Column("session_count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

cluster_overlaps = Table(
    "cluster_overlaps",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("cluster_key", KEY, primary_key=True),
    Column("together", String(32), primary_key=True),
    Column("session_count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

fingerprint_tokens = Table(
    "fingerprint_tokens",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("token", String(32), primary_key=True),
    Column("key", KEY, primary_key=True),
    Column("detail", KEY, primary_key=True),
    Index("ix_fingerprint_tokens_key", "project_id", "key"),
    sqlite_with_rowid=False,
)

issue_decisions = Table(
    "issue_decisions",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("id", ID, primary_key=True),
    Column("decided_at", UtcMs, nullable=False),
    Column("author", Text, nullable=False),
    Column("action", String(16), nullable=False),
    Column("issue_key", KEY, nullable=False),
    Column("other_key", KEY, nullable=False, server_default=""),
    Column("session_id", ID, nullable=False, server_default=""),
    Column("before", Json, nullable=False, server_default="[]"),
    Column("undone_at", UtcMs),
    Column("undone_by", Text, nullable=False, server_default=""),
    Index("ix_issue_decisions_issue", "project_id", "issue_key", "decided_at"),
    Index("ix_issue_decisions_other", "project_id", "other_key", "decided_at"),
)

folded_issues = Table(
    "folded_issues",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("key", KEY, primary_key=True),
    Column("row", Json, nullable=False),
)

session_moves = Table(
    "session_moves",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("session_id", ID, primary_key=True),
    Column("from_cluster", KEY, primary_key=True),
    Column("to_cluster", KEY, nullable=False),
    Column("person_key", KEY, nullable=False),
    Column("person_leaves", Boolean, nullable=False),
    Column("decision_id", ID, nullable=False),
    Index("ix_session_moves_from", "project_id", "from_cluster"),
    Index("ix_session_moves_to", "project_id", "to_cluster"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("cluster_key", KEY, primary_key=True),
    Column("session_id", ID, primary_key=True),
    Column("author", ID, primary_key=True),
    Column("is_real", Boolean, nullable=False),
    Column("said_at", UtcMs, nullable=False),
)

cluster_judgements = Table(
    "cluster_judgements",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("cluster_key", KEY, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("title", Text, nullable=False),
    Column("confirmed", Integer, nullable=False, server_default="0"),
    Column("refuted", Integer, nullable=False, server_default="0"),
    Column("accepted", Integer, nullable=False, server_default="0"),
    Column("rejected", Integer, nullable=False, server_default="0"),
    Column("quiet_since", UtcMs),
    Column("loud_at_judged", Integer, nullable=False, server_default="0"),
    Column("changed_by", Text, nullable=False, server_default=""),
    Index("ix_cluster_judgements_quiet", "project_id", "quiet_since"),
)

judged_sessions = Table(
    "judged_sessions",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("session_id", ID, primary_key=True),
    Column("day", Integer, nullable=False),
    Column("tallies", Json, nullable=False),
)

detector_days = Table(
    "detector_days",
    metadata,
    Column("project_id", ID, primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("detector", String(32), primary_key=True),
    Column("detected", Integer, nullable=False),
    Column("discarded", Integer, nullable=False),
    Column("refuted", Integer, nullable=False),
    Column("confirmed", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    sqlite_with_rowid=False,
)
