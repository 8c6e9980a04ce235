"""The read queries of the pages, as SQLite plans them: by index, without reading or sorting whole tables."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.dialects import sqlite

from retrospec.domain.issue import IssueState
from retrospec.storage import apart, dashboard_issues, dashboard_sessions, pulse, tables
from retrospec.storage.dashboard import Cursor
from retrospec.storage.dashboard_issues import IssueFilter
from retrospec.storage.dashboard_sessions import SessionFilter
from retrospec.storage.migrate import migrate

OF_K = tables.issue_sessions.c.cluster_key == "k"
AFTER = Cursor(datetime(2026, 11, 1, tzinfo=UTC), "x")
LISTED = {"keys": ["a", "b"], "names": ["s", "t"], "states": ["active"]}
OPEN = IssueFilter(states=(IssueState.ACTIVE,))
NEAR = IssueFilter(states=(IssueState.ACTIVE,), near=("a", "b"))
SITE = IssueFilter(states=(IssueState.ACTIVE,), site="shop.example", words=("pay",), keys=("a", "b"), kind="api_error")

QUERIES: dict[str, Any] = {
    "issues": dashboard_issues.issues_query(OPEN, after=None, dialect="sqlite"),
    "older issues": dashboard_issues.issues_query(OPEN, after=AFTER, dialect="sqlite"),
    "issues some sessions showed": dashboard_issues.issues_query(NEAR, after=AFTER, dialect="sqlite"),
    "issues filtered": dashboard_issues.issues_query(SITE, after=AFTER, dialect="sqlite"),
    "trends": dashboard_issues.TRENDS,
    "sessions of an issue": dashboard_issues.issue_sessions_query("p", status="", min_confidence=0, after=None, limit=26).where(OF_K),
    "older, filtered": dashboard_issues.issue_sessions_query("p", status="ready", min_confidence=0.8, after=AFTER, limit=26).where(OF_K),
    "issues of a session": dashboard_issues.ISSUES_OF_SESSION,
    "sessions": dashboard_sessions.sessions_query(SessionFilter(), after=None),
    "older sessions": dashboard_sessions.sessions_query(SessionFilter(), after=AFTER),
    "sessions by status": dashboard_sessions.sessions_query(SessionFilter(status="ready"), after=AFTER),
    "sessions on a route": dashboard_sessions.sessions_query(SessionFilter(route="/a", has_markers=True), after=None),
    "newest confirmed of an issue": apart.FAILED.where(OF_K),
    "what sessions are compared by": apart.SKETCHES,
    "who used what failed": apart.USED,
    "which of them failed": apart.SUSPECT,
    "visits of a day, and the people hit": pulse.PULSE,
    "what came back": pulse.CAME_BACK,
}  # fmt: skip


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("plans") / "plans.db"
    migrate(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


def plan_of(connection: sqlite3.Connection, query: Any) -> list[str]:
    given = {name: LISTED.get(name, 1) for name, value in query.compile(dialect=sqlite.dialect()).params.items() if value is None}
    compiled = query.params(given).compile(dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True})
    values = [1 for _ in range(str(compiled).count("?"))]
    return [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {compiled}", values)]


@pytest.mark.parametrize("name", QUERIES)
def test_no_page_reads_or_sorts_a_whole_table(opened: sqlite3.Connection, name: str) -> None:
    plan = plan_of(opened, QUERIES[name])
    assert plan
    assert [step for step in plan if step.startswith("SCAN") and step != "SCAN CONSTANT ROW" and "VIRTUAL TABLE" not in step] == []  # a list in a parameter
    # sorting rows of one instant by name is bounded; sorting everything is not
    assert [step for step in plan if "TEMP B-TREE FOR ORDER BY" in step] == []


def test_a_page_further_on_starts_inside_the_index(opened: sqlite3.Connection) -> None:
    assert any(
        "ix_issues_shown" in step and "last_seen_at<" in step
        for step in plan_of(opened, QUERIES["older issues"])
    )
    assert any(
        "ix_sessions_newest" in step and "started_at<" in step
        for step in plan_of(opened, QUERIES["older sessions"])
    )
    assert any("ix_sessions_status" in step for step in plan_of(opened, QUERIES["sessions by status"]))


def test_a_query_without_an_index_would_be_noticed(opened: sqlite3.Connection, tmp_path: Path) -> None:
    opened.execute("CREATE TABLE IF NOT EXISTS bare (x, y)")
    steps = [
        str(row[3]) for row in opened.execute("EXPLAIN QUERY PLAN SELECT * FROM bare WHERE x = 1 ORDER BY y")
    ]
    assert any(step.startswith("SCAN") for step in steps)
    assert any("TEMP B-TREE FOR ORDER BY" in step for step in steps)
