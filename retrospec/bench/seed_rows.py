"""A large installation as rows, written by SQL inside SQLite or PostgreSQL: what the pages are measured over.

Shapes as life has them: few failures are common and most are rare, sessions come in over weeks, a tenth of them is being
judged or was discarded, and every judged one has its document to be searched by.
"""

import asyncio
from collections.abc import Callable

from retrospec.domain.clock import to_epoch_ms, utc_now
from retrospec.domain.search import project_mark
from retrospec.storage.database import Connection, Database
from retrospec.storage.migrate import migrate
from retrospec.storage.statements import vacuum

PROJECT = "proj_default"
SPAN_DAYS = 14
Note = Callable[[str, int, int], None]

_N = "WITH RECURSIVE n(i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < @last) "
_KIND = "(CASE {0} % 4 WHEN 0 THEN 'js_exception' WHEN 1 THEN 'api_error' WHEN 2 THEN 'validation_failed' ELSE 'ui_no_effect' END)"
_NUMBER = "CAST(substr(id, 2) AS BIGINT)"
_ANY = f"(({_NUMBER} * {{0}} + j * {{1}}) * 48271 % 2147483647 % @issues)"
"""Much like chance, and the same each time."""
_AT = "(@now - (i * 2654435761 % @sessions) * @step)"
_ONE_OF = "(CASE {0} % 4 WHEN 0 THEN '{1}' WHEN 1 THEN '{2}' WHEN 2 THEN '{3}' ELSE '{4}' END)"
_BROWSER = _ONE_OF.format("i", "Chrome 141", "Safari 18", "Firefox 144", "Edge 141")
_OS = _ONE_OF.format("i", "Windows", "iOS 18", "Linux", "Android 16")
_ROUTE = "'/' || " + _ONE_OF.format("i / 7", "checkout", "basket", "search", "product") + " || '/' || (i % 40)"
_STATUS = "(CASE WHEN i % 50 = 0 THEN 'pending' WHEN i % 3 = 0 THEN 'discarded' ELSE 'ready' END)"
_TALLY = (
    "kind, title, symptom, session_count, user_count, marker_count, visual_count, confidence, severity, basis, representative_session_id, "
    "representative_confidence, representative_at, first_seen_at, last_seen_at, created_at, impact"
)
_TALLIED = (
    f"{_KIND.format('CAST(substr(cluster_key, 6) AS BIGINT)')}, 'TypeError: part ' || cluster_key || ' is undefined', "
    "'Paying by card ' || cluster_key || ' ends with an error', count(*), count(*), sum(marker_count), 0, 0.9, 'high', 'text', min(session_id), "
    "0.9, @now, min(first_observed_at), max(last_observed_at), min(first_observed_at), 20 + count(*) / 100.0"
)


def _listed(*values: str) -> str:
    return " UNION ALL ".join(f"SELECT '{value}' AS value" for value in values)


