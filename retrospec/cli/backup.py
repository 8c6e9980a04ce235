"""``retrospec backup`` and ``retrospec restore``."""

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrospec.cli.options import (
    json_option,
    keep_private,
    print_json,
    settings_from,
    store_options,
    working_on,
)
from retrospec.domain.settings import Settings

if TYPE_CHECKING:
    from retrospec.backup import Backup


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@store_options
@json_option
def backup(file: Path | None, data: str | None, config: Path | None, as_json: bool) -> None:
    """Copy the database and all recordings into one file, while the server runs.

    Without FILE it goes to backup.url, where the oldest beyond backup.keep are deleted.

    \b
    Examples:
      retrospec backup /mnt/backups/today.tar
      retrospec backup
    """
    settings = settings_from(config, storage_dir=data)
    keep_private()
    whole = file.expanduser().resolve() if file else None
    with working_on("Copying"):
        made, gone, place = asyncio.run(_back_up(settings, whole))
    if as_json:
        print_json({"backup": made, "rotated": gone, "place": place})
        return
    click.echo(f"{place}/{made.name}: {made.size_bytes / 1e6:,.1f} MB, {made.rows['sessions']:,} sessions, {made.blobs:,} files.")
    if made.missing:
        click.echo(f"{made.missing} files were deleted by the clean-up while the backup ran.")
    for name in gone:
        click.echo(f"Deleted the older {name}.")


async def _back_up(settings: Settings, file: Path | None) -> "tuple[Backup, list[str], str]":
    from retrospec.backup import back_up, rotate
    from retrospec.storage.blobs import Blobs

    if file is not None:
        folder = file.parent
        made = await back_up(settings, Blobs.open(f"file://{folder}"), file.name)
        return made, [], str(folder)
    store = Blobs.open(settings.backup_url)
    made = await back_up(settings, store)
    return made, await rotate(store, settings.backup.keep), settings.backup_url.removeprefix("file://")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--verify", "only_verify", is_flag=True, help="Check the backup whole, and change nothing.")
@store_options
@json_option
def restore(file: Path, only_verify: bool, data: str | None, config: Path | None, as_json: bool) -> None:
    """Put a backup in the place of what the data folder has; the server must be stopped.

    Every byte is checked before anything is replaced, and what is replaced is kept beside it.

    \b
    Example:
      retrospec restore /mnt/backups/today.tar --data /var/lib/retrospec
    """
    settings = settings_from(config, storage_dir=data)
    keep_private()
    from retrospec import backup as backups

    if only_verify:
        with tempfile.TemporaryDirectory(prefix="retrospec-verify-") as scratch, working_on("Checking"):
            manifest = backups.verify(file, Path(scratch) / "whole")
        kept = None
    else:
        with working_on("Checking and restoring"):
            manifest, kept = backups.restore(settings, file)
    if as_json:
        print_json({"rows": manifest.rows, "createdAt": manifest.created_at, "version": manifest.version, "kept": str(kept or "")})
        return
    what = f"{manifest.rows['sessions']:,} sessions and {len(manifest.files) - 1:,} other files of {manifest.created_at:%Y-%m-%d %H:%M} UTC"
    click.echo(f"{file} is whole: {what}." if only_verify else f"Restored {what}.\nWhat was there before is in {kept}; delete it once you are content.")
