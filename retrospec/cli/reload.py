"""``retrospec reload`` and ``retrospec config diff``."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import click

from retrospec.cli.options import json_option, print_json, print_table, settings_from, store_options
from retrospec.domain.errors import NotFound, RetroSpecError
from retrospec.domain.settings import Settings
from retrospec.domain.settings_catalog import effective_settings
from retrospec.domain.settings_reload import is_live

ANSWER_DEADLINE_S = 10.0


@click.command("reload")
@store_options
def reload_command(data: str | None, config: Path | None) -> None:
    """Have the running server read its settings again; print what it took over and what waits for a restart.

    \b
    Example:
      retrospec reload --data /var/lib/retrospec
    """
    from retrospec.reloading import read_in_force
    from retrospec.storage.folder import LOCK_NAME, is_held

    folder = settings_from(config, storage_dir=data).data_dir
    if not is_held(folder):
        raise NotFound(f"No server runs over {folder}.", hint="`retrospec serve` reads the settings when it starts.")
    before = read_in_force(folder)
    os.kill(int((folder / LOCK_NAME).read_text(encoding="ascii").strip()), signal.SIGHUP)
    deadline = time.monotonic() + ANSWER_DEADLINE_S
    while time.monotonic() < deadline:
        now = read_in_force(folder)
        if now is not None and (before is None or now.at > before.at):
            break
        time.sleep(0.02)
    else:
        raise RetroSpecError(f"The server did not answer within {ANSWER_DEADLINE_S:.0f} s; see its log.")
    if now.reloaded.error:
        raise RetroSpecError(now.reloaded.error, hint="Nothing was changed.")
    click.echo(f"Taken over: {', '.join(now.reloaded.applied) or 'nothing had changed'}.")
    if now.reloaded.waiting:
        click.echo(f"Waiting for a restart: {', '.join(now.reloaded.waiting)}.")


@click.group("config")
def config_group() -> None:
    """Look at the settings."""


@config_group.command("diff")
@store_options
@json_option
def diff_command(data: str | None, config: Path | None, as_json: bool) -> None:
    """What differs between the settings as written now and those the running server goes by, or the defaults.

    Secrets stay hidden, so of one secret changed to another nothing is seen.

    \b
    Example:
      retrospec config diff --data /var/lib/retrospec
    """
    settings = settings_from(config, storage_dir=data)
    against, other = _other(settings)
    rows = [
        (each.key, other[each.key], each.value, each.source, "reload" if is_live(each.key) else "restart")
        for each in effective_settings(settings)
        if each.key in other and other[each.key] != each.value
    ]
    if as_json:
        print_json([dict(zip(("key", "in_force", "written", "source", "takes"), row, strict=True)) for row in rows])
        return
    if not rows:
        click.echo(f"The settings are {against}.")
        return
    print_table(("SETTING", against.upper(), "WRITTEN", "IN", "TAKES A"), [tuple(map(str, row)) for row in rows])


def _other(settings: Settings) -> tuple[str, dict[str, Any]]:
    from retrospec.reloading import read_in_force
    from retrospec.storage.folder import is_held

    in_force = read_in_force(settings.data_dir) if is_held(settings.data_dir) else None
    if in_force is not None:
        return "in force", in_force.values
    return "default", {each.key: each.value for each in effective_settings(Settings())}
