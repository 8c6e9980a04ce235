"""Keys that programs show, and the project that is there from the start."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from retrospec.domain.errors import BadRequest, NotFound
from retrospec.domain.web_address import address_parts
from retrospec.storage import projects
from retrospec.storage.database import Database
from retrospec.storage.projects import DEFAULT_PROJECT_ID, NO_LIMITS, ApiKey, KeyLimits, Project

SCOPES = ("ingest", "read", "admin", "internal")
MAX_ORIGINS = 50


def new_secret() -> str:
    """A fresh key: ``rs_`` and 160 random bits."""
    return f"rs_{secrets.token_hex(20)}"


async def mint_key(
    database: Database,
    *,
    project_id: str,
    name: str,
    scopes: Iterable[str],
    now: datetime,
    limits: KeyLimits = NO_LIMITS,
) -> tuple[ApiKey, str]:
    """A new key of a project and its secret, which cannot be had again. Raises BadRequest or NotFound."""
    limits = checked_limits(limits)
    secret = new_secret()
    async with database.write() as connection:
        if await projects.find_project(connection, project_id) is None:
            known = ", ".join(project.id for project in await projects.list_projects(connection))
            raise NotFound(f"There is no project {project_id!r}; there is {known}.", field="project")
        key = await projects.add_key(
            connection,
            project_id=project_id,
            name=name,
            scopes=frozenset(scopes),
            secret=secret,
            now=now,
            limits=limits,
        )
    return key, secret


async def rotate_key(
    database: Database, *, project_id: str, key_id: str, overlap: timedelta, now: datetime
) -> tuple[ApiKey, str]:
    """A key with the same name, scopes and limits, and its secret; the old one works for ``overlap`` longer.

    Raises NotFound for a key that is not in force in this project.
    """
    secret = new_secret()
    async with database.write() as connection:
        old = await projects.find_key_by_id(connection, project_id, key_id)
        if old is None or not old.is_live(now):
            raise NotFound(f"No key {key_id!r} is in force in this project.")
        limits = KeyLimits(
            origins=tuple(old.origins), requests_per_second=old.requests_per_second, daily_mb=old.daily_mb
        )
        fresh = await projects.add_key(
            connection, project_id=project_id, name=old.name, scopes=old.scopes, secret=secret, now=now, limits=limits
        )
        ends_at = min(now + overlap, old.ends_at) if old.ends_at else now + overlap
        await projects.end_key(connection, project_id, key_id, at=ends_at)
    return fresh, secret


def checked_limits(limits: KeyLimits) -> KeyLimits:
    """``limits`` with every origin in the form browsers send it. Raises BadRequest."""
    origins = tuple(dict.fromkeys(_origin(text) for text in limits.origins if text.strip()))
    if limits.requests_per_second < 0 or limits.daily_mb < 0:
        raise BadRequest("A limit cannot be negative; use 0 for none.")
    if len(origins) > MAX_ORIGINS:
        raise BadRequest(f"A key may be bound to at most {MAX_ORIGINS} origins.", field="origins")
    return KeyLimits(
        origins=origins, requests_per_second=limits.requests_per_second, daily_mb=limits.daily_mb
    )


def _origin(text: str) -> str:
    parts = address_parts(text.strip().rstrip("/").lower())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise BadRequest(
            f"{text.strip()!r} is no origin; use scheme and host alone, such as https://shop.example.com",
            field="origins",
        )
    return f"{parts.scheme}://{parts.netloc}"


async def ensure_default_project(database: Database, *, now: datetime) -> None:
    """The project ``proj_default`` with its ingest key, on a database that has no project yet."""
    async with database.write() as connection:
        if await projects.list_projects(connection):
            return
        await projects.create_project(connection, Project(DEFAULT_PROJECT_ID, "My site", now))
        await projects.add_key(
            connection,
            project_id=DEFAULT_PROJECT_ID,
            name="Site snippet",
            scopes=frozenset({"ingest"}),
            secret=new_secret(),
            now=now,
        )
