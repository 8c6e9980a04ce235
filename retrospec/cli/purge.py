"""``retrospec purge`` and ``retrospec retention``."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrospec.cli.options import json_option, print_json, print_table, settings_from, store_options
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import NotFound
from retrospec.domain.settings import Settings

if TYPE_CHECKING:
    from retrospec.retention.purge import Receipt
    from retrospec.storage.terms import Terms


@click.command()
@click.option("--user", metavar="ID", help="Everything of this user (the site's own id) or visitor.")
@click.option("--session", "session_id", metavar="ID", help="This session.")
@click.option("--project", "project_id", metavar="ID", help="This project with all it has.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_options
@json_option
def purge(
    user: str | None, session_id: str | None, project_id: str | None, yes: bool,
    data: str | None, config: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Erase a person, a session or a project for good, and print what was erased.

    Issues keep their counts, which name nobody. Backups made before still hold what was erased; the receipt
    names them.

    \b
    Example:
      retrospec purge --user customer-17 --yes
    """
    if sum(map(bool, (user, session_id, project_id))) != 1:
        raise click.UsageError("Name one of --user, --session and --project.")
    settings = settings_from(config, storage_dir=data)
    if not yes:
        click.confirm("This cannot be undone. Erase?", abort=True, err=True)
    receipt = asyncio.run(_purge(settings, user, session_id, project_id))
    if not any(receipt.rows.values()):
        raise NotFound(f"Nothing is stored of {receipt.what}.")
    if as_json:
        print_json(receipt)
        return
    click.echo(f"Erased: {receipt.what}, {receipt.erased_at:%Y-%m-%d %H:%M:%S} UTC")
    click.echo(f"files    {receipt.recordings} recordings, {receipt.artifacts} artifacts, {receipt.bytes:,} bytes")
    for name, count in sorted(receipt.rows.items()):
        if count:
            click.echo(f"rows     {count} {name.replace('_', ' ')}")
    if receipt.not_deleted:
        click.echo(f"left     {receipt.not_deleted} files could not be deleted now; `retrospec cleanup` tries again")
    if receipt.is_in_log:
        click.echo("log      retrospec.db-wal may still hold it: another program reads it all the time. Stop that (Litestream?), restart the server")
    click.echo(f"backups  {', '.join(receipt.backups) or 'none'}" + (" still hold it" if receipt.backups else ""))


async def _purge(settings: Settings, user: str | None, session_id: str | None, project_id: str | None) -> "Receipt":
    from retrospec.cli.opened import existing_database
    from retrospec.retention import purge as purging
    from retrospec.storage.blobs import Blobs

    async with existing_database(settings) as database:
        blobs, now = Blobs.open(settings.blobs_url), utc_now()
        if user:
            receipt = await purging.erase_person(database, blobs, user, now=now)
        elif session_id:
            receipt = await purging.erase_session(database, blobs, session_id, now=now)
        else:
            receipt = await purging.erase_project(database, blobs, project_id or "", now=now)
    receipt.backups = [blob.key async for blob in Blobs.open(settings.backup_url).list("")]
    return receipt


@click.command()
@click.argument("project_id", required=False)
@click.option("--days", type=click.IntRange(0, 3650), help="Sessions; 0 takes retention.days.")
@click.option("--recording-days", type=click.IntRange(0, 3650), help="Recordings; 0 goes with the session.")
@click.option("--artifact-days", type=click.IntRange(0, 3650), help="Pictures, films, analyses; 0 goes with the session.")
@store_options
def retention(
    project_id: str | None, days: int | None, recording_days: int | None, artifact_days: int | None,
    data: str | None, config: Path | None,
) -> None:  # fmt: skip
    """Show how long each project keeps what, or give PROJECT_ID terms of its own.

    \b
    Example:
      retrospec retention proj_shop --days 30 --recording-days 7
    """
    settings = settings_from(config, storage_dir=data)
    changed = {"days": days, "recording_days": recording_days, "artifact_days": artifact_days}
    own, names = asyncio.run(_retention(settings, project_id, {key: value for key, value in changed.items() if value is not None}))
    general = settings.retention
    rows = []
    for name in names:
        chosen = own.get(name)
        sessions = (chosen.days if chosen else 0) or general.days
        recordings = (chosen.recording_days if chosen else general.recording_days) or sessions
        artifacts = (chosen.artifact_days if chosen else general.artifact_days) or sessions
        rows.append((name, *(f"{min(each, sessions)} days" for each in (sessions, recordings, artifacts)), "its own" if chosen else "settings"))
    print_table(("PROJECT", "SESSIONS", "RECORDINGS", "ARTIFACTS", "FROM"), rows)


async def _retention(settings: Settings, project_id: str | None, changed: dict[str, int]) -> "tuple[dict[str, Terms], list[str]]":
    import msgspec

    from retrospec.cli.opened import existing_database
    from retrospec.storage import projects, terms

    async with existing_database(settings) as database:
        async with database.read() as connection:
            names = [project.id for project in await projects.list_projects(connection)]
            own = await terms.of_projects(connection)
        if project_id and project_id not in names:
            raise NotFound(f"There is no project {project_id}.", hint="`retrospec project list` lists them.")
        if project_id and changed:
            own[project_id] = msgspec.structs.replace(own.get(project_id, terms.Terms()), **changed)
            async with database.write() as connection:
                await terms.set_terms(connection, project_id, own[project_id])
            async with database.read() as connection:
                own = await terms.of_projects(connection)
    return own, [project_id] if project_id else names
