"""``retrospec scan``: what today's redaction rules find in what is stored."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from retrospec.cli.options import json_option, print_json, settings_from, store_options
from retrospec.domain.settings import Settings

if TYPE_CHECKING:
    from retrospec.scanning import Scanned


@click.command()
@click.option("--project", "project_id", default="proj_default", show_default=True, help="The project's id.")
@click.option("--mend", is_flag=True, help="Replace each recording by its redacted self. Cannot be undone.")
@store_options
@json_option
def scan(project_id: str, mend: bool, data: str | None, config: Path | None, as_json: bool) -> None:
    """Look through stored recordings for what today's redaction rules would remove.

    Exits with 1 when something was found and left.

    \b
    Example:
      retrospec scan --project proj_default
    """
    found = asyncio.run(_scan(settings_from(config, storage_dir=data), project_id, mend))
    if as_json:
        print_json([msgspec.to_builtins(each) for each in found])
    else:
        _tell(found)
    if any(not each.is_mended for each in found):
        raise SystemExit(1)


async def _scan(settings: Settings, project_id: str, mend: bool) -> "list[Scanned]":
    from retrospec.cli.opened import existing_database
    from retrospec.scanning import scan as look_through
    from retrospec.storage.blobs import Blobs

    blobs = Blobs.open(settings.blobs_url)
    async with existing_database(settings) as database:
        found = look_through(database, blobs, settings.capture, project_id=project_id, mend=mend)
        return [each async for each in found]


def _tell(found: "list[Scanned]") -> None:
    total: Counter[str] = Counter()
    for each in found:
        total.update(each.counts)
        counts = each.problem or ", ".join(f"{count} {kind}" for kind, count in sorted(each.counts.items()))
        click.echo(f"{each.session_id}  {counts}{'  (removed)' if each.is_mended else ''}")
    said = ", ".join(f"{count} {kind}" for kind, count in total.most_common()) or "nothing"
    click.echo(f"Found {said}, in {len({each.session_id for each in found})} sessions.")
