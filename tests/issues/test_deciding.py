"""People's word: merge, keep apart, split, move; and what is left of each once undone."""

import itertools
from pathlib import Path

import pytest

from retrospec.domain.errors import BadRequest, Conflict
from retrospec.issues import deciding
from retrospec.issues.regrouping import regroup
from retrospec.storage import clusters, decisions, expiry, issues
from retrospec.storage.decisions import PairLink
from tests.issues.grouped import NOON, SETTINGS, P, counted, decided, opened, shown, sighting


@pytest.fixture
async def database(tmp_path: Path):  # type: ignore[no-untyped-def]
    async with opened(tmp_path) as database:
        yield database


async def two_issues(database) -> None:  # type: ignore[no-untyped-def]
    """``a``: sessions 1, 2, 3 of three people; ``b``: sessions 3, 4 of which 3 is one of a's, 4 is by person of 1."""
    for key, session, person in [("a", "s1", "ann"), ("a", "s2", "bob"), ("b", "s3", "cid"), ("a", "s3", "cid"), ("b", "s4", "ann")]:
        await counted(database, sighting(key, session, person))


async def test_a_merged_issue_counts_nobody_twice_and_keeps_the_older_key(database) -> None:  # type: ignore[no-untyped-def]
    await two_issues(database)
    await decided(database, deciding.merge, "b", "a")
    (row,) = await shown(database)
    assert (row["key"], row["session_count"], row["user_count"], row["marker_count"]) == ("a", 4, 3, 5)
    async with database.read() as connection:
        by_either_key = [await issues.find(connection, P, key) for key in ("a", "b")]
    assert [tally.issue.key for tally in by_either_key] == ["a", "a"]


async def test_a_merge_undone_leaves_every_row_as_it_was(database) -> None:  # type: ignore[no-untyped-def]
    await two_issues(database)
    await counted(database, sighting("c", "s9"))
    before = await shown(database)
    decision = await decided(database, deciding.merge, "a", "b")
    assert await shown(database) != before
    await decided(database, deciding.undo, decision.id)
    assert await shown(database) == before
    with pytest.raises(Conflict):
        await decided(database, deciding.undo, decision.id)


async def test_two_issues_that_only_a_merge_promoted_are_not_shown_once_it_is_undone(database) -> None:  # type: ignore[no-untyped-def]
    await counted(database, sighting("a", "s1"))
    await counted(database, sighting("b", "s2"))
    before = await shown(database)
    decision = await decided(database, deciding.merge, "a", "b")
    assert [row["promoted_at"] is None for row in await shown(database)] == [False]
    await decided(database, deciding.undo, decision.id)
    assert await shown(database) == before


async def test_merges_may_be_undone_in_any_order(database) -> None:  # type: ignore[no-untyped-def]
    for key, session in itertools.product("abc", ["1", "2"]):
        await counted(database, sighting(key, key + session))
    before = await shown(database)
    first = await decided(database, deciding.merge, "a", "b")
    second = await decided(database, deciding.merge, "b", "c")
    await decided(database, deciding.undo, first.id)
    await decided(database, deciding.undo, second.id)
    assert await shown(database) == before


async def test_later_sessions_of_a_merged_fingerprint_follow_it(database) -> None:  # type: ignore[no-untyped-def]
    await two_issues(database)
    await decided(database, deciding.merge, "a", "b")
    change = await counted(database, sighting("b", "s5", "ann"))
    assert (change.before.key, change.after.issue.key) == ("a", "a")
    assert (change.after.issue.session_count, change.after.issue.user_count) == (5, 3)
    again = await counted(database, sighting("a", "s5", "ann"))
    assert (again.is_new_session, again.after.issue.session_count) == (True, 5)


async def test_counting_on_and_counting_anew_agree(database) -> None:  # type: ignore[no-untyped-def]
    await two_issues(database)
    await decided(database, deciding.merge, "a", "b")
    for number in range(5):
        await counted(database, sighting("ab"[number % 2], f"n{number}", f"p{number % 3}", basis="visual" if number == 3 else "text"))
    (grown,) = await shown(database)
    decision = await decided(database, deciding.split, "b")
    await decided(database, deciding.undo, decision.id)
    assert await shown(database) == [grown]


async def test_what_expired_is_still_counted_once(database) -> None:  # type: ignore[no-untyped-def]
    await two_issues(database)
    before = await shown(database)
    decision = await decided(database, deciding.merge, "a", "b")
    merged = await shown(database)
    await decided(database, deciding.undo, decision.id)
    async with database.write() as connection:
        await expiry.forget_sessions(connection, [(P, f"s{n}") for n in range(1, 5)], now=NOON)
    assert await shown(database) == before
    await decided(database, deciding.merge, "a", "b")
    assert [row["session_count"] for row in await shown(database)] == [row["session_count"] for row in merged]


async def test_a_cluster_split_off_stays_off_though_a_rule_joins_it(database) -> None:  # type: ignore[no-untyped-def]
    for key, session in itertools.product("abc", ["1", "2"]):
        await counted(database, sighting(key, key + session))
    links = [PairLink("a", "b", "site", "x"), PairLink("b", "c", "site", "x"), PairLink("a", "c", "text", "y")]
    async with database.write() as connection:
        await decisions.add_links(connection, P, links)
        await regroup(connection, P, ["a", "b", "c"], SETTINGS, NOON)
    assert [row["key"] for row in await shown(database)] == ["a"]
    together = await shown(database)
    decision = await decided(database, deciding.split, "b")
    async with database.write() as connection:
        await regroup(connection, P, ["c"], SETTINGS, NOON)
        assert await clusters.keys_of(connection, P, "a") == ["a", "c"]
    assert [(row["key"], row["session_count"]) for row in await shown(database)] == [("a", 4), ("b", 2)]
    await decided(database, deciding.undo, decision.id)
    assert await shown(database) == together
    with pytest.raises(BadRequest, match="only fingerprint"):
        await counted(database, sighting("lone", "s"))
        await decided(database, deciding.split, "lone")


async def test_a_later_merge_outweighs_an_earlier_split_and_keeping_apart(database) -> None:  # type: ignore[no-untyped-def]
    await two_issues(database)
    await decided(database, deciding.keep_apart, "a", "b")
    async with database.write() as connection:
        await decisions.add_links(connection, P, [PairLink("a", "b", "site", "x")])
        await regroup(connection, P, ["a"], SETTINGS, NOON)
    assert len(await shown(database)) == 2
    await decided(database, deciding.merge, "a", "b")
    assert len(await shown(database)) == 1


async def test_every_decision_is_logged_with_its_author_and_its_undoing(database) -> None:  # type: ignore[no-untyped-def]
    await two_issues(database)
    merge = await decided(database, deciding.merge, "a", "b", author="Ada")
    await decided(database, deciding.undo, merge.id, author="Bo")
    await decided(database, deciding.keep_apart, "a", "b", author="Cy")
    async with database.read() as connection:
        found = await decisions.decisions_about(connection, P, ["b"])
    assert [(one.action, one.author, one.undone_by) for one in found] == [("apart", "Cy", ""), ("merge", "Ada", "Bo")]
