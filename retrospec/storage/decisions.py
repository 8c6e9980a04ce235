"""What people decided about issues: an append-only log, and what of it holds."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BindParameter, and_, bindparam, delete, exists, func, or_, select, update

from retrospec.domain.clock import from_epoch_ms, to_epoch_ms
from retrospec.storage.clusters import Distinct
from retrospec.storage.database import Connection
from retrospec.storage.tables import (
    UtcMs,
    cluster_links,
    cluster_words,
    folded_issues,
    issue_decisions,
    issue_people,
    issue_sessions,
    issues,
    session_moves,
    sessions,
)
from retrospec.storage.upsert import insert_new


class IssueBefore(msgspec.Struct, kw_only=True):
    """An issue as a decision found it: what counting alone can't bring back."""

    key: str
    members: list[str]
    promoted_at: datetime | None
    created_at: datetime


class Decision(msgspec.Struct, kw_only=True):
    """One entry of the log."""

    id: str
    project_id: str
    decided_at: datetime
    author: str
    action: str
    """``merge``, ``apart``, ``split`` or ``move``."""
    issue_key: str
    other_key: str = ""
    """The issue merged or kept apart; the cluster split off; the issue a session was moved to."""
    session_id: str = ""
    before: list[IssueBefore] = []
    undone_at: datetime | None = None
    undone_by: str = ""


