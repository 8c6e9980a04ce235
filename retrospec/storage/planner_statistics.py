"""What SQLite's planner is told of our tables: one picture of a large installation, the same everywhere (docs/adr/0048).

SQLite gathers no statistics by itself, and without any it takes all indexes of a table for equally good: it read a project's
100,000 newest sessions to find one visitor's two. ``ANALYZE`` would mend that, and could also change a plan on some night.
"""

from collections.abc import Iterable, Mapping
from math import ceil

from sqlalchemy import Connection, Engine

SMALL = 100
"""Rows of a table that is not named below: as many as there are people, keys or rules."""
ROWS = {
    "sessions": 100_000, "reports": 100_000, "chunks": 1_000_000, "artifacts": 200_000, "markers": 1_000_000, "session_words": 100_000,
    "judged_sessions": 100_000, "expired_sessions": 100_000, "films": 10_000, "watch_uses": 10_000, "session_moves": 1_000,
    "assets": 10_000, "session_assets": 1_000_000, "place_marks": 1_000_000, "place_days": 100_000,
    "clusters": 10_000, "cluster_judgements": 10_000, "cluster_likeness": 10_000, "cluster_links": 10_000, "cluster_overlaps": 10_000,
    "cluster_symptoms": 50_000, "cluster_words": 1_000, "fingerprint_tokens": 100_000, "kind_clusters": 10_000,
    "issues": 10_000, "issue_sessions": 1_000_000, "issue_people": 1_000_000, "issue_hours": 1_000_000, "issue_facets": 200_000,
    "issue_strips": 10_000, "issue_work": 10_000, "issue_activity": 50_000, "issue_decisions": 1_000, "feedback": 1_000,
    "kind_hours": 1_000, "detector_days": 1_000, "health_samples": 10_000, "audit_entries": 100_000, "outbox": 100_000, "deliveries": 100_000,
    "source_maps": 10_000, "logins": 1_000, "key_usage": 1_000, "folded_issues": 1_000,
}  # fmt: skip
"""Only how they compare matters."""
VALUES = {
    "project_id": 10, "id": 1_000_000, "session_id": 100_000, "visitor_id": 50_000, "user_id": 1_000, "person_key": 50_000,
    "cluster_key": 10_000, "issue_key": 10_000, "other_key": 10_000, "key": 10_000, "from_cluster": 1_000, "to_cluster": 1_000, "a": 10_000, "b": 10_000,
    "stage": 100, "report_status": 3, "state": 5, "status": 100, "kind": 4, "sort": 5, "promoted_at": 2,
    "route": 160, "site": 3, "release": 100, "facet": 10, "value": 20, "place": 500, "thing": 500, "detector": 15, "event": 5,
    "hour": 1_000, "day": 30, "impact": 1_000, "user_count": 1_000, "token": 50_000, "together": 2, "symptom_key": 5,
    "rule_id": 10, "channel_id": 10, "decision_id": 500, "sha256": 10_000, "debug_id": 10_000, "url_key": 10_000, "watch": 100, "batch": 50_000,
}  # fmt: skip
"""How many values a column takes. What stands for waiting work (``stage``, ``status``) is said to be rarer than it is: the rest, which is done, is never asked for."""
MANY = 1_000_000
"""Values of a column that is not named: moments, numbers and names of one thing."""


def numbers_of(table: str, columns: Iterable[str], *, is_unique: bool) -> str:
    """A row of ``sqlite_stat1``: the rows of the table, then how many share the first column, the first two, and so on."""
    rows = ROWS.get(table, SMALL)
    alike, numbers = float(rows), [rows]
    for column in columns:
        alike = alike / min(VALUES.get(column, MANY), rows)
        numbers.append(max(1, ceil(alike)))
    if is_unique:
        numbers[-1] = 1
    return " ".join(map(str, numbers))


def tell_planner(engine: Engine) -> bool:
    """Write the statistics unless they stand there already; True when they were written. SQLite only."""
    with engine.begin() as connection:
        wanted, found = _wanted(connection), _found(connection)
        if wanted == found:
            return False
        connection.exec_driver_sql("ANALYZE sqlite_schema")  # makes the table where it is missing, and looks at nothing
        connection.exec_driver_sql("DELETE FROM sqlite_stat1")
        rows = [(table, index, numbers) for (table, index), numbers in wanted.items()]
        connection.exec_driver_sql("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", rows)
        connection.exec_driver_sql("ANALYZE sqlite_schema")
        return True


def _wanted(connection: Connection) -> Mapping[tuple[str, str], str]:
    listed = connection.exec_driver_sql(
        "SELECT tables.name, indexes.name, indexes.origin, indexes.\"unique\", tables.sql LIKE '%WITHOUT ROWID%', columns.name"
        " FROM sqlite_schema AS tables, pragma_index_list(tables.name) AS indexes, pragma_index_info(indexes.name) AS columns"
        " WHERE tables.type = 'table' AND tables.name NOT LIKE 'session_found%' AND tables.name NOT LIKE 'sqlite_%'"
        " ORDER BY tables.name, indexes.name, columns.seqno"
    )
    columns: dict[tuple[str, str, bool], list[str]] = {}
    for table, index, origin, is_unique, has_no_rowid, column in listed:
        name = table if origin == "pk" and has_no_rowid else index  # as ANALYZE itself calls it
        columns.setdefault((table, name, bool(is_unique)), []).append(column)
    return {(table, name): numbers_of(table, found, is_unique=is_unique) for (table, name, is_unique), found in columns.items()}


def _found(connection: Connection) -> Mapping[tuple[str, str], str]:
    if not connection.exec_driver_sql("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'").first():
        return {}
    return {(table, index): numbers for table, index, numbers in connection.exec_driver_sql("SELECT tbl, idx, stat FROM sqlite_stat1")}
