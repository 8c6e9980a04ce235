"""What the team's work on issues becomes when they merge, and when that is undone."""

from pathlib import Path

import pytest

from retrospec.domain.issue import IssueState
from retrospec.domain.workflow import FixIn
from retrospec.issues import deciding
from retrospec.issues.regrouping import regroup
from retrospec.retention.expiry import LOG_KEPT
from retrospec.storage import activity, clusters, decisions, impact, triage, work
from retrospec.storage.decisions import PairLink
from retrospec.storage.triage import Triage
from tests.alerts.conftest import Receiver
from tests.alerts.met import P, World, world


async def two_issues(it: World) -> None:
    """``a`` (older, 2 people) and ``b`` (3 people)."""
    for cluster, count in (("a", 2), ("b", 3)):
        for _ in range(count):
            await it.meet(cluster)
    await it.later(minutes=1)


async def set_state(it: World, key: str, state: IssueState, **more: object) -> None:
    decision = Triage(state=state, assignee="", note="", **more)  # type: ignore[arg-type]
    seen = (await it.issue(key)).issue.state
    async with it.database.write() as connection:
        assert await triage.set_triage(connection, P, key, decision, seen_state=seen, now=it.now, author="Mara")


async def test_a_merged_issue_costs_what_both_cost_and_each_has_its_own_again_once_undone(tmp_path: Path, receiver: Receiver) -> None:
    async with world(tmp_path, receiver) as it:
        await two_issues(it)
        before = {key: (await it.issue(key)).issue for key in ("a", "b")}
        assert 0 < before["a"].impact < before["b"].impact
        decision = await it.merge("a", "b")
        merged = (await it.issue("a")).issue
        assert 2 ** (merged.impact - before["b"].impact) == pytest.approx(1 + 2 ** (before["a"].impact - before["b"].impact))
        async with it.database.read() as connection:
            facets = await impact.facets_of(connection, P, await clusters.keys_of(connection, P, "a"))
        assert facets["browser"] == [("Firefox", 5)]
        assert facets["tag:plan"] == [("pro", 5)]
        await it.decide(deciding.undo, decision)
        assert {key: (await it.issue(key)).issue for key in ("a", "b")} == before


async def test_a_cluster_split_off_takes_its_own_impact_along(tmp_path: Path, receiver: Receiver) -> None:
    async with world(tmp_path, receiver) as it:
        await two_issues(it)
        own = (await it.issue("b")).issue.impact
        await it.merge("a", "b")
        await it.meet("b")
        await it.decide(deciding.split, "b")
        assert (await it.issue("b")).issue.impact > own
        assert (await it.issue("b")).issue.session_count == 4


async def test_the_older_issues_standing_is_the_merged_ones_and_the_others_comes_back(tmp_path: Path, receiver: Receiver) -> None:
    async with world(tmp_path, receiver) as it:
        await two_issues(it)
        await set_state(it, "b", IssueState.RESOLVED, fix_in=FixIn.RELEASE, fix_release="2.0")
        decision = await it.merge("a", "b")
        assert (await it.issue("b")).issue.state is IssueState.ACTIVE
        await it.decide(deciding.undo, decision)
        assert (await it.issue("b")).issue.state is IssueState.RESOLVED
        async with it.database.read() as connection:
            fix = (await work.find(connection, P, "b")).fix
        assert fix is not None
        assert fix.release == "2.0"


async def test_a_muted_failure_stays_muted_under_another_fingerprint_and_an_active_one_is_never_silenced(
    tmp_path: Path, receiver: Receiver
) -> None:
    async with world(tmp_path, receiver) as it:
        await two_issues(it)
        await set_state(it, "a", IssueState.MUTED)
        decision = await it.merge("a", "b")
        assert (await it.issue("b")).issue.state is IssueState.MUTED
        await it.decide(deciding.undo, decision)
        assert [(await it.issue(key)).issue.state for key in ("a", "b")] == [IssueState.MUTED, IssueState.ACTIVE]
        await set_state(it, "a", IssueState.ACTIVE)
        await set_state(it, "b", IssueState.MUTED)
        await it.merge("a", "b")
        assert (await it.issue("a")).issue.state is IssueState.ACTIVE, "the newer one's mute does not silence the older"


