"""Keys that programs show, and the project that is there from the start."""

import secrets
from collections.abc import Iterable
from datetime import datetime

from retrospec.domain.errors import NotFound
from retrospec.storage import projects
from retrospec.storage.database import Database
from retrospec.storage.projects import DEFAULT_PROJECT_ID, ApiKey, Project

SCOPES = ("ingest", "read", "admin", "internal")


def new_secret() -> str:
    """A fresh key: ``rs_`` and 160 random bits."""
    return f"rs_{secrets.token_hex(20)}"


async def mint_key(
    database: Database, *, project_id: str, name: str, scopes: Iterable[str], now: datetime
) -> tuple[ApiKey, str]:
    """A new key of a project and its secret, which cannot be had again. Raises NotFound."""
    secret = new_secret()
    async with database.write() as connection:
        if await projects.find_project(connection, project_id) is None:
            known = ", ".join(project.id for project in await projects.list_projects(connection))
            raise NotFound(f"There is no project {project_id!r}; there is {known}.", field="project")
        key = await projects.add_key(
            connection, project_id=project_id, name=name, scopes=frozenset(scopes), secret=secret, now=now
        )
    return key, secret


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
