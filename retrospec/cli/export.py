"""``retrospec export``."""

import asyncio
from pathlib import Path

import click

from retrospec.cli.options import settings_from, store_options
from retrospec.domain.settings import Settings


@click.command()
@click.argument("session", metavar="SESSION")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="The file; without it the session's id with .html, here.")
@click.option("--whole", is_flag=True, help="The whole recording, not only what surrounds the failures.")
@click.option("--project", default="", help="The session's project, where several have a session of that name.")
@store_options
def export(session: str, out: Path | None, whole: bool, project: str, config: Path | None, data: str | None) -> None:
    """Write a session's failure into one HTML file that opens without a server or a network.

    A failure capsule holds the replay, pictures and styles, what failed, the report, the steps to reproduce it and what was removed
    before storing. It runs no script of the recorded site, and outlives the session. A server may run meanwhile.

    \b
    Example:
      retrospec export ses_01jd8k2v9w3m5n7p9r1t3v5x7z -o failure.html
    """
    target = out or Path(f"{session}.html")
    content = asyncio.run(_capsule(session, project, settings_from(config, storage_dir=data), whole))
    target.write_bytes(content)
    click.echo(f"{target}: {len(content) / 1e3:,.0f} kB")


async def _capsule(session_id: str, project: str, settings: Settings, whole: bool) -> bytes:
    from retrospec.capsule import make_capsule
    from retrospec.cli.opened import existing_database
    from retrospec.cli.render import project_of
    from retrospec.storage.blobs import Blobs
    from retrospec.vault.store import Vault

    async with existing_database(settings) as database:
        holder = await project_of(database, session_id, project)
        blobs = Blobs.open(settings.blobs_url)
        return await make_capsule(database, blobs, Vault(settings, database, blobs), holder, session_id, whole=whole)
