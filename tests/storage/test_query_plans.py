"""Hot queries read an index, never a whole table."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from retrospec.domain.clock import utc_now
from retrospec.domain.session import Session, Stage
from retrospec.storage import expiry, issues, markers, nearby, places, recordings, reports, sessions, stats
from retrospec.storage.database import Connection, Database
from tests.servers.choice import on_sqlite_only

pytestmark = on_sqlite_only  # plans are read in SQLite's words

NOW = utc_now()
SESSION = Session(
    id="s", project_id="p", site="", route="", started_at=NOW, duration_ms=0, events_object_key="", created_at=NOW, updated_at=NOW,
    stage=Stage.DONE, visitor_id="v",
)  # fmt: skip
MANY = [("p", "s1"), ("p", "s2"), ("q", "s1")]

HOT: dict[str, Any] = {
    "due sessions": lambda c: sessions.find_due(c, now=NOW, everything=False),
    "one session": lambda c: sessions.find(c, "p", "s"),
    "chunks of a session": lambda c: recordings.of_session(c, "p", "s"),
    "markers of a session": lambda c: markers.of_session(c, "p", "s"),
    "report of a session": lambda c: reports.of_session(c, "p", "s"),
    "artifacts of a session": lambda c: reports.artifacts_of(c, "p", "s"),
    "shown issues": lambda c: issues.list_promoted(c, "p", state=None),
    "sessions of an issue": lambda c: issues.sessions_of(c, "p", "k", limit=30),
    "stats": lambda c: stats.by_kind(c, "p", since=NOW - timedelta(hours=24)),
    "expired sessions": lambda c: expiry.expired_sessions(c, before=NOW, limit=100),
    "what expired sessions own": lambda c: expiry.belongings(c, MANY),
    "bytes of expired sessions": lambda c: expiry.bytes_of(c, MANY),
    "tolls of fields": lambda c: places.tolls(c, "p", [places.Sort.FIELD], since_day=1, limit=9),
    "people of an endpoint": lambda c: places.people_of(c, "p", [places.Sort.CALL], "h", "t", since_day=1),
    "people of a page": lambda c: places.people_of(c, "p", [places.Sort.RAGE], "/", "", since_day=1),
    "clicks of a page": lambda c: places.spots(c, "p", "/", since_day=1, limit=9),
    "what a session left": lambda c: places.withdraw(c, "p", "s"),
    "visits around a session": lambda c: nearby.of_person(c, SESSION),
    "sessions around one of an issue": lambda c: nearby.of_issue(c, "p", ["k"], "s"),
    "queue depths": lambda c: sessions.queue_depths(c, now=NOW),
}


async def plan_of(connection: Connection, asked: list[tuple[str, Any]]) -> list[str]:
    """The steps SQLite takes for all that was asked."""
    steps: list[str] = []
    for statement, parameters in asked:
        found = connection._sync.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        steps += [row[3] for row in found]
    return steps


@pytest.mark.parametrize("name", HOT)
async def test_it_scans_no_table(database: Database, name: str) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    event.listen(database._reader, "before_cursor_execute", note)
    await database.read_once(HOT[name])
    event.remove(database._reader, "before_cursor_execute", note)
    assert asked

    plan = await database.read_once(lambda connection: plan_of(connection, asked))
    # what is called anon is the bounded answer of a question inside
    assert not [step for step in plan if step.startswith("SCAN") and "INDEX" not in step and "anon" not in step], plan


async def test_forgetting_sessions_scans_no_table(database: Database) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith(("SELECT", "DELETE")):
            asked.append((statement, parameters))

    event.listen(database._writer, "before_cursor_execute", note)
    await database.write_soon(lambda connection: expiry.forget_sessions(connection, MANY, now=NOW))
    event.remove(database._writer, "before_cursor_execute", note)
    assert len([statement for statement, _ in asked if statement.startswith("DELETE")]) == len(expiry.of_sessions()) + 1

    plan = await database.write_soon(lambda connection: plan_of(connection, asked))
    assert not [step for step in plan if step.startswith("SCAN")], plan
