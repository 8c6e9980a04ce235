"""What a person may decide about issues: merge, keep apart, split off, move a session; and undo each.

A decision holds until it is undone: no rule and no new fingerprint overrules it. Each is logged with its author.
"""

from collections.abc import Iterable
from datetime import datetime

from retrospec.domain.errors import BadRequest, Conflict, NotFound
from retrospec.domain.ids import new_id
from retrospec.domain.settings import PromoteSettings
from retrospec.issues.regrouping import issues_as_they_are, recount, regroup, restore
from retrospec.storage import clusters, decisions, sessions
from retrospec.storage.database import Connection
from retrospec.storage.decisions import Decision, Move, PairWord


async def merge(
    connection: Connection,
    project_id: str,
    one: str,
    other: str,
    *,
    author: str,
    settings: PromoteSettings,
    now: datetime,
) -> Decision:
    """Make two issues one, under the key of the older. Raises NotFound, or BadRequest when they are one already."""
    homes = [await _home(connection, project_id, key) for key in (one, other)]
    if homes[0] == homes[1]:
        raise BadRequest("These are one issue already.")
    keys = [await clusters.keys_of(connection, project_id, home) for home in homes]
    decision = _decision(project_id, "merge", homes[0], author, now, other_key=homes[1])
    decision.before = await issues_as_they_are(connection, project_id, homes)
    together = [(keys[0][0], key) for key in (*keys[0][1:], *keys[1])]
    await _hold(connection, decision, together, together=True)
    await regroup(connection, project_id, [*keys[0], *keys[1]], settings, now)
    return decision


async def keep_apart(
    connection: Connection,
    project_id: str,
    one: str,
    other: str,
    *,
    author: str,
    settings: PromoteSettings,
    now: datetime,
) -> Decision:
    """Say that two issues are not one: they are not suggested again, and no rule joins them."""
    homes = [await _home(connection, project_id, key) for key in (one, other)]
    if homes[0] == homes[1]:
        raise BadRequest("These are one issue; split a cluster off instead.")
    keys = [await clusters.keys_of(connection, project_id, home) for home in homes]
    decision = _decision(project_id, "apart", homes[0], author, now, other_key=homes[1])
    await _hold(connection, decision, [(a, b) for a in keys[0] for b in keys[1]], together=False)
    return decision


async def split(
    connection: Connection,
    project_id: str,
    cluster_key: str,
    *,
    author: str,
    settings: PromoteSettings,
    now: datetime,
) -> Decision:
    """Take one cluster out of its issue, with all its sessions and whatever comes with its fingerprint later."""
    home = await _home(connection, project_id, cluster_key)
    others = [key for key in await clusters.keys_of(connection, project_id, home) if key != cluster_key]
    if not others:
        raise BadRequest("This is the only fingerprint of its issue: there is nothing to split off.")
    decision = _decision(project_id, "split", home, author, now, other_key=cluster_key)
    decision.before = await issues_as_they_are(connection, project_id, [home])
    await _hold(connection, decision, [(cluster_key, key) for key in others], together=False)
    await regroup(connection, project_id, [cluster_key, *others], settings, now)
    return decision


async def move_session(
    connection: Connection,
    project_id: str,
    session_id: str,
    from_issue: str,
    to_issue: str,
    *,
    author: str,
    settings: PromoteSettings,
    now: datetime,
) -> Decision:
    """Count one session under another issue. Later sessions with its fingerprint stay where that is."""
    source = await _home(connection, project_id, from_issue)
    target = await _home(connection, project_id, to_issue)
    if source == target:
        raise BadRequest("The session is in that issue already.")
    keys = await clusters.keys_of(connection, project_id, source)
    cluster = await decisions.counted_cluster_of(connection, project_id, session_id, keys)
    session = await sessions.find(connection, project_id, session_id)
    if not cluster or session is None:
        raise NotFound("This session does not count towards that issue, so it cannot be moved.")
    if any(one.session_id == session_id for one in await decisions.moves_touching(connection, project_id, keys)):
        raise Conflict("This session was moved already; undo that first.")
    decision = _decision(project_id, "move", source, author, now, other_key=target, session_id=session_id)
    decision.before = await issues_as_they_are(connection, project_id, [source, target])
    await decisions.log(connection, decision)
    leaves = not await decisions.has_more_of_person(connection, project_id, session_id, keys)
    moved = Move(
        session_id=session_id, from_cluster=cluster, to_cluster=target, person_key=session.person_key,
        person_leaves=leaves, decision_id=decision.id,
    )  # fmt: skip
    await decisions.move(connection, project_id, moved)
    await recount(connection, project_id, [source, target], settings, now)
    return decision


async def undo(
    connection: Connection,
    project_id: str,
    decision_id: str,
    *,
    author: str,
    settings: PromoteSettings,
    now: datetime,
) -> Decision:
    """Take a decision back: the issues are what they were before it, and what came since. Raises NotFound, Conflict."""
    decision = await decisions.find(connection, project_id, decision_id)
    if decision is None:
        raise NotFound("There is no such decision in this project.")
    touched = {decision.issue_key, decision.other_key, *(key for one in decision.before for key in one.members)}
    if not await decisions.take_back(connection, decision, by=author, now=now):
        raise Conflict("This was undone already.")
    await regroup(connection, project_id, touched, settings, now)
    if decision.action == "move":
        homes = [await _home(connection, project_id, key) for key in (decision.issue_key, decision.other_key)]
        await recount(connection, project_id, homes, settings, now)
    await restore(connection, project_id, decision.before, settings, now)
    return decision


def _decision(
    project_id: str, action: str, issue_key: str, author: str, now: datetime, *, other_key: str, session_id: str = ""
) -> Decision:
    return Decision(
        id=new_id("dec"), project_id=project_id, decided_at=now, author=author, action=action,
        issue_key=issue_key, other_key=other_key, session_id=session_id,
    )  # fmt: skip


async def _home(connection: Connection, project_id: str, key: str) -> str:
    home = await clusters.home_of(connection, project_id, key)
    if not home:
        raise NotFound(f"There is no issue {key!r} in this project.")
    return home


async def _hold(
    connection: Connection, decision: Decision, pairs: Iterable[tuple[str, str]], *, together: bool
) -> None:
    await decisions.log(connection, decision)
    words = [
        PairWord(
            a=min(pair), b=max(pair), together=together, decided_at=decision.decided_at, decision_id=decision.id
        )
        for pair in pairs
    ]
    await decisions.say(connection, decision.project_id, words)
