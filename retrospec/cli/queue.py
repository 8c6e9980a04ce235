"""``retrospec queue``: how deep it is, and its dead letters."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

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
from retrospec.domain.errors import NotFound
from retrospec.domain.settings import Settings

if TYPE_CHECKING:
    from retrospec.storage.database import Database
    from retrospec.storage.queue import DeadLetter

T = TypeVar("T")
MANY = 1_000_000
all_option = click.option("--all", "is_all", is_flag=True, help="Every dead letter.")


def _with_database(settings: Settings, work: "Callable[[Database], Awaitable[T]]") -> T:
    from retrospec.cli.opened import existing_database

    async def run() -> T:
        async with existing_database(settings) as database:
            return await work(database)

    return asyncio.run(run())


@click.group(invoke_without_command=True)
@store_options
@json_option
@click.pass_context
def queue(context: click.Context, data: str | None, config: Path | None, as_json: bool) -> None:
    """How many sessions wait at each stage, since when, and how many were given up.

    \b
    Examples:
      retrospec queue --data /var/lib/retrospec
      retrospec queue dead
      retrospec queue retry --all
    """
    if context.invoked_subcommand is not None:
        return
    from retrospec.storage import queue as stored

    async def look(database: "Database") -> tuple[Any, int]:
        async with database.read() as connection:
            return await stored.depths(connection, now=utc_now()), await stored.count_dead(connection)

    depths, dead = _with_database(settings_from(config, storage_dir=data), look)
    if as_json:
        print_json({"stages": depths, "dead": dead})
        return
    rows = [
        (d.stage, str(d.waiting), str(d.held), str(d.retrying), str(d.later), shown_moment(d.oldest_due_at)) for d in depths
    ]
    print_table(("STAGE", "WAITING", "IN WORK", "RETRYING", "LATER", "OLDEST DUE"), rows)
    click.echo(f"\nDead letters: {dead}{' (retrospec queue dead)' if dead else ''}")


@queue.command("dead")
@store_options
@json_option
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Most to list.")
def dead_command(data: str | None, config: Path | None, as_json: bool, limit: int) -> None:
    """List the sessions that were given up, the latest first.

    \b
    Example:
      retrospec queue dead --limit 10
    """
    letters = _letters(settings_from(config, storage_dir=data), "", limit)
    if as_json:
        print_json(letters)
        return
    rows = [(each.session_id, each.stage, shown_moment(each.died_at), each.error.splitlines()[0][:100]) for each in letters]
    print_table(("SESSION", "STAGE", "GIVEN UP", "ERROR"), rows)


@queue.command("show")
@click.argument("session_id")
@store_options
@json_option
def show_command(session_id: str, data: str | None, config: Path | None, as_json: bool) -> None:
    """Everything known of one dead letter.

    \b
    Example:
      retrospec queue show 01k9abcdefghjkmnpqrstvwxyz
    """
    letters = _named(settings_from(config, storage_dir=data), session_id)
    if as_json:
        print_json(letters)
        return
    for each in letters:
        click.echo(f"session   {each.session_id} (project {each.project_id})")
        click.echo(f"given up  {shown_moment(each.died_at)} at {each.stage or 'an unknown stage'}, attempt {each.attempt}")
        click.echo(f"payload   {each.payload or '-'} ({each.chunk_count} chunks, {each.size_bytes:,} bytes, {each.marker_count} markers)")
        click.echo(f"error     {each.error}")


@queue.command("retry")
@click.argument("session_id", required=False)
@all_option
@store_options
def retry_command(session_id: str | None, is_all: bool, data: str | None, config: Path | None) -> None:
    """Put one dead letter, or all, back to the first stage; a running server takes them up by itself.

    \b
    Example:
      retrospec queue retry --all
    """
    settings = settings_from(config, storage_dir=data)
    letters = _chosen(settings, session_id, is_all=is_all)
    from retrospec.storage import queue as stored

    async def revive(database: "Database") -> int:
        async with database.write() as connection:
            return await stored.revive(connection, _names(letters), now=utc_now())

    click.echo(f"{_with_database(settings, revive) if letters else 0} put back.")


@queue.command("drop")
@click.argument("session_id", required=False)
@all_option
@store_options
def drop_command(session_id: str | None, is_all: bool, data: str | None, config: Path | None) -> None:
    """Delete one dead letter, or all, with recording and markers.

    \b
    Example:
      retrospec queue drop 01k9abcdefghjkmnpqrstvwxyz
    """
    settings = settings_from(config, storage_dir=data)
    letters = _chosen(settings, session_id, is_all=is_all)
    from retrospec.retention.expiry import Cleaned, forget
    from retrospec.storage.blobs import Blobs

    cleaned = Cleaned()

    async def drop(database: "Database") -> None:
        await forget(database, Blobs.open(settings.blobs_url), _names(letters), cleaned, now=utc_now())

    if letters:
        _with_database(settings, drop)
    click.echo(f"{cleaned.sessions} deleted.")


def _chosen(settings: Settings, session_id: str | None, *, is_all: bool) -> "list[DeadLetter]":
    if is_all == bool(session_id):
        raise click.UsageError("Name one session, or say --all.")
    return _named(settings, session_id) if session_id else _letters(settings, "", MANY)


def _named(settings: Settings, session_id: str) -> "list[DeadLetter]":
    letters = _letters(settings, session_id, MANY)
    if not letters:
        raise NotFound(f"No dead letter is called {session_id}.", hint="`retrospec queue dead` lists them.")
    return letters


def _letters(settings: Settings, session_id: str, limit: int) -> "list[DeadLetter]":
    from retrospec.storage import queue as stored

    async def read(database: "Database") -> "list[DeadLetter]":
        async with database.read() as connection:
            return await stored.dead_letters(connection, session_id=session_id, limit=limit)

    return _with_database(settings, read)


def _names(letters: "list[DeadLetter]") -> list[tuple[str, str]]:
    return [(each.project_id, each.session_id) for each in letters]
