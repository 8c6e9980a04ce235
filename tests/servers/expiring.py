"""``python -m tests.servers.expiring``: how long expiry takes on PostgreSQL, and what it touches, with many sessions that stay.

As many sessions expire as are named, twice as many stay; each has a chunk, two markers, an artifact, a report, its words and
its place in an issue. Prints the plan of finding a batch, and what the deletes cost a session.
"""

import argparse
import asyncio
import json
import sys
import time
from typing import Any

import psycopg

from retrospec.domain.clock import utc_now
from retrospec.retention.expiry import clean_up
from retrospec.storage.blobs import Blobs
from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate
from tests.servers.programs import postgres, s3

DAY_MS = 86_400_000
NUMBERED = "FROM generate_series(1, %(count)s) AS i"
AT = f"%(now)s - (CASE WHEN i %% 3 = 0 THEN 10 ELSE 2 END) * {DAY_MS}::bigint - i"
"""Every third is past seven days."""
ROWS = (
    "INSERT INTO sessions (project_id, id, site, route, started_at, duration_ms, events_object_key, created_at, updated_at, marker_count, event_count,"
    f" report_status, stage, not_before) SELECT 'proj_default', 's' || i, 'shop', '/pay', {AT}, 60000, '', {AT}, {AT}, 2, 400, 'ready', 'done', 0 {NUMBERED}",
    "INSERT INTO chunks (project_id, session_id, tab_id, seq, object_key, sha256, size_bytes, inflated_bytes, event_count, first_ms, last_ms, created_at)"
    f" SELECT 'proj_default', 's' || i, 't', 0, 'session-events/proj_default/2026/01/01/shop/s' || i || '.json', 'x', 20000, 200000, 400, 1, 2, {AT} {NUMBERED}",
    "INSERT INTO markers (project_id, session_id, id, kind, label, cluster_key, replay_offset_ms, observed_at)"
    f" SELECT 'proj_default', 's' || i, 'm' || j, 'js_exception', 'TypeError', 'k' || i %% 500, 4000, {AT} {NUMBERED}, generate_series(1, 2) AS j",
    "INSERT INTO artifacts (project_id, session_id, id, artifact_type, artifact_key, trigger_kind, status, content_type, size_bytes, generated_at, created_at, updated_at)"
    f" SELECT 'proj_default', 's' || i, 'a', 'analysis_json', 'artifacts/proj_default/2026/01/01/s' || i || '/a.json', 'x', 'ready', 'x', 900, 1, {AT}, 1 {NUMBERED}",
    "INSERT INTO reports (project_id, session_id, id, status, symptom, technical_root_cause, suggested_fix, text_summary, visual_summary, confidence, basis, reason,"
    f" card, generated_at, created_at, updated_at) SELECT 'proj_default', 's' || i, 'r', 'ready', 'x', 'x', 'x', repeat('x', 200), '', 0.9, 'text', '', '{{}}', 1, 1, 1 {NUMBERED}",
    "INSERT INTO issue_sessions (project_id, cluster_key, session_id, marker_count, first_observed_at, last_observed_at, counted)"
    f" SELECT 'proj_default', 'k' || i %% 500, 's' || i, 2, 1, 1, true {NUMBERED}",
    "INSERT INTO session_words (id, project_id, session_id, marks, person, place, tags, release, environment, agent, kinds, clicked, saw, errors, told)"
    f" SELECT i, 'proj_default', 's' || i, 'm', '', 'pay', '', '', '', 'chrome', 'js', 'pay now', 'out of stock ' || i %% 900, 'typeerror', 'x' {NUMBERED}",
)


def filled(url: str, count: int) -> None:
    """Three times ``count`` sessions, of which a third is past its time."""
    migrate(url)
    given = {"count": 3 * count, "now": int(time.time() * 1000)}
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in ROWS:
            connection.execute(statement, given)  # type: ignore[arg-type]
        connection.execute("ANALYZE")


def plan_of_finding(url: str) -> dict[str, Any]:
    """What PostgreSQL really does to find the next hundred."""
    query = (
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT project_id, id FROM sessions WHERE created_at < %s AND pinned IS false ORDER BY created_at LIMIT 100"
    )
    with psycopg.connect(url) as connection:
        found = connection.execute(query, (int(time.time() * 1000) - 7 * DAY_MS,)).fetchone()
    assert found is not None
    plan = found[0][0]
    inner = plan["Plan"]["Plans"][0]
    return {"node": inner["Node Type"], "index": inner.get("Index Name", ""), "ms": plan["Execution Time"], "pages": plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]}


def activity(url: str) -> dict[str, int]:
    """Scans of the growing tables so far, and the sizes."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT sum(seq_scan), sum(seq_tup_read), sum(idx_scan), sum(n_tup_del) FROM pg_stat_user_tables WHERE relname IN"
            " ('sessions', 'chunks', 'markers', 'artifacts', 'reports', 'issue_sessions', 'session_words')"
        ).fetchone()
    assert row is not None
    return dict(zip(("sequential scans", "rows read by them", "index scans", "rows deleted"), map(int, row), strict=True))


async def expire(url: str, blobs: Blobs) -> dict[str, float]:
    """One clean-up; the longest that another writer waited meanwhile."""
    database, waits, is_over = Database.open(url), [0.0], asyncio.Event()

    async def write_meanwhile() -> None:
        other = Database.open(url)
        while not is_over.is_set():
            began = time.perf_counter()
            async with other.write() as connection:
                await connection.exec_driver_sql("SELECT 1")
            waits.append(time.perf_counter() - began)
            await asyncio.sleep(0.05)
        await other.close()

    writing = asyncio.create_task(write_meanwhile())
    began = time.perf_counter()
    cleaned = await clean_up(database, blobs, days=7, now=utc_now())
    seconds = time.perf_counter() - began
    is_over.set()
    await writing
    await database.close()
    waits.sort()
    return {
        "sessions": cleaned.sessions, "objects": cleaned.events + cleaned.artifacts, "failed": cleaned.failed_events + cleaned.failed_artifacts, "seconds": round(seconds, 1),
        "ms a session": round(1000 * seconds / max(1, cleaned.sessions), 2), "another writer waits, median ms": round(1000 * waits[len(waits) // 2], 1),
        "another writer waits, 99th ms": round(1000 * waits[int(len(waits) * 0.99)], 1),
    }  # fmt: skip


def main() -> int:
    """1 when something that was past its time stayed."""
    asking = argparse.ArgumentParser(prog="python -m tests.servers.expiring", description=__doc__)
    asking.add_argument("--sessions", type=int, default=100_000)
    count = asking.parse_args().sessions
    url = postgres().new_database()
    filled(url, count)
    found, before = plan_of_finding(url), activity(url)
    done = asyncio.run(expire(url, Blobs.open(s3().new_store())))
    after = activity(url)
    said = {"finding a batch": found, "expiry": done, "all of it": {name: after[name] - before[name] for name in after}}
    sys.stdout.write(json.dumps(said, indent=2) + "\n")
    return int(done["sessions"] != count)


if __name__ == "__main__":
    sys.exit(main())
