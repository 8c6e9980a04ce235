"""Server time of an issue's page over a million markers: its queries and its markup, without the socket."""

import asyncio
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, TextIO

import msgspec

from retrospec.domain.account import Role, User
from retrospec.domain.clock import to_epoch_ms, utc_now
from retrospec.domain.settings import Settings
from retrospec.storage.database import Database
from retrospec.storage.migrate import migrate
from retrospec.storage.projects import Project
from retrospec.web.pages import charts, issue
from retrospec.web.pages.rendering import Frame, render

PROJECT = "bench"
KEY = "js_exception:bench00"
CLUSTERS = 40
ASKED_MS = 30.0
ROUNDS = 41
"""The first is left out: it loads templates."""

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < @last) "
_KEY_OF = "'js_exception:bench' || printf('%02d', i % 40)"
_FILL = (
    "INSERT INTO sessions (project_id, id, site, route, started_at, duration_ms, events_object_key, created_at, updated_at, "
    f"stage, not_before, report_status) {_NUMBERS} SELECT 'bench', 's' || i, 'shop.example', '/pay', @now - i * 500, 60000, '', "
    "@now - i * 500, @now, 'done', 0, 'ready' FROM n",
    "INSERT INTO markers (project_id, session_id, id, kind, label, cluster_key, replay_offset_ms, observed_at) "
    f"{_NUMBERS} SELECT 'bench', 's' || i, 'm', 'js_exception', 'TypeError', {_KEY_OF}, 5, @now - i * 500 FROM n",
    "INSERT INTO issue_sessions (project_id, cluster_key, session_id, marker_count, first_observed_at, last_observed_at, counted) "
    f"{_NUMBERS} SELECT 'bench', {_KEY_OF}, 's' || i, 1, @now - i * 500, @now - i * 500, 1 FROM n",
    "INSERT INTO issue_hours (project_id, cluster_key, hour, session_count, marker_count) "
    f"{_NUMBERS} SELECT 'bench', {_KEY_OF}, (@now - i * 500) / 3600000, count(*), count(*) FROM n GROUP BY 2, 3",
    "INSERT INTO issue_people (project_id, cluster_key, person_key, last_seen_at) "
    f"{_NUMBERS} SELECT 'bench', {_KEY_OF}, 'v:' || i, @now FROM n",
    "INSERT INTO reports (project_id, session_id, id, status, symptom, technical_root_cause, suggested_fix, text_summary, visual_summary, "
    f"confidence, basis, reason, card, generated_at, created_at, updated_at) {_NUMBERS} SELECT 'bench', 's' || i, 'r' || i, 'ready', "
    "'Paying fails', 'pay() reads a missing field', 'cart.js', 'The visitor presses Pay and nothing comes.', '', 0.9, 'text', '', '{}', "
    "@now, @now, @now FROM n",
    "INSERT INTO issue_facets (project_id, cluster_key, facet, value, session_count) SELECT 'bench', of.cluster_key, facet.value, named.value, 900 "
    "FROM (SELECT DISTINCT cluster_key FROM issue_sessions) AS of, json_each('[\"browser\",\"os\",\"device\",\"route\",\"release\",\"tag:plan\"]') AS facet, "
    "json_each('[\"one\",\"two\",\"three\",\"four\",\"five\",\"six\",\"seven\"]') AS named",
    "INSERT INTO issue_activity (id, project_id, issue_key, at, author, kind, detail) WITH RECURSIVE n(i) AS "
    "(SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 60) SELECT 'act' || i, 'bench', 'js_exception:bench00', @now, 'Ada', 'comment', 'Seen again' FROM n",
)
_TALLY = (
    "kind, title, symptom, session_count, user_count, marker_count, visual_count, confidence, severity, basis, "
    "representative_session_id, representative_confidence, representative_at, first_seen_at, last_seen_at, created_at"
)
_ONE_EACH = (
    "SELECT 'bench', cluster_key, {} 'js_exception', 'TypeError', 'Paying fails', count(*), count(*), count(*), 0, 0.9, 'high', "
    "'text', min(session_id), 0.9, @now, min(first_observed_at), max(last_observed_at), @now {} FROM issue_sessions GROUP BY cluster_key"
)


