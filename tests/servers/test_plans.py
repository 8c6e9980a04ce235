"""Expiry on PostgreSQL reads indexes and deletes by them; nothing scans a table that grows."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from retrospec.bench.seed import seed_sessions
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import Unavailable
from retrospec.storage import expiry
from retrospec.storage.database import Database
from tests.servers.choice import large_rows_url
from tests.storage.test_query_plans import HOT

SEEDED = 300
GROWING = {"sessions", "chunks", "markers", "reports", "artifacts", "issue_sessions", "judged_sessions", "films", "session_assets", "watch_uses"}


@contextmanager
def explained(first_words: tuple[str, ...] = ("SELECT sessions", "DELETE")) -> Iterator[list[dict[str, Any]]]:
    """The plan of every statement that begins so and runs meanwhile, sequential scans made dear as in a large table."""
    seen: list[dict[str, Any]] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith(first_words) and "pg_advisory" not in statement:
            cursor.connection.execute("SET LOCAL enable_seqscan = off")
            cursor.connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            found = cursor.connection.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters).fetchone()
            seen.append({"statement": statement, "plan": found[0][0]["Plan"]})

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", explain)


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for each in plan.get("Plans", []):
        yield from nodes_of(each)


async def test_hot_questions_scan_nothing_that_grows(tmp_path: Path) -> None:
    """The same questions as on SQLite; that none needs a scan is seen by making scans dear."""
    url = large_rows_url(tmp_path)
    await seed_sessions(url, "p", SEEDED, lambda _done: None)
    database, scanned = Database.open(url), []
    async with database.write() as connection:
        await connection.execute(text("ANALYZE"))
    for name, question in HOT.items():
        with explained(("SELECT",)) as plans:
            async with database.write() as connection:
                await question(connection)
        assert plans, name
        scanned += [f"{name}: {node['Relation Name']}" for each in plans for node in nodes_of(each["plan"]) if node["Node Type"] == "Seq Scan" and node["Relation Name"] in GROWING]
    await database.close()
    assert scanned == []


async def test_a_statement_that_takes_too_long_is_ended_by_the_database(tmp_path: Path) -> None:
    database = Database.open(f"{large_rows_url(tmp_path)}&options=-c%20statement_timeout%3D200")
    with pytest.raises(Unavailable, match="statement timeout"):
        async with database.read() as connection:
            await connection.execute(text("SELECT pg_sleep(60)"))
    assert await database.is_up()
    await database.close()


async def test_expiry_finds_and_deletes_by_index(tmp_path: Path) -> None:
    url = large_rows_url(tmp_path)
    await seed_sessions(url, "proj_default", SEEDED, lambda _done: None)
    database = Database.open(url)
    async with database.write() as connection:
        await connection.execute(text("ANALYZE"))
    with explained() as plans:
        async with database.write() as connection:
            named = await expiry.expired_sessions(connection, before=utc_now() + timedelta(days=1), limit=50)
            assert len(named) == 50
            assert await expiry.forget_sessions(connection, named, now=utc_now()) == 50
    await database.close()
    scanned = {
        f"{node['Relation Name']}: {each['statement']}" for each in plans for node in nodes_of(each["plan"])
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in GROWING
    }  # fmt: skip
    assert len(plans) > 8
    assert scanned == set()
    assert any(node.get("Index Name") == "ix_sessions_age" for node in nodes_of(plans[0]["plan"]))
