"""SQLite's planner knows a large installation from the first start on, and knows every index."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from retrospec.domain.clock import utc_now
from retrospec.domain.session import Session, Stage
from retrospec.storage import nearby, queue
from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate
from retrospec.storage.planner_statistics import ROWS, VALUES, numbers_of, tell_planner
from retrospec.storage.statements import watched
from retrospec.storage.tables import metadata
from tests.servers.choice import on_sqlite_only

pytestmark = on_sqlite_only

NOW = utc_now()
SESSION = Session(
    id="s", project_id="p", site="", route="", started_at=NOW, duration_ms=0, events_object_key="", created_at=NOW, updated_at=NOW,
    stage=Stage.DONE, visitor_id="v",
)  # fmt: skip


def test_numbers_say_how_many_rows_are_alike() -> None:
    assert numbers_of("sessions", ["project_id", "visitor_id", "started_at"], is_unique=False) == "100000 10000 1 1"
    assert numbers_of("sessions", ["stage"], is_unique=False) == "100000 1000"
    assert numbers_of("alert_rules", ["project_id"], is_unique=False) == "100 10"
    assert numbers_of("issue_sessions", ["project_id", "cluster_key", "session_id"], is_unique=True) == "1000000 100000 10 1"


def test_only_tables_and_columns_that_exist_are_described() -> None:
    assert set(ROWS) <= set(metadata.tables)
    assert set(VALUES) <= {column.name for table in metadata.tables.values() for column in table.columns}


def test_every_index_is_told_of_once_and_a_later_start_writes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    migrate(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        told = {row[0] for row in connection.exec_driver_sql("SELECT idx FROM sqlite_stat1")}
        made = {row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE 'ix_%'")}
    assert len(made) > 40 and made <= told
    assert "issue_hours" in told, "a table without rowids is known by its own name"
    assert not tell_planner(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sqlite_stat1 SET stat = '1 1 1' WHERE idx = 'ix_sessions_visitor'")
    assert tell_planner(engine) and not tell_planner(engine)
    engine.dispose()


CHOSEN: dict[str, tuple[Any, str]] = {
    "visits of one person": (lambda c: nearby.of_person(c, SESSION), "ix_sessions_visitor"),
    "dead letters": (lambda c: queue.dead_letters(c, project_id="p", limit=5), "ix_sessions_due"),
    "waiting": (lambda c: queue.backlog(c, now=NOW + timedelta(hours=1)), "ix_sessions_due"),
}


@pytest.mark.parametrize("name", CHOSEN)
async def test_the_narrowest_index_is_taken_though_no_row_is_there_yet(database: Database, name: str) -> None:
    ask, index = CHOSEN[name]
    with watched(database) as seen:
        await database.read_once(ask)
    assert seen
    with database._reader.connect() as connection:
        for one in seen:
            plan = [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one.text}", one.values)]
            assert any(index in step for step in plan), plan