async def test_comments_of_both_are_shown_and_go_back_with_their_issue(tmp_path: Path, receiver: Receiver) -> None:
    async with world(tmp_path, receiver) as it:
        await two_issues(it)
        async with it.database.write() as connection:
            for key in ("a", "b"):
                await activity.note(connection, P, key, "comment", f"said of {key}", author="Mara", now=it.now)
        decision = await it.merge("b", "a")
        assert {"said of a", "said of b"} <= set(await _log(it, "a"))
        await it.decide(deciding.undo, decision)
        assert "said of b" not in await _log(it, "a")
        assert "said of b" in await _log(it, "b")


async def _log(it: World, key: str) -> list[str]:
    async with it.database.read() as connection:
        keys = await clusters.keys_of(connection, P, key)
        return [line.detail for line in await activity.latest(connection, P, keys, limit=50)]


async def test_a_log_is_kept_for_a_stated_time_and_comments_longer(tmp_path: Path, receiver: Receiver) -> None:
    async with world(tmp_path, receiver) as it:
        await two_issues(it)
        async with it.database.write() as connection:
            await activity.note(connection, P, "a", "comment", "said", author="Mara", now=it.now)
            assert await activity.forget_lines(connection, before=it.now - LOG_KEPT) == 0
        async with it.database.write() as connection:
            assert await activity.forget_lines(connection, before=it.now + LOG_KEPT) == 2
        assert await _log(it, "a") == ["said"]


async def test_a_merged_issue_is_told_of_once_when_it_returns(tmp_path: Path, receiver: Receiver) -> None:
    async with world(tmp_path, receiver) as it:
        await two_issues(it)
        await it.merge("a", "b")
        await set_state(it, "a", IssueState.RESOLVED)
        await it.later(minutes=5)
        await it.meet("b")
        await it.meet("a")
        await it.later(minutes=5)
        assert [event["issueKey"] for event in receiver.events("regression")] == ["a"]
        assert [event["issueKey"] for event in receiver.events("new")] == ["a", "b"]


async def test_an_issue_made_by_a_rules_join_is_told_of_by_the_session_that_showed_it(tmp_path: Path, receiver: Receiver) -> None:
    async with world(tmp_path, receiver) as it:
        await it.meet("a")
        await it.meet("b")
        async with it.database.write() as connection:
            await decisions.add_links(connection, P, [PairLink("a", "b", "text", "same words")])
            await regroup(connection, P, ["a", "b"], it.settings.promote, it.now)
        await it.meet("b")
        await it.later(minutes=1)
        assert [event["issueKey"] for event in receiver.events("new")] == ["a"]


async def test_a_moved_session_counts_there_and_comes_back(tmp_path: Path, receiver: Receiver) -> None:
    async with world(tmp_path, receiver) as it:
        await two_issues(it)
        from retrospec.storage.tables import sessions
        from tests.alerts.met import visit

        seen = visit("moved", "eve", it.now)
        row = {name: getattr(seen, name) for name in ("id", "project_id", "site", "route", "started_at", "duration_ms", "events_object_key", "created_at", "updated_at", "stage", "visitor_id")}
        async with it.database.write() as connection:
            await connection.execute(sessions.insert(), row | {"not_before": it.now, "report_status": "ready"})
        await it.meet("a", "moved", "eve")
        before = [(await it.issue(key)).issue for key in ("a", "b")]
        decision = await it.decide(deciding.move_session, "moved", "a", "b")
        counts = [((await it.issue(key)).issue.session_count, (await it.issue(key)).issue.user_count) for key in ("a", "b")]
        assert counts == [(2, 2), (4, 4)]
        await it.decide(deciding.undo, decision.id)
        assert [(await it.issue(key)).issue for key in ("a", "b")] == before