STEPS: tuple[tuple[str, str], ...] = (
    (
        "sessions",
        "INSERT INTO sessions (project_id, id, site, route, started_at, duration_ms, events_object_key, created_at, updated_at, visitor_id, user_id, "
        f"release, environment, browser, os, device, tags, marker_count, stage, not_before, report_status) {_N} SELECT '@project', 's' || i, 'shop.example', "
        f"{_ROUTE}, {_AT}, 5000 + i % 900 * 1000, '', {_AT}, @now, 'v' || (i % (@sessions * 7 / 10)), CASE WHEN i % 5 = 0 THEN 'user' || (i % 5000) ELSE '' END, "
        f"'2026.' || (i % 12), 'production', {_BROWSER}, {_OS}, 'desktop', '{{\"plan\":\"' || (CASE i % 3 WHEN 0 THEN 'pro' ELSE 'free' END) || '\"}}', "
        f"@each, CASE WHEN {_STATUS} = 'pending' THEN 'analysis' ELSE 'done' END, CASE WHEN {_STATUS} = 'pending' THEN @now ELSE 0 END, {_STATUS} FROM n",
    ),
    (
        "markers",
        "INSERT INTO markers (project_id, session_id, id, kind, label, cluster_key, replay_offset_ms, observed_at, evidence) "
        "WITH RECURSIVE m(j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM m WHERE j + 1 < @each) SELECT '@project', s.id, 'm' || j, "
        f"{_KIND.format('c')}, 'TypeError: part is undefined', 'seed:' || c, 4000 + j * 900, s.started_at + j * 900, "
        "CASE j WHEN 0 THEN '{\"control\":{\"role\":\"button\",\"name\":\"Pay now\"}}' END FROM ("
        f"SELECT id, started_at, j, {_ANY.format(7919, 104729)} * {_ANY.format(6151, 92821)} / @issues AS c FROM sessions, m WHERE project_id = '@project') AS s",
    ),
    (
        "issue_sessions",
        "INSERT INTO issue_sessions (project_id, cluster_key, session_id, marker_count, first_observed_at, last_observed_at, counted, jump_ms) "
        "SELECT '@project', cluster_key, session_id, count(*), min(observed_at), max(observed_at), true, 2000 FROM markers WHERE project_id = '@project' "
        "GROUP BY cluster_key, session_id",
    ),
    ("clusters", f"INSERT INTO clusters (project_id, key, issue_key, {_TALLY}) SELECT '@project', cluster_key, cluster_key, {_TALLIED} FROM issue_sessions GROUP BY cluster_key"),
    (
        "issues",
        f"INSERT INTO issues (project_id, key, {_TALLY}, state, promoted_at) SELECT '@project', cluster_key, {_TALLIED}, "
        "(CASE (CAST(substr(cluster_key, 6) AS BIGINT) * 48271 % 65537) % 10 WHEN 0 THEN 'resolved' WHEN 1 THEN 'muted' WHEN 2 THEN 'archived' WHEN 3 THEN 'acknowledged' ELSE 'active' END), @now "
        "FROM issue_sessions GROUP BY cluster_key",
    ),
    (
        "issue_work",
        "INSERT INTO issue_work (project_id, issue_key, watch, watch_shown, watched_since) SELECT '@project', key, 'control:name=pay now', 'button “Pay now”', @now "
        "FROM issues WHERE project_id = '@project'",
    ),
    (
        "watch_uses",
        "INSERT INTO watch_uses (project_id, session_id, issue_key) SELECT '@project', id, 'seed:0' FROM sessions WHERE marker_count > 0 AND duration_ms % 2000 = 1000",
    ),
    (
        "issue_strips",
        "INSERT INTO issue_strips (project_id, cluster_key, session_id, verdict, sentence, frames, made_at) "
        "SELECT project_id, key, representative_session_id, '', '', '[]', @now + 1 FROM issues WHERE project_id = '@project'",
    ),
    (
        "issue_hours",
        "INSERT INTO issue_hours (project_id, cluster_key, hour, session_count, marker_count) SELECT '@project', cluster_key, last_observed_at / 3600000, count(*), "
        "sum(marker_count) FROM issue_sessions GROUP BY 2, 3",
    ),
    (
        "kind_hours",
        "INSERT INTO kind_hours (project_id, kind, hour, marker_count, session_count) SELECT '@project', kind, observed_at / 3600000, count(*), count(*) / 2 "
        "FROM markers WHERE project_id = '@project' GROUP BY 2, 3",
    ),
    (
        "kind_clusters",
        "INSERT INTO kind_clusters (project_id, kind, cluster_key, last_observed_at) SELECT '@project', kind, key, last_seen_at FROM clusters",
    ),
    (
        "reports",
        "INSERT INTO reports (project_id, session_id, id, status, symptom, technical_root_cause, suggested_fix, text_summary, visual_summary, confidence, basis, "
        "reason, card, generated_at, created_at, updated_at) SELECT '@project', id, 'r' || id, report_status, 'Paying by card ends with an error', "
        "'pay() reads a missing field', 'cart.js', 'The visitor presses Pay and nothing comes.', '', 0.9, 'text', '', '{}', @now, @now, @now FROM sessions",
    ),
    (
        "issue_facets",
        "INSERT INTO issue_facets (project_id, cluster_key, facet, value, session_count) SELECT '@project', clusters.key, facet.value, named.value, 9 FROM clusters, "
        f"({_listed('browser', 'os', 'device', 'route', 'release', 'tag:plan', 'outcome')}) AS facet, ({_listed('one', 'two', 'three')}) AS named",
    ),
    ("releases", f"INSERT INTO releases (project_id, release, first_seen_at) {_N.replace('@last', '11')} SELECT '@project', '2026.' || i, @now - i * 86400000 FROM n"),
    (
        "health_samples",
        f"INSERT INTO health_samples (at, figures) {_N.replace('@last', '2879')} SELECT @now - i * 60000, '{{\"ingested\":' || (9000 - i * 2) || ',\"reports\":' || (8900 - i * 2) || "
        "',\"waiting\":' || (i % 7) || ',\"oldest_s\":1.5,\"used_bytes\":9000000,\"free_bytes\":90000000,\"resident_bytes\":150000000,\"loop_lag_s\":0.004,\"dead\":0}' FROM n",
    ),
    (
        "session_words",
        "INSERT INTO session_words (id, project_id, session_id, marks, person, place, tags, release, environment, agent, kinds, clicked, saw, errors, told) "
        "SELECT s.started_at * 1048576 + s.number % 1048576, '@project', s.id, '@mark s' || s.report_status || ' l' || (1 + s.number % 10) || ' mfailed', '¬ ' || s.user_id || ' ¬ ' || s.visitor_id, "
        "'¬ shop example' || replace(s.route, '/', ' '), '¬ plan ' || CASE WHEN s.number % 3 = 1 THEN 'pro' ELSE 'free' END, '¬ ' || replace(s.release, '.', ' '), '¬ production', "
        "'¬ ' || lower(s.browser) || ' ¬ ' || lower(s.os) || ' ¬ desktop', '¬ js exception ¬ exception ¬ api error ¬ http error', "
        "'¬ add to basket ¬ button ' || (s.number % 500) || ' ¬ pay now', '¬ thank you for order ' || (s.number % 3000) || ' ¬ out of stock', "
        "'¬ typeerror part ' || (s.number % @issues) || ' is undefined', '¬ paying by card ends with an error' FROM "
        f"(SELECT sessions.*, {_NUMBER} AS number FROM sessions WHERE report_status <> 'pending') AS s",
    ),
)


