"""``retrospec bench seed`` and ``retrospec bench pages``: a large installation, and every page over it."""

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_sizes = (
    click.option("--sessions", type=click.IntRange(min=10), default=100_000, show_default=True),
    click.option("--issues", type=click.IntRange(min=10), default=10_000, show_default=True),
    click.option("--markers", type=click.IntRange(min=10), default=1_000_000, show_default=True),
)


def _sized(command: F) -> F:
    for option in reversed(_sizes):
        command = option(command)
    return command


def _note(phase: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{phase:<60} {done:,} of {total:,}", nl=done == total, err=True)


_database = click.option("--database", envvar="RETROSPEC_BENCH_DATABASE", default="", help="An empty PostgreSQL database to fill, instead of SQLite.")


@click.command("seed")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@_database
@_sized
def seed_command(folder: Path, database: str, sessions: int, issues: int, markers: int) -> None:
    """Fill a new data folder with rows of a large installation (no recordings).

    \b
    Example:
      retrospec bench seed ./large --sessions 100000
    """
    import asyncio

    from retrospec.bench.seed_rows import seed_rows
    from retrospec.domain.settings import Settings, StorageSettings

    if folder.exists() and any(folder.iterdir()):
        raise click.ClickException(f"{folder} is not empty.")
    folder.mkdir(parents=True, exist_ok=True)
    url = database or Settings(storage=StorageSettings(dir=str(folder))).database_url
    asyncio.run(seed_rows(url, sessions, issues, markers, _note))
    click.echo(f"{folder}: {sessions:,} sessions, {issues:,} issues, {markers:,} markers")


@click.command("pages")
@click.option("--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A folder that `bench seed` filled; without it one is made and deleted.")
@_database
@_sized
@click.option("--json", "is_json", is_flag=True, help="Print JSON for a program to read.")
def pages_command(folder: Path | None, database: str, sessions: int, issues: int, markers: int, is_json: bool) -> None:
    """Server time, compressed size and query plans of every page and part, over a large installation.

    Exits with 1 when a page is slower than 30 ms (p95; 50 ms on PostgreSQL), larger than 60 KB at first load, or
    reads a whole table.

    \b
    Example:
      retrospec bench pages --sessions 100000 --issues 10000 --markers 1000000
      retrospec bench pages --database postgresql://… --sessions 1000000 --markers 5000000
    """
    from retrospec.bench.pages import P95_LARGE_MS, P95_MS, as_json, figures_of, run_pages, show
    from retrospec.cli.bench_operations import show as show_figures

    if folder is not None:
        found = run_pages(folder, None, _note, database_url=database)
    else:
        with TemporaryDirectory(prefix="retrospec-pages-") as made:
            found = run_pages(Path(made), (sessions, issues, markers), _note, database_url=database)
    figures = figures_of(found, p95_ms=P95_LARGE_MS if database else P95_MS)
    if is_json:
        click.echo(as_json(found))
    else:
        show(found)
        show_figures(figures)
    sys.exit(0 if all(one.is_met for one in figures) else 1)


PAGES: tuple[click.Command, ...] = (seed_command, pages_command)
