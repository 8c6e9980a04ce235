"""``retrospec check``: are the settings right, and can the data folder be used?"""

import os
from pathlib import Path

import click

from retrospec.cli.options import json_option, print_json, settings_from, store_options
from retrospec.domain.errors import RetroSpecError
from retrospec.domain.settings import Settings
from retrospec.domain.settings_catalog import EffectiveSetting, effective_settings


@click.command()
@store_options
@click.option("--all", "show_all", is_flag=True, help="List the defaults too.")
@json_option
def check(data: str | None, config: Path | None, show_all: bool, as_json: bool) -> None:
    """Validate the settings; list those that are set and where each comes from.

    Exits with 2 and one line per problem where something is wrong.

    \b
    Example:
      retrospec check --config /etc/retrospec.toml
    """
    settings = settings_from(config, storage_dir=data)
    require_usable_folder(settings.data_dir)
    require_browser(settings)
    listed = [one for one in effective_settings(settings) if show_all or one.source != "default"]
    if as_json:
        print_json({"ok": True, "dataDir": str(settings.data_dir), "settings": listed})
    else:
        _print_table(listed)
        click.echo(f"The settings are right. Data folder: {settings.data_dir}")


def require_usable_folder(folder: Path) -> None:
    """Raises RetroSpecError where the data folder can neither be written to nor made."""
    standing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not standing.is_dir():
        raise RetroSpecError(
            f"storage.dir is {folder}, but {standing} is a file; name another folder with --data"
        )
    if not os.access(standing, os.W_OK | os.X_OK):
        raise RetroSpecError(
            f"storage.dir is {folder}, but this user may not write to {standing}; change its owner or use --data"
        )


def require_browser(settings: Settings) -> None:
    """Raises RetroSpecError where a browser is named that cannot be run."""
    browser = settings.replay.browser
    if browser and not os.access(browser, os.X_OK):
        where = settings.sources.get("replay.browser", "replay.browser")
        raise RetroSpecError(
            f"{where}: replay.browser is {browser}, which cannot be run; use the path of a Chromium"
        )


def _print_table(listed: list[EffectiveSetting]) -> None:
    if not listed:
        click.echo("Every setting has its default.")
        return
    key_width = max(len(one.key) for one in listed)
    for one in listed:
        click.echo(f"{one.key:<{key_width}}  {one.value}  ({one.source})")
