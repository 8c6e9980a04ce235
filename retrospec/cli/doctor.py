"""``retrospec doctor``."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrospec.cli.options import json_option, print_json, settings_from, store_options, working_on
from retrospec.domain.errors import SettingsError
from retrospec.domain.settings import Settings

if TYPE_CHECKING:
    from retrospec.checkup import Check


@click.command()
@store_options
@json_option
@click.option("--quick", is_flag=True, help="Without the made-up session.")
def doctor(data: str | None, config: Path | None, as_json: bool, quick: bool) -> None:
    """Look for what keeps this installation from working well; say what to do about it.

    Looks at the settings, the browser (and draws a frame with it), the data folder, the disk, the
    database, the queue, the built files, the clock, the public address as visitors' browsers see it, models,
    blob store and backups, and sends a made-up session through a server of its own. Changes nothing, and may run beside the server:
    best as the server's own user. Exits with 1 when there is a problem; a warning is none.

    \b
    Example:
      retrospec doctor --data /var/lib/retrospec
    """
    from retrospec.checkup import Level, check_assets

    try:
        settings = settings_from(config, storage_dir=data)
    except SettingsError as error:
        checks = [*_wrong_settings(error), check_assets()]
    else:
        with working_on("Looking"):
            checks = asyncio.run(_look(settings))
            if not quick:
                checks.append(_walk(settings))
    has_problem = any(check.level is Level.PROBLEM for check in checks)
    if as_json:
        print_json({"ok": not has_problem, "findings": checks})
    else:
        _print(checks)
    sys.exit(1 if has_problem else 0)


async def _look(settings: Settings) -> "list[Check]":
    from retrospec.checkup import (
        Check,
        Level,
        check_assets,
        check_browser,
        check_database,
        check_disk,
        check_folder,
    )
    from retrospec.outlook import look_outside

    return [
        Check("settings", Level.OK, "The settings are valid."),
        check_assets(),
        *await check_browser(settings),
        check_folder(settings),
        check_disk(settings),
        *await check_database(settings),
        *await look_outside(settings),
    ]


def _walk(settings: Settings) -> "Check":
    from retrospec.cli.doctor_walk import walk

    return walk(settings)


def _wrong_settings(error: SettingsError) -> "list[Check]":
    from retrospec.checkup import Check, Level

    remedy = "Correct it and run this again: the rest is looked at once the settings are valid."
    return [Check("settings", Level.PROBLEM, line, remedy) for line in error.message.splitlines()]


def _print(checks: "list[Check]") -> None:
    from retrospec.checkup import Level

    width = max(len(check.name) for check in checks)
    for check in checks:
        click.echo(f"{check.level:<8} {check.name:<{width}}  {check.sentence}")
        if check.remedy:
            click.echo(f"{'':<8} {'':<{width}}  → {check.remedy}")
    counts = {level: sum(check.level is level for check in checks) for level in (Level.PROBLEM, Level.WARNING)}
    if any(counts.values()):
        told = (f"{count} {level}{'s' if count > 1 else ''}" for level, count in counts.items() if count)
        click.echo(f"\n{', '.join(told).capitalize()}.")
    else:
        click.echo("\nAll is well.")
