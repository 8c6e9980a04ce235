"""Options that several commands share, and what they all do with settings and output."""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from retrospec.domain.settings import Settings
from retrospec.domain.settings_file import load_settings

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings file; retrospec.toml of this folder if there is one.",
)
data_option = click.option("--data", metavar="DIR", help="Data folder ([storage] dir).")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")


def store_options(command: Decorated) -> Decorated:
    """``--data`` and ``--config``, for a command that opens the database."""
    return data_option(config_option(command))


def settings_from(config: Path | None, **options: Any) -> Settings:
    """The settings in force; an option ``storage_dir`` stands for ``storage.dir``."""
    overrides = {name.replace("_", ".", 1): value for name, value in options.items()}
    return load_settings(config, environ=os.environ, overrides=overrides)


def keep_private() -> None:
    """From here on this process makes files that only its user may read: they hold recordings of people."""
    os.umask(0o077)


def print_json(value: Any) -> None:
    """``value`` as indented JSON on stdout."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns padded with spaces, the same on a terminal and in a pipe."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    for row in (headings, *rows):
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def shown_moment(moment: datetime | None) -> str:
    """``2026-11-23 13:24 UTC``, or a dash."""
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "-"


def working_on(what: str) -> AbstractContextManager[object]:
    """A moving line on a terminal's stderr while something takes long; silent elsewhere."""
    if not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status(what)