async def seed_rows(url: str, sessions: int, issues: int, markers: int, note: Note) -> None:
    """Make or migrate the database at ``url`` and fill it. Two or three minutes for 100,000, 10,000 and 1,000,000."""
    migrate(url)
    database = Database.open(url)
    each = max(1, markers // sessions)
    now_ms = to_epoch_ms(utc_now())
    given = {
        "@last": sessions - 1, "@sessions": sessions, "@each": each, "@issues": issues, "@now": now_ms,
        "@step": max(1, SPAN_DAYS * 86_400_000 // sessions), "@project": PROJECT, "@mark": project_mark(PROJECT),
    }  # fmt: skip
    try:
        for number, (name, statement) in enumerate(STEPS):
            note(name, number, len(STEPS))
            for word, value in given.items():
                statement = statement.replace(word, str(value))
            async with database.write() as connection:
                if connection.dialect.name == "postgresql":
                    await _fill_bare(connection, name, statement.replace("%", "%%"))
                else:
                    await connection.exec_driver_sql(statement)
        note("done", len(STEPS), len(STEPS))
        if not database.is_sqlite:
            await asyncio.to_thread(vacuum, database)
    finally:
        await database.close()


async def _fill_bare(connection: Connection, table: str, statement: str) -> None:
    """PostgreSQL builds an index over millions of rows in a tenth of the time that it takes to keep it with each of them."""
    await connection.exec_driver_sql("SET LOCAL statement_timeout = 0; SET LOCAL maintenance_work_mem = '256MB'")
    indexes = (await connection.exec_driver_sql(
        f"SELECT indexname, indexdef FROM pg_indexes WHERE tablename = '{table}' AND indexname NOT IN (SELECT conname FROM pg_constraint)"
    )).all()  # fmt: skip
    for name, _ in indexes:
        await connection.exec_driver_sql(f"DROP INDEX {name}")
    await connection.exec_driver_sql(statement)
    for _, definition in indexes:
        await connection.exec_driver_sql(definition)
