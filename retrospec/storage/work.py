"""The standing of issues beyond their own row: fixes, mutes, what is watched; and the releases of a project."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, update

from retrospec.domain.workflow import Fix, FixIn, Work
from retrospec.storage.dashboard import Cursor, past
from retrospec.storage.database import Connection
from retrospec.storage.tables import issue_work, issues, releases, watch_uses
from retrospec.storage.upsert import insert_and_tell, insert_new, upsert, upsert_all

MAX_RELEASE = 200

_ONE = select(issue_work).where(issue_work.c.project_id == bindparam("p"), issue_work.c.issue_key == bindparam("k"))
_SINCE = select(releases.c.first_seen_at).where(
    releases.c.project_id == bindparam("p"), releases.c.release == bindparam("r")
)


def to_work(row: Any) -> Work:
    """A row as its domain object."""
    fix = None
    if row.fix_in and row.resolved_at is not None:
        fix = Fix(fix_in=FixIn(row.fix_in), resolved_at=row.resolved_at, release=row.fix_release)
    names = [name for name in Work.__struct_fields__ if name != "fix"]
    return Work(fix=fix, **{name: getattr(row, name) for name in names})


async def find(connection: Connection, project_id: str, key: str) -> Work:
    """The standing of one issue; an empty one where nothing was ever decided."""
    row = (await connection.execute(_ONE, {"p": project_id, "k": key})).first()
    return Work() if row is None else to_work(row)


async def change(connection: Connection, project_id: str, key: str, **values: Any) -> None:
    """Set columns of an issue's standing, whether or not it has one already."""
    names = tuple(sorted(values))
    row = {"project_id": project_id, "issue_key": key} | values
    await connection.execute(upsert(connection, issue_work, replaced=names), row)


class Uses(NamedTuple):
    """Sessions to be added to an issue's counts."""

    used_count: int = 0
    clean_count: int = 0
    failed_count: int = 0


async def add_uses(connection: Connection, project_id: str, counted: Mapping[str, Uses]) -> None:
    """Count sessions that used what these issues watch."""
    rows = [{"project_id": project_id, "issue_key": key, **uses._asdict()} for key, uses in sorted(counted.items())]
    await connection.execute(upsert_all(connection, issue_work, added=Uses._fields), rows)


_WATCHING = (
    select(issue_work, issues.c.state)
    .join(issues, (issues.c.project_id == issue_work.c.project_id) & (issues.c.key == issue_work.c.issue_key))
    .where(
        issue_work.c.project_id == bindparam("p"),
        issue_work.c.watch.in_(bindparam("names", expanding=True)),
        issue_work.c.watch != "",
        issues.c.promoted_at.is_not(None),
    )
)


async def watching(connection: Connection, project_id: str, names: Iterable[str]) -> list[tuple[str, str, Work]]:
    """Shown issues that watch any of ``names``: ``(key, state, standing)``."""
    found = await connection.execute(_WATCHING, {"p": project_id, "names": list(names)})
    return [(row.issue_key, row.state, to_work(row)) for row in found]


async def use_once(connection: Connection, project_id: str, session_id: str, keys: Sequence[str]) -> set[str]:
    """For which of these issues this session's use counts: not for those it was counted for before."""
    rows = [{"project_id": project_id, "session_id": session_id, "issue_key": key} for key in sorted(keys)]
    told = await connection.execute(insert_and_tell(connection, watch_uses, told=("issue_key",)), rows)
    return {row.issue_key for row in told}


async def due_to_unmute(connection: Connection, *, now: datetime) -> list[tuple[str, str]]:
    """Muted issues whose time is over: ``(project_id, key)``."""
    found = await connection.execute(
        select(issues.c.project_id, issues.c.key).where(issues.c.state == "muted", issues.c.muted_until <= now).limit(100)
    )
    return [(row.project_id, row.key) for row in found]


# ── releases ──────────────────────────────────────────────────────────────────────────────


async def see_release(connection: Connection, project_id: str, release: str, *, at: datetime) -> datetime:
    """Note that ``release`` was in use at ``at``; when it was first seen."""
    named = release[:MAX_RELEASE]
    await connection.execute(
        insert_new(connection, releases), {"project_id": project_id, "release": named, "first_seen_at": at}
    )
    since: datetime = await connection.scalar(_SINCE, {"p": project_id, "r": named})
    if at >= since:
        return since
    await connection.execute(
        update(releases).where(releases.c.project_id == project_id, releases.c.release == named).values(first_seen_at=at)
    )
    return at


async def release_since(connection: Connection, project_id: str, release: str) -> datetime | None:
    """When it was first seen; None while it was not."""
    since: datetime | None = await connection.scalar(_SINCE, {"p": project_id, "r": release[:MAX_RELEASE]})
    return since


_LATEST = (
    select(releases.c.release, releases.c.first_seen_at)
    .where(releases.c.project_id == bindparam("p"))
    .order_by(releases.c.first_seen_at.desc(), releases.c.release)
    .limit(bindparam("most"))
)


async def latest_releases(
    connection: Connection, project_id: str, *, limit: int, after: Cursor | None = None
) -> Sequence[tuple[str, datetime]]:
    """Name and first sight, newest first."""
    query = _LATEST
    if after is not None:
        query = query.where(past(after, releases.c.first_seen_at, releases.c.release, names_fall=False))
    found = await connection.execute(query, {"p": project_id, "most": limit})
    return [(row.release, row.first_seen_at) for row in found]
