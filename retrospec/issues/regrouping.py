"""Puts clusters into the issues they belong to, after a join, a withdrawal or a person's decision.

Only the clusters within reach of those touched are read. What an issue shows is computed anew from its clusters; what
people set on it (state, assignee, note) stays with its key.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from retrospec.domain.settings import PromoteSettings
from retrospec.issues.grouping import Join, Word, partition
from retrospec.issues.tally import add_up, promote_if_reached
from retrospec.storage import clusters, decisions, issues, judgements, strips
from retrospec.storage.clusters import Cluster
from retrospec.storage.database import Connection
from retrospec.storage.decisions import IssueBefore
from retrospec.storage.issues import Tally

MAX_REACH = 400
"""Clusters looked at for one change. An issue of more is left as it is: no rule of ours makes one."""
_DERIVED = (
    *("kind", "symptom", "session_count", "user_count", "marker_count", "confidence", "severity", "basis", "impact"),
    *("representative_session_id", "first_seen_at", "last_seen_at"),
)


class _Reached(msgspec.Struct):
    """All that bears on some clusters."""

    keys: list[str]
    words: list[Word]
    joins: list[Join]


async def regroup(
    connection: Connection, project_id: str, touched: Iterable[str], settings: PromoteSettings, now: datetime
) -> list[str]:
    """Put every cluster within reach of ``touched`` where it belongs; the keys of the issues that changed."""
    reached = await _reach(connection, project_id, sorted(set(touched)))
    members = {one.key: one for one in await clusters.named(connection, project_id, reached.keys)}
    changed: set[str] = set()
    for group in partition(members, reached.words, reached.joins):
        inside = [one for one in members.values() if one.key in group]
        moving = [one for one in inside if one.issue_key != inside[0].key]
        if moving:
            changed |= {inside[0].key, *(one.issue_key for one in moving)}
            await clusters.put_into(connection, project_id, [one.key for one in moving], inside[0].key)
    await recount(connection, project_id, changed, settings, now)
    await strips.redraw(connection, project_id, sorted(changed))
    return sorted(changed)


async def _reach(connection: Connection, project_id: str, touched: list[str]) -> _Reached:
    """Everything joined with ``touched``, step by step, by rules, by people, or by being in one issue now."""
    known = {one.key for one in await _with_siblings(connection, project_id, touched)} | set(touched)
    fresh, words, joins = sorted(known), set[Word](), set[Join]()
    while fresh and len(known) <= MAX_REACH:
        said = await decisions.words_about(connection, project_id, fresh)
        linked = await decisions.links_about(connection, project_id, fresh)
        words |= {Word(**msgspec.structs.asdict(word)) for word in said}
        joins |= {Join(link.a, link.b, link.rule, link.because) for link in linked}
        ends = {end for word in said if word.together for end in (word.a, word.b)}
        fresh = sorted((ends | {end for link in linked for end in (link.a, link.b)}) - known)
        known.update(fresh)
    return _Reached(sorted(known), list(words), list(joins))


async def _with_siblings(connection: Connection, project_id: str, keys: Sequence[str]) -> list[Cluster]:
    own = await clusters.named(connection, project_id, keys)
    return await clusters.of_issues(connection, project_id, {one.issue_key for one in own})


async def recount(
    connection: Connection, project_id: str, issue_keys: Iterable[str], settings: PromoteSettings, now: datetime
) -> None:
    """Write what these issues show from their clusters; put away those that have none any more."""
    keys = sorted(issue_keys)
    by_issue: dict[str, list[Cluster]] = {key: [] for key in keys}
    for one in await clusters.of_issues(connection, project_id, keys):
        by_issue[one.issue_key].append(one)
    earliest = {key: tally for key in keys if (tally := await issues.exact(connection, project_id, key))}
    for key in keys:
        if not by_issue[key]:
            await decisions.fold(connection, project_id, key)
    for key, members in by_issue.items():
        counted = [one for one in members if one.tally.issue.session_count]
        if counted:
            inside = [tally for name, tally in earliest.items() if name in {one.key for one in members}]
            await _write(connection, key, counted, inside, settings, now)


async def _write(
    connection: Connection,
    key: str,
    counted: Sequence[Cluster],
    inside: Sequence[Tally],
    settings: PromoteSettings,
    now: datetime,
) -> None:
    project_id = counted[0].tally.issue.project_id
    row = await issues.exact(connection, project_id, key)
    if row is None and await decisions.unfold(connection, project_id, key):
        row = await issues.exact(connection, project_id, key)
    tally = _shown(row, await _total(connection, project_id, counted), key, now)
    shown = sorted((one.promoted_at, one.issue.created_at) for one in inside if one.promoted_at)
    if tally.promoted_at is None and shown:
        tally.promoted_at, tally.issue.created_at = shown[0]
    keys = [one.key for one in counted]
    if len(await judgements.quiet_among(connection, project_id, keys)) == len(keys):
        tally.promoted_at = None
    else:
        promote_if_reached(tally, settings, now)
    await issues.put(connection, tally, is_new=row is None)


async def _total(connection: Connection, project_id: str, counted: Sequence[Cluster]) -> Tally:
    keys = [one.key for one in counted]
    own = await clusters.distinct_counts(connection, project_id, counted)
    moved = await decisions.moved_counts(connection, project_id, keys)
    return add_up(
        [one.tally for one in counted],
        sessions=max(0, own.sessions + moved.sessions),
        people=max(0, own.people + moved.people),
    )


def _shown(row: Tally | None, total: Tally, key: str, now: datetime) -> Tally:
    """The total under the issue's key, with what people set on the issue."""
    if row is None:
        issue = msgspec.structs.replace(total.issue, key=key, created_at=now)
        return msgspec.structs.replace(total, issue=issue)
    derived = {name: getattr(total.issue, name) for name in _DERIVED}
    issue = msgspec.structs.replace(row.issue, **derived)
    return msgspec.structs.replace(total, issue=issue, promoted_at=row.promoted_at)


async def issues_as_they_are(connection: Connection, project_id: str, issue_keys: Iterable[str]) -> list[IssueBefore]:
    """The issues as they are, for a decision to be undone to."""
    found = []
    for key in sorted(set(issue_keys)):
        tally = await issues.exact(connection, project_id, key)
        if tally is not None:
            found.append(
                IssueBefore(
                    key=key,
                    members=sorted(await clusters.keys_of(connection, project_id, key)),
                    promoted_at=tally.promoted_at,
                    created_at=tally.issue.created_at,
                )
            )
    return found


async def restore(
    connection: Connection, project_id: str, before: Iterable[IssueBefore], settings: PromoteSettings, now: datetime
) -> None:
    """Show issues since when they were shown before, where they have the same clusters again."""
    for one in before:
        tally = await issues.exact(connection, project_id, one.key)
        same = sorted(await clusters.keys_of(connection, project_id, one.key)) == one.members
        if tally is not None and same:
            tally.promoted_at, tally.issue.created_at = one.promoted_at, one.created_at
            promote_if_reached(tally, settings, now)
            await issues.put(connection, tally, is_new=False)
