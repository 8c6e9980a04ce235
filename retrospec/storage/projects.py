"""Projects and their keys."""

import hashlib
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, delete, select, update

from retrospec.domain.ids import new_id
from retrospec.storage.database import Connection
from retrospec.storage.tables import api_keys, key_usage, projects
from retrospec.storage.upsert import insert_new, upsert

DEFAULT_PROJECT_ID = "proj_default"


class Project(msgspec.Struct):
    """A site or a group of sites watched together."""

    id: str
    name: str
    created_at: datetime


class ApiKey(msgspec.Struct, kw_only=True):
    """A key as stored: never the secret itself, but for ingest-only keys, which are public in every page."""

    id: str
    project_id: str
    name: str
    scopes: frozenset[str]
    hint: str
    public_value: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    origins: list[str] = []
    """Pages that may send with it, by origin; empty: any."""
    requests_per_second: float = 0.0
    """For all its users together; 0 is no limit of its own."""
    daily_mb: int = 0
    """What may be sent with it in a day (UTC); 0 is no limit."""
    ends_at: datetime | None = None
    """When it stops by itself: a key that was rotated."""

    def is_live(self, now: datetime) -> bool:
        """Whether it opens anything now."""
        return self.revoked_at is None and (self.ends_at is None or now < self.ends_at)


class KeyLimits(msgspec.Struct, kw_only=True, frozen=True):
    """What narrows a key beside its scopes."""

    origins: tuple[str, ...] = ()
    requests_per_second: float = 0.0
    daily_mb: int = 0


NO_LIMITS = KeyLimits()


def secret_hash(secret: str) -> str:
    """SHA-256 in hex; keys carry 160 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def create_project(connection: Connection, project: Project) -> bool:
    """Add a project; False when the id is taken."""
    added = await connection.execute(
        insert_new(connection, projects),
        {"id": project.id, "name": project.name, "created_at": project.created_at},
    )
    return added.rowcount == 1


_PROJECTS = select(projects.c.id, projects.c.name, projects.c.created_at).order_by(projects.c.created_at, projects.c.id)


async def list_projects(connection: Connection) -> list[Project]:
    """All projects, oldest first."""
    found = await connection.execute(_PROJECTS)
    return [Project(row.id, row.name, row.created_at) for row in found]


async def find_project(connection: Connection, project_id: str) -> Project | None:
    """The project, or None."""
    row = (await connection.execute(select(projects).where(projects.c.id == project_id))).first()
    return None if row is None else Project(row.id, row.name, row.created_at)


async def redaction_of(connection: Connection, project_id: str) -> dict[str, Any]:
    """What a project adds to the redaction rules; empty for none, and for an unknown project."""
    found = await connection.scalar(select(projects.c.redaction).where(projects.c.id == project_id))
    return found or {}


async def set_redaction(connection: Connection, project_id: str, changes: dict[str, Any]) -> None:
    """Change what a project adds to the redaction rules; what is stored already stays as it is."""
    await connection.execute(update(projects).where(projects.c.id == project_id).values(redaction=changes))


async def add_key(
    connection: Connection,
    *,
    project_id: str,
    name: str,
    scopes: frozenset[str],
    secret: str,
    now: datetime,
    limits: KeyLimits = NO_LIMITS,
) -> ApiKey:
    """Store a new key; only its hash is kept unless it is ingest-only."""
    key = ApiKey(
        id=new_id("key"),
        project_id=project_id,
        name=name,
        scopes=scopes,
        hint=secret[:10],
        public_value=secret if scopes == {"ingest"} else "",
        created_at=now,
        last_used_at=None,
        revoked_at=None,
        origins=list(limits.origins),
        requests_per_second=limits.requests_per_second,
        daily_mb=limits.daily_mb,
    )
    stored = msgspec.structs.asdict(key) | {
        "scopes": ",".join(sorted(scopes)),
        "secret_hash": secret_hash(secret),
    }
    await connection.execute(api_keys.insert().values(**stored))
    return key


async def find_key(connection: Connection, secret: str) -> ApiKey | None:
    """The key whose secret this is, revoked or not; None if unknown."""
    row = (
        await connection.execute(select(api_keys).where(api_keys.c.secret_hash == secret_hash(secret)))
    ).first()
    return None if row is None else _to_key(row)


async def list_keys(connection: Connection, project_id: str | None = None) -> list[ApiKey]:
    """Keys of one project, or of all, oldest first."""
    query = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
    if project_id is not None:
        query = query.where(api_keys.c.project_id == project_id)
    return [_to_key(row) for row in await connection.execute(query)]


async def find_key_by_id(connection: Connection, project_id: str, key_id: str) -> ApiKey | None:
    """A project's key, revoked or not; None if it has no such one."""
    row = (
        await connection.execute(
            select(api_keys).where(api_keys.c.project_id == project_id, api_keys.c.id == key_id)
        )
    ).first()
    return None if row is None else _to_key(row)


async def revoke_key(
    connection: Connection, key_id: str, *, now: datetime, project_id: str | None = None
) -> bool:
    """Revoke at once; False when there is no such key (in that project) or it was revoked before."""
    wanted = [api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None)]
    if project_id is not None:
        wanted.append(api_keys.c.project_id == project_id)
    done = await connection.execute(update(api_keys).where(*wanted).values(revoked_at=now))
    return done.rowcount == 1


async def end_key(connection: Connection, project_id: str, key_id: str, *, at: datetime) -> None:
    """Let a key stop by itself at a moment."""
    await connection.execute(
        update(api_keys)
        .where(api_keys.c.project_id == project_id, api_keys.c.id == key_id)
        .values(ends_at=at)
    )


async def set_key_limits(connection: Connection, project_id: str, key_id: str, limits: KeyLimits) -> bool:
    """Bind a key to origins, a rate and a volume; False when there is no such key in the project."""
    done = await connection.execute(
        update(api_keys)
        .where(api_keys.c.project_id == project_id, api_keys.c.id == key_id)
        .values(
            origins=list(limits.origins),
            requests_per_second=limits.requests_per_second,
            daily_mb=limits.daily_mb,
        )
    )
    return done.rowcount == 1


async def used_bytes(connection: Connection, key_id: str, day: int) -> int:
    """What was sent with a key on a day (days since 1970)."""
    query = select(key_usage.c.bytes).where(key_usage.c.key_id == key_id, key_usage.c.day == day)
    return int(await connection.scalar(query) or 0)


async def add_used_bytes(connection: Connection, key_id: str, day: int, size_bytes: int) -> None:
    """More was sent with a key on that day; days before it are forgotten."""
    await connection.execute(
        upsert(connection, key_usage, replaced=(), added=("bytes",)),
        {"key_id": key_id, "day": day, "bytes": size_bytes},
    )
    await connection.execute(delete(key_usage).where(key_usage.c.key_id == key_id, key_usage.c.day < day))


async def touch_key(connection: Connection, key_id: str, *, now: datetime) -> None:
    """Remember when the key was last used."""
    await connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=now))


def _to_key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        project_id=row.project_id,
        name=row.name,
        scopes=frozenset(filter(None, row.scopes.split(","))),
        hint=row.hint,
        public_value=row.public_value,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        origins=row.origins,
        requests_per_second=row.requests_per_second,
        daily_mb=row.daily_mb,
        ends_at=row.ends_at,
    )
