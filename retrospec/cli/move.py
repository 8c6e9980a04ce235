"""``retrospec move``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrospec.cli.options import json_option, keep_private, print_json, settings_from, store_options
from retrospec.domain.settings_catalog import without_password
from retrospec.domain.settings_file import load_settings

if TYPE_CHECKING:
    from retrospec.moving import Progress


@click.command()
@click.option(
    "--to", "target", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
    help="Settings file of where everything shall be; the environment's settings do not count for it.",
)  # fmt: skip
@store_options
@json_option
def move(target: Path, data: str | None, config: Path | None, as_json: bool) -> None:
    """Move this installation to another database and blob store: SQLite and disk to PostgreSQL and S3, or back.

    Stop the server first. Everything is copied, counted and compared; the source is only read, and stays. When
    something stops the move, the same command goes on where it stopped.

    \b
    Example:
      retrospec move --config retrospec.toml --to retrospec-large.toml
    """
    settings = settings_from(config, storage_dir=data)
    goal = load_settings(target, environ={}, overrides={})
    keep_private()
    from retrospec import moving

    with _bars() as progress:
        moved = moving.move(settings, goal, progress)
    if as_json:
        print_json({"rows": moved.rows, "moved": moved})
        return
    where = without_password(goal.database_url)
    click.echo(f"Moved {moved.rows:,} rows of {len(moved.tables)} tables and {moved.blobs:,} files ({moved.bytes / 1e6:,.1f} MB) to {where}.")
    click.echo("Counts and checksums of every table are the same on both sides, and every file was read back.")
    if not moved.keeps_links:
        click.echo("Links to artifacts that were signed before no longer work: the signing secret is another.")
    click.echo(f"Start it with: retrospec serve --config {target}")
    click.echo(f"The source was not changed: {without_password(settings.database_url)}. Delete it once you are content.")


@contextmanager
def _bars() -> "Iterator[Progress]":
    """A bar for each part on a terminal's stderr; silence elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console, parts = Console(stderr=True), dict[str, TaskID]()
    columns = (TextColumn("{task.description:<10}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:

        def advance(what: str, share: float) -> None:
            if what not in parts:
                parts[what] = bars.add_task(what, total=1.0)
            bars.update(parts[what], completed=share)

        yield advance
