"""``retrospec import``."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from retrospec.cli.options import json_option, print_json, settings_from, store_options
from retrospec.domain.errors import NotFound, RetroSpecError
from retrospec.domain.settings import Settings

if TYPE_CHECKING:
    from retrospec.cli.bars import Advance
    from retrospec.intake import Intake
    from retrospec.storage.blobs import Blobs
    from retrospec.storage.database import Database


class Outcome(msgspec.Struct, rename="camel", omit_defaults=True):
    """What became of one file; ``error`` where it became nothing."""

    file: str
    id: str = ""
    url: str = ""
    events: int = 0
    was_there: bool = False
    status: str = ""
    """Its report's: ``ready`` (a failure), ``discarded`` (none), ``failed``; ``pending`` while nobody has judged it."""
    verdict: str = ""
    error: str = ""


class Wish(msgspec.Struct):
    """What was asked for."""

    settings: Settings
    files: tuple[str, ...]
    project_id: str
    site: str
    walks_now: bool


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--project", "project_id", default="proj_default", show_default=True, help="The project's id.")
@click.option("--site", default="", help="The site they are of; without it the host of each first page.")
@click.option("--now", "walks_now", is_flag=True, help="Judge them in this process, without a server.")
@store_options
@json_option
def import_files(
    files: tuple[str, ...], project_id: str, site: str, walks_now: bool, data: str | None, config: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Put rrweb recordings into the database as sessions, redacted and judged like any other.

    Takes what `retrospec analyze` reads. A running server judges them within seconds; --now does it here.
    A recording that was imported before is left as it is. Exits with 1 when a file could not be imported.

    \b
    Examples:
      retrospec import session.json --project proj_default --data /var/lib/retrospec
      retrospec import *.json.gz --site shop.example --now
    """
    from retrospec.storage.folder import is_held

    settings = settings_from(config, storage_dir=data)
    outcomes = asyncio.run(_import(Wish(settings, files, project_id, site, walks_now)))
    has_server = is_held(settings.data_dir)
    if as_json:
        print_json({"serverRuns": has_server, "sessions": outcomes})
    for outcome in outcomes:
        _show(outcome, as_json)
    if any(outcome.status == "pending" for outcome in outcomes):
        click.echo(_what_next(settings, has_server), err=True)
    sys.exit(1 if any(outcome.error for outcome in outcomes) else 0)


def _show(outcome: Outcome, as_json: bool) -> None:
    from retrospec.cli.analyze_show import clean

    if outcome.error:
        click.echo(f"retrospec: {outcome.error}", err=True)
    elif not as_json:
        was_there = "imported before" if outcome.was_there else ""
        verdict = clean(f"{outcome.status}: {outcome.verdict}" if outcome.verdict else outcome.status)
        told = (outcome.id, outcome.file, f"{outcome.events:,} events", was_there, verdict, outcome.url)
        click.echo("  ".join(filter(None, told)))


def _what_next(settings: Settings, has_server: bool) -> str:
    if has_server:
        return "The running server judges them within seconds."
    return (
        f"No server of this machine runs over {settings.data_dir}: the next `retrospec serve` judges them. "
        "To have it done now, run this command again with --now."
    )


async def _import(wish: Wish) -> list[Outcome]:
    from retrospec.cli.bars import progress_bar
    from retrospec.cli.opened import existing_database
    from retrospec.importing import import_door
    from retrospec.storage.blobs import Blobs

    settings = wish.settings
    async with existing_database(settings) as database:
        await _require_project(database, wish.project_id)
        blobs = Blobs.open(settings.blobs_url)
        with import_door(settings, database, blobs) as door, progress_bar("Importing") as advance:
            outcomes = [
                await _import_one(door, wish, name, number, advance) for number, name in enumerate(wish.files)
            ]
        kept = [outcome for outcome in outcomes if outcome.id]
        if wish.walks_now:
            await _judge(wish, database, blobs, kept)
        for outcome in kept:
            await _note_verdict(database, wish.project_id, outcome)
    return outcomes


async def _require_project(database: "Database", project_id: str) -> None:
    from retrospec.storage import projects

    async with database.read() as connection:
        known = [project.id for project in await projects.list_projects(connection)]
    if project_id not in known:
        raise NotFound(f"There is no project {project_id!r}; there is {', '.join(known)}.")


async def _import_one(door: "Intake", wish: Wish, name: str, number: int, advance: "Advance") -> Outcome:
    from retrospec.cli.recording_file import recording_at
    from retrospec.importing import import_recording

    advance(number / len(wish.files))
    try:
        recording = await asyncio.to_thread(recording_at, name)
        source = "".join(c for c in Path(name).name if c.isprintable())[:256]
        made = await import_recording(door, wish.project_id, recording, site=wish.site, source=source)
    except RetroSpecError as error:
        sentence = " ".join(filter(None, (error.message, error.hint)))
        return Outcome(name, error=sentence if Path(name).name in sentence else f"{name}: {sentence}")
    public_url = wish.settings.server.public_url.rstrip("/")
    url = f"{public_url}/p/{wish.project_id}/sessions/{made.session_id}" if public_url else ""
    return Outcome(name, made.session_id, url, made.event_count, not made.is_new)


async def _judge(wish: Wish, database: "Database", blobs: "Blobs", kept: list[Outcome]) -> None:
    """Walk each session to its end in this process."""
    from retrospec.cli.bars import progress_bar
    from retrospec.importing import own_pipeline
    from retrospec.telemetry import set_up_logging

    set_up_logging(wish.settings.server)
    async with own_pipeline(wish.settings, database, blobs) as pipeline:
        with progress_bar("Judging") as advance:
            for number, outcome in enumerate(kept):
                advance(number / len(kept))
                await pipeline.advance(wish.project_id, outcome.id)


async def _note_verdict(database: "Database", project_id: str, outcome: Outcome) -> None:
    from retrospec.importing import report_of

    report = await report_of(database, project_id, outcome.id)
    outcome.status = str(report.status) if report else "pending"
    if report:
        outcome.verdict = report.symptom if report.status == "ready" else report.reason