class PairWord(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision says of two clusters."""

    a: str
    b: str
    together: bool
    decided_at: datetime
    decision_id: str


class PairLink(msgspec.Struct, frozen=True):
    """A rule's join of two clusters that holds."""

    a: str
    b: str
    rule: str
    because: str


class Move(msgspec.Struct, kw_only=True):
    """One session that a person put under another issue."""

    session_id: str
    from_cluster: str
    to_cluster: str
    person_key: str
    person_leaves: bool
    """Nothing else of this person was known in the issue it left."""
    decision_id: str


async def log(connection: Connection, decision: Decision) -> None:
    """Append a decision."""
    values = msgspec.structs.asdict(decision) | {"before": msgspec.to_builtins(decision.before)}
    await connection.execute(issue_decisions.insert(), values)


async def find(connection: Connection, project_id: str, decision_id: str) -> Decision | None:
    """The decision of that id."""
    found = await connection.execute(
        select(issue_decisions).where(
            issue_decisions.c.project_id == project_id, issue_decisions.c.id == decision_id
        )
    )
    row = found.first()
    return None if row is None else _to_decision(row)


_KEYS: BindParameter[str] = bindparam("keys", expanding=True)
_DECISIONS = [
    select(issue_decisions)
    .where(issue_decisions.c.project_id == bindparam("p"), column.in_(_KEYS))
    .order_by(issue_decisions.c.decided_at.desc())
    .limit(bindparam("most"))
    for column in (issue_decisions.c.issue_key, issue_decisions.c.other_key)
]


async def decisions_about(
    connection: Connection, project_id: str, keys: Sequence[str], *, limit: int = 50
) -> list[Decision]:
    """Decisions about these clusters, or with one of them as the other, newest first, undone ones too."""
    found: dict[str, Decision] = {}
    for query in _DECISIONS:
        rows = await connection.execute(query, {"p": project_id, "keys": list(keys), "most": limit})
        found |= {row.id: _to_decision(row) for row in rows}
    return sorted(found.values(), key=lambda one: (one.decided_at, one.id), reverse=True)[:limit]


def _to_decision(row: Any) -> Decision:
    values = dict(row._mapping)
    values["before"] = msgspec.convert(values["before"], list[IssueBefore])
    return Decision(**values)


async def take_back(connection: Connection, decision: Decision, *, by: str, now: datetime) -> bool:
    """Mark a decision as undone and drop what held because of it; False when it was undone already."""
    changed = await connection.execute(
        update(issue_decisions)
        .where(
            issue_decisions.c.project_id == decision.project_id,
            issue_decisions.c.id == decision.id,
            issue_decisions.c.undone_at.is_(None),
        )
        .values(undone_at=now, undone_by=by)
    )
    for table in (cluster_words, session_moves):
        await connection.execute(
            delete(table).where(table.c.project_id == decision.project_id, table.c.decision_id == decision.id)
        )
    return changed.rowcount == 1


async def say(connection: Connection, project_id: str, words: Sequence[PairWord]) -> None:
    """Record what a decision says of pairs of clusters."""
    if words:
        rows = [msgspec.structs.asdict(word) | {"project_id": project_id} for word in words]
        await connection.execute(insert_new(connection, cluster_words), rows)


def _by_either_end(table: Any, names: Sequence[str]) -> list[Any]:
    columns = [table.c[name] for name in names]
    return [select(*columns).where(table.c.project_id == bindparam("p"), end.in_(_KEYS)) for end in (table.c.a, table.c.b)]


_WORDS = _by_either_end(cluster_words, PairWord.__struct_fields__)
_LINKS = _by_either_end(cluster_links, PairLink.__struct_fields__)


async def words_about(connection: Connection, project_id: str, keys: Sequence[str]) -> list[PairWord]:
    """Every word that holds about one of ``keys``."""
    rows = await _touching(connection, _WORDS, project_id, keys)
    return [PairWord(**row._mapping) for row in rows]


async def links_about(connection: Connection, project_id: str, keys: Sequence[str]) -> list[PairLink]:
    """Every rule's join that touches one of ``keys``."""
    rows = await _touching(connection, _LINKS, project_id, keys)
    return [PairLink(*row) for row in rows]


async def _touching(connection: Connection, queries: Sequence[Any], project_id: str, keys: Sequence[str]) -> set[Any]:
    rows: set[Any] = set()
    for query in queries:
        found = await connection.execute(query, {"p": project_id, "keys": list(keys)})
        rows |= set(found.all())
    return rows


async def add_links(connection: Connection, project_id: str, links: Iterable[PairLink]) -> None:
    """Record joins; those that hold already stay as they are."""
    rows = [msgspec.structs.asdict(link) | {"project_id": project_id} for link in links]
    if rows:
        await connection.execute(insert_new(connection, cluster_links), rows)


async def drop_links(connection: Connection, project_id: str, links: Iterable[PairLink]) -> None:
    """Forget joins that hold no more."""
    for link in links:
        await connection.execute(
            delete(cluster_links).where(
                cluster_links.c.project_id == project_id,
                *[cluster_links.c[name] == value for name, value in msgspec.structs.asdict(link).items()],
            )
        )


async def move(connection: Connection, project_id: str, one: Move) -> None:
    """Put a session under another cluster; what its cluster counted stays."""
    await connection.execute(session_moves.insert(), msgspec.structs.asdict(one) | {"project_id": project_id})


async def moves_touching(connection: Connection, project_id: str, keys: Sequence[str]) -> list[Move]:
    """Sessions moved out of or into these clusters."""
    found = await connection.execute(
        select(*[session_moves.c[name] for name in Move.__struct_fields__]).where(
            session_moves.c.project_id == project_id,
            or_(session_moves.c.from_cluster.in_(keys), session_moves.c.to_cluster.in_(keys)),
        )
    )
    return [Move(**row._mapping) for row in found]


async def moved_counts(connection: Connection, project_id: str, keys: Sequence[str]) -> Distinct:
    """What moved sessions add to (or, negative, take from) the clusters' own counts."""
    change = Distinct(0, 0)
    for one in await moves_touching(connection, project_id, keys):
        if one.from_cluster in keys and one.to_cluster in keys:
            continue
        if one.from_cluster in keys:
            change.sessions -= 1
            change.people -= one.person_leaves
            continue
        change.sessions += not await _has(
            connection, issue_sessions, project_id, keys,
            issue_sessions.c.session_id == one.session_id, issue_sessions.c.counted.is_(True),
        )  # fmt: skip
        change.people += not await _has(
            connection, issue_people, project_id, keys, issue_people.c.person_key == one.person_key
        )
    return change


async def _has(connection: Connection, table: Any, project_id: str, keys: Sequence[str], *where: Any) -> bool:
    found = await connection.execute(
        select(1).where(table.c.project_id == project_id, table.c.cluster_key.in_(keys), *where).limit(1)
    )
    return found.first() is not None


async def counted_cluster_of(
    connection: Connection, project_id: str, session_id: str, keys: Sequence[str]
) -> str:
    """The first of these clusters in which the session was counted; empty where in none."""
    key: str | None = await connection.scalar(
        select(func.min(issue_sessions.c.cluster_key)).where(
            issue_sessions.c.project_id == project_id,
            issue_sessions.c.session_id == session_id,
            issue_sessions.c.cluster_key.in_(keys),
            issue_sessions.c.counted.is_(True),
        )
    )
    return key or ""


async def has_more_of_person(
    connection: Connection, project_id: str, session_id: str, keys: Sequence[str]
) -> bool:
    """Whether the session's visitor has another session that is kept and counted in these clusters."""
    one = sessions.alias("one")
    same_person = or_(
        and_(one.c.user_id != "", sessions.c.user_id == one.c.user_id),
        and_(one.c.user_id == "", one.c.visitor_id != "", sessions.c.visitor_id == one.c.visitor_id),
    )
    found = await connection.execute(
        select(1)
        .select_from(one.join(sessions, and_(sessions.c.project_id == one.c.project_id, same_person)))
        .where(
            one.c.project_id == project_id,
            one.c.id == session_id,
            sessions.c.id != session_id,
            exists().where(
                issue_sessions.c.project_id == project_id,
                issue_sessions.c.session_id == sessions.c.id,
                issue_sessions.c.cluster_key.in_(keys),
                issue_sessions.c.counted.is_(True),
            ),
        )
        .limit(1)
    )
    return found.first() is not None


async def fold(connection: Connection, project_id: str, key: str) -> None:
    """Put an issue's row away, whole, for as long as its clusters are in another issue."""
    named = issues.c.project_id == project_id, issues.c.key == key
    row = (await connection.execute(select(issues).where(*named))).first()
    if row is None:
        return
    kept = {
        name: to_epoch_ms(value) if isinstance(value, datetime) else value
        for name, value in row._mapping.items()
    }
    await connection.execute(folded_issues.insert(), {"project_id": project_id, "key": key, "row": kept})
    await connection.execute(delete(issues).where(*named))


async def unfold(connection: Connection, project_id: str, key: str) -> bool:
    """Bring an issue's row back as it was put away; False where none was."""
    named = folded_issues.c.project_id == project_id, folded_issues.c.key == key
    row = (await connection.execute(select(folded_issues.c.row).where(*named))).first()
    if row is None:
        return False
    values = {
        name: from_epoch_ms(value) if value is not None and _is_moment(name) else value
        for name, value in row.row.items()
        if name in issues.c
    }
    await connection.execute(issues.insert(), values)
    await connection.execute(delete(folded_issues).where(*named))
    return True


def _is_moment(column: str) -> bool:
    return column in issues.c and isinstance(issues.c[column].type, UtcMs)