class Spent(msgspec.Struct, frozen=True):
    """Milliseconds of making the page once."""

    wall: float
    cpu: float
    """Of all the process's threads: what stays of ``wall`` when nothing else runs on the machine."""


def run_issue_page(markers: int = 1_000_000, out: TextIO = sys.stdout) -> list[Spent]:
    """What each making of the page took; prints medians and 95th percentiles. Seeds a temporary SQLite: a minute a million."""
    with TemporaryDirectory(prefix="retrospec-page-") as folder:
        url = f"sqlite:///{Path(folder, 'retrospec.db')}"
        migrate(url)
        spent = asyncio.run(_rounds(url, markers))
    wall, cpu = _told([one.wall for one in spent]), _told([one.cpu for one in spent])
    print(f"issue page at {markers:,} markers: {wall}; CPU {cpu} (asked: < {ASKED_MS:g} ms)", file=out)
    return spent


def _told(spent: list[float]) -> str:
    p95 = sorted(spent)[int(0.95 * len(spent))]
    return f"median {median(spent):.1f} ms, p95 {p95:.1f} ms, least {min(spent):.1f} ms"


async def _fill(database: Database, markers: int) -> None:
    clusters = f"INSERT INTO clusters (project_id, key, issue_key, {_TALLY}) " + _ONE_EACH.format(
        "cluster_key,", ""
    )
    shown = f"INSERT INTO issues (project_id, key, {_TALLY}, state, promoted_at) " + _ONE_EACH.format(
        "", ", 'active', @now"
    )
    async with database.write() as connection:
        for statement in (*_FILL, clusters, shown, "ANALYZE"):
            await connection.exec_driver_sql(
                statement.replace("@last", str(markers - 1)).replace("@now", str(to_epoch_ms(utc_now())))
            )


def time_page(url: str, project_id: str, key: str) -> list[Spent]:
    """What each making of the page of an issue that is there took."""

    async def rounds() -> list[Spent]:
        database = Database.open(url)
        try:
            return [await _spent(database, project_id, key) for _ in range(ROUNDS)][1:]
        finally:
            await database.close()

    return asyncio.run(rounds())


async def _rounds(url: str, markers: int) -> list[Spent]:
    database = Database.open(url)
    try:
        await _fill(database, markers)
        return [await _spent(database, PROJECT, KEY) for _ in range(ROUNDS)][1:]
    finally:
        await database.close()


async def _spent(database: Database, project_id: str, key: str) -> Spent:
    state = SimpleNamespace(database=database, settings=Settings())
    path = f"/p/{project_id}/issues/{key}"
    request: Any = SimpleNamespace(
        app=SimpleNamespace(state=state), query_params={}, url=SimpleNamespace(path=path, query="", scheme="https", netloc="bench.example")
    )
    now = utc_now()
    who = User(id="u", email="a@b.example", name="Ada", is_admin=True, created_at=now)
    project = Project(project_id, project_id, now)
    frame = Frame(
        path=path,
        theme="light",
        form_token="t",
        user=who,
        project=project,
        role=Role.ADMIN,
        projects=[project],
        section="issues",
    )
    began, cpu = time.perf_counter(), time.process_time()
    asked = issue.Asked(span=charts.span_named("7d"), status="", min_confidence=0.0, after=None, facet=None)
    page = await database.read_once(partial(issue.compose, request=request, project_id=project_id, key=key, asked=asked))
    assert isinstance(page, issue.IssuePage)
    render("issue.html", frame, page, live_url=path, alone=False)
    return Spent((time.perf_counter() - began) * 1_000, (time.process_time() - cpu) * 1_000)
