"""``retrospec project``: sites, or groups of sites, watched together."""

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrospec.cli.options import (
    json_option,
    print_json,
    print_table,
    settings_from,
    shown_moment,
    store_options,
)
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import BadRequest, Conflict
from retrospec.domain.ids import is_client_id, site_slug
from retrospec.domain.settings import Settings

if TYPE_CHECKING:
    from retrospec.storage.projects import Project


@click.group()
def project() -> None:
    """Make and list projects.

    \b
    Example:
      retrospec project list
    """


@project.command("create")
@click.argument("name")
@click.option("--id", "project_id", help="Its id; made from the name unless given.")
@store_options
@json_option
def create(name: str, project_id: str | None, data: str | None, config: Path | None, as_json: bool) -> None:
    """Make a project called NAME; prints its id on the last line.

    \b
    Example:
      retrospec project create "Web shop"
    """
    chosen = project_id or f"proj_{site_slug(name).replace('-', '_')}"
    if not name.strip() or not re.search(r"\w", name):
        raise BadRequest("The name is empty; give the project one.")
    if not is_client_id(chosen):
        raise BadRequest(f"{chosen!r} cannot be an id; use up to 128 of A-Z a-z 0-9 . _ : -")
    asyncio.run(_create(settings_from(config, storage_dir=data), chosen, name.strip()))
    if as_json:
        print_json({"id": chosen, "name": name.strip()})
        return
    click.echo(
        f"Made the project {name.strip()}. A key for its pages: retrospec key create --project {chosen} --scopes ingest"
    )
    click.echo(chosen)


async def _create(settings: Settings, project_id: str, name: str) -> None:
    from retrospec.cli.opened import made_database
    from retrospec.storage import projects

    async with made_database(settings) as database, database.write() as connection:
        if not await projects.create_project(connection, projects.Project(project_id, name, utc_now())):
            raise Conflict(
                f"There is a project {project_id!r} already; choose another name, or an id with --id."
            )


@project.command("list")
@store_options
@json_option
def list_projects(data: str | None, config: Path | None, as_json: bool) -> None:
    """List the projects, oldest first.

    \b
    Example:
      retrospec project list --json
    """
    found = asyncio.run(_list(settings_from(config, storage_dir=data)))
    if as_json:
        print_json([{"id": each.id, "name": each.name, "createdAt": each.created_at} for each in found])
        return
    print_table(
        ("ID", "NAME", "MADE"), [(each.id, each.name, shown_moment(each.created_at)) for each in found]
    )


async def _list(settings: Settings) -> "list[Project]":
    from retrospec.cli.opened import existing_database
    from retrospec.storage import projects

    async with existing_database(settings) as database, database.read() as connection:
        return await projects.list_projects(connection)
