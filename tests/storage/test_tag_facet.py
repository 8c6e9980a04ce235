"""Sessions narrowed to a tag's value: exactly those, whatever the values look like."""

from datetime import timedelta

from retrospec.domain.clock import utc_now
from retrospec.storage.dashboard_issues import issue_sessions_query, narrows
from retrospec.storage.database import Database
from retrospec.storage.tables import issue_sessions, sessions

P = "p"
TAGS = {
    "plain": {"plan": "pro"},
    "among-others": {"a": "b", "plan": "pro", "z": "1"},
    "other-case": {"plan": "Pro"},
    "longer": {"plan": "pro 2"},
    "imitates": {"note": '"plan":"pro"'},
    "prefix": {"myplan": "pro"},
    "quoted": {"plan": 'say "hi"\n'},
    "none": {},
}


async def test_only_sessions_with_that_tag_and_value(database: Database) -> None:
    now = utc_now()
    async with database.write() as connection:
        for number, (name, tags) in enumerate(TAGS.items()):
            at = now - timedelta(seconds=number)
            row = {"project_id": P, "id": name, "site": "s", "route": "/", "started_at": at, "duration_ms": 1, "events_object_key": "", "created_at": at, "updated_at": at, "stage": "done", "not_before": at, "report_status": "ready", "tags": tags}  # fmt: skip
            await connection.execute(sessions.insert(), row)
            seen = {"project_id": P, "cluster_key": "c", "session_id": name, "marker_count": 1, "first_observed_at": at, "last_observed_at": at, "counted": True}  # fmt: skip
            await connection.execute(issue_sessions.insert(), seen)

    async def named(tag: str, value: str) -> list[str]:
        query = issue_sessions_query(P, status="", min_confidence=0, after=None, limit=20, facet=(tag, value))
        async with database.read() as connection:
            return [row.session_id for row in await connection.execute(query)]

    assert await named("tag:plan", "pro") == ["plain", "among-others"]
    assert await named("tag:plan", 'say "hi"\n') == ["quoted"]
    assert await named("tag:plan", "nothing") == []


def test_what_sessions_can_be_narrowed_by() -> None:
    assert [narrows(name) for name in ("browser", "tag:plan", "tag:", "outcome", "route", "password")] == [True, True, False, False, False, False]
