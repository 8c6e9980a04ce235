"""``retrospec cleanup``."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrospec.cli.options import json_option, print_json, settings_from, store_options, working_on
from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings

if TYPE_CHECKING:
    from retrospec.retention.expiry import Cleaned


@click.command()
@store_options
@json_option
def cleanup(data: str | None, config: Path | None, as_json: bool) -> None:
    """Delete sessions, recordings and artifacts past retention.days, unused source maps, and files no row points at.

    The server does this by itself every so often; issues keep their counts and history.

    \b
    Example:
      retrospec cleanup --data /var/lib/retrospec
    """
    settings = settings_from(config, storage_dir=data)
    cleaned, maps, orphans = asyncio.run(_clean(settings))
    if as_json:
        print_json(
            {
                "deletedSessions": cleaned.sessions,
                "deletedIssueClusters": cleaned.tallies,
                "deletedEventObjects": cleaned.events,
                "deletedArtifactObjects": cleaned.artifacts,
                "deletedAssets": cleaned.assets,
                "failedEventObjectDelete": cleaned.failed_events,
                "failedArtifactObjectDelete": cleaned.failed_artifacts,
                "deletedSourceMaps": maps,
                "deletedOrphans": orphans,
                "retentionDays": settings.retention.days,
            }
        )
        return
    click.echo(
        f"Deleted what is older than {settings.retention.days} days: {cleaned.sessions} sessions, "
        f"{cleaned.events} recordings, {cleaned.artifacts} artifacts, {cleaned.assets} vault contents, {orphans} orphaned files; "
        f"{maps} source maps of releases unused for {settings.retention.source_map_days} days."
    )
    if failed := cleaned.failed_events + cleaned.failed_artifacts:
        click.echo(f"{failed} files could not be deleted now; the next clean-up tries again.", err=True)


async def _clean(settings: Settings) -> "tuple[Cleaned, int, int]":
    from retrospec.cli.opened import existing_database
    from retrospec.retention.expiry import clean_up, sweep_orphans
    from retrospec.retention.source_maps import forget_unused_maps
    from retrospec.storage.blobs import Blobs

    async with existing_database(settings) as database:
        blobs = Blobs.open(settings.blobs_url)
        with working_on("Deleting what is past its time"):
            kept = settings.retention
            cleaned = await clean_up(
                database, blobs, days=kept.days, now=utc_now(), recording_days=kept.recording_days, artifact_days=kept.artifact_days
            )
            days = settings.retention.source_map_days
            maps = await forget_unused_maps(database, blobs, days=days, now=utc_now())
        with working_on("Looking for files that no session owns"):
            return cleaned, maps, await sweep_orphans(database, blobs, now=utc_now())
