"""``retrospec key``: what programs show to be let in."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from retrospec.cli.options import (
    json_option,
    print_json,
    print_table,
    settings_from,
    shown_moment,
    store_options,
)
from retrospec.domain.clock import utc_now
from retrospec.domain.errors import NotFound
from retrospec.domain.settings import Settings

if TYPE_CHECKING:
    from retrospec.storage.projects import ApiKey


@click.group()
def key() -> None:
    """Make, list and revoke keys.

    \b
    Example:
      retrospec key list
    """


def known_scopes(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    """``ingest,read`` as a tuple; a usage error names the one that is unknown."""
    from retrospec.accounts.keys import SCOPES

    scopes = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        wrong = repr(unknown[0]) if unknown else "an empty list"
        raise click.BadParameter(f"{wrong} is no scope; use some of {', '.join(SCOPES)}")
    return scopes


@key.command("create")
@click.option("--project", "project_id", default="proj_default", show_default=True, help="The project's id.")
@click.option(
    "--scopes", callback=known_scopes, required=True, metavar="LIST", help="Some of ingest,read,admin,internal."
)
@click.option("--name", default="", help="What it is for, as lists show it.")
@click.option("--origin", "origins", multiple=True, help="A page's origin that may send with it; repeat for more.")
@click.option("--rate", type=float, default=0.0, help="Requests a second it allows in all; 0 is no limit of its own.")
@click.option("--daily-mb", type=int, default=0, help="MB that may be sent with it in a day; 0 is no limit.")
@store_options
@json_option
def create(
    project_id: str,
    scopes: tuple[str, ...],
    name: str,
    origins: tuple[str, ...],
    rate: float,
    daily_mb: int,
    data: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Make a key and print it, alone on the last line. It is shown this once.

    \b
    Example:
      retrospec key create --project proj_default --scopes ingest,read,admin
    """
    settings = settings_from(config, storage_dir=data)
    limits = {"origins": origins, "requests_per_second": rate, "daily_mb": daily_mb}
    made, secret = asyncio.run(_create(settings, project_id, scopes, name, limits))
    if as_json:
        print_json({**_as_json(made), "key": secret})
        return
    click.echo(
        f"Made {made.id} of {project_id} with the scopes {', '.join(scopes)}. Keep it: it is shown this once."
    )
    click.echo(secret)


async def _create(
    settings: Settings, project_id: str, scopes: tuple[str, ...], name: str, limits: dict[str, Any]
) -> tuple["ApiKey", str]:
    from retrospec.accounts.keys import mint_key
    from retrospec.cli.opened import made_database
    from retrospec.storage.projects import KeyLimits

    async with made_database(settings) as database:
        return await mint_key(
            database,
            project_id=project_id,
            name=name or "Made on the command line",
            scopes=scopes,
            now=utc_now(),
            limits=KeyLimits(**limits),
        )


@key.command("list")
@click.option("--project", "project_id", help="Only keys of this project.")
@store_options
@json_option
def list_keys(project_id: str | None, data: str | None, config: Path | None, as_json: bool) -> None:
    """List keys by their first characters, oldest first.

    \b
    Example:
      retrospec key list --project proj_default
    """
    found = asyncio.run(_list(settings_from(config, storage_dir=data), project_id))
    if as_json:
        print_json([_as_json(each) for each in found])
        return
    print_table(
        ("ID", "PROJECT", "KEY", "SCOPES", "NAME", "LAST USED", "STATE"), [_row(each) for each in found]
    )


async def _list(settings: Settings, project_id: str | None) -> "list[ApiKey]":
    from retrospec.cli.opened import existing_database
    from retrospec.storage import projects

    async with existing_database(settings) as database, database.read() as connection:
        return await projects.list_keys(connection, project_id)


@key.command("revoke")
@click.argument("key_id")
@store_options
def revoke(key_id: str, data: str | None, config: Path | None) -> None:
    """Revoke the key KEY_ID; a running server refuses it within seconds.

    \b
    Example:
      retrospec key revoke key_01k9abcdefghjkmnpqrstvwxyz
    """
    asyncio.run(_revoke(settings_from(config, storage_dir=data), key_id))
    click.echo(f"Revoked {key_id}.")


async def _revoke(settings: Settings, key_id: str) -> None:
    from retrospec.cli.opened import existing_database
    from retrospec.storage import projects

    async with existing_database(settings) as database, database.write() as connection:
        if not await projects.revoke_key(connection, key_id, now=utc_now()):
            raise NotFound(f"No key {key_id!r} is in force.", hint="retrospec key list shows the ids.")


@key.command("rotate")
@click.argument("key_id")
@click.option("--project", "project_id", default="proj_default", show_default=True, help="The project's id.")
@click.option("--overlap-days", type=click.IntRange(0, 90), default=7, show_default=True, help="How long the old key goes on.")
@store_options
@json_option
def rotate(
    key_id: str, project_id: str, overlap_days: int, data: str | None, config: Path | None, as_json: bool
) -> None:
    """Make a key for the same purpose as KEY_ID, which ends after the overlap. It is shown this once.

    \b
    Example:
      retrospec key rotate key_01k9abcdefghjkmnpqrstvwxyz --overlap-days 7
    """
    settings = settings_from(config, storage_dir=data)
    made, secret = asyncio.run(_rotate(settings, project_id, key_id, overlap_days))
    if as_json:
        print_json({**_as_json(made), "key": secret})
        return
    click.echo(f"Made {made.id}; {key_id} ends in {overlap_days} days. Keep it: it is shown this once.")
    click.echo(secret)


async def _rotate(settings: Settings, project_id: str, key_id: str, overlap_days: int) -> tuple["ApiKey", str]:
    from retrospec.accounts.keys import rotate_key
    from retrospec.cli.opened import existing_database

    async with existing_database(settings) as database:
        return await rotate_key(
            database, project_id=project_id, key_id=key_id, overlap=timedelta(days=overlap_days), now=utc_now()
        )


@key.command("rotate-signing")
@store_options
def rotate_signing(data: str | None, config: Path | None) -> None:
    """Sign tokens and share links with a fresh key from the next start on; a second time ends what is out.

    \b
    Example:
      retrospec key rotate-signing
    """
    from retrospec.accounts.signing import rotate_signing_key

    rotate_signing_key(settings_from(config, storage_dir=data).data_dir)
    click.echo("Made a fresh signing key; what the one before signed counts until the next time. Restart the server.")


def _as_json(key: "ApiKey") -> dict[str, Any]:
    return {
        "id": key.id,
        "projectId": key.project_id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "hint": key.hint,
        "createdAt": key.created_at,
        "lastUsedAt": key.last_used_at,
        "origins": key.origins,
        "requestsPerSecond": key.requests_per_second,
        "dailyMb": key.daily_mb,
        "endsAt": key.ends_at,
        "revokedAt": key.revoked_at,
    }


def _row(key: "ApiKey") -> tuple[str, ...]:
    state = f"ends {shown_moment(key.ends_at)}" if key.ends_at else "in force"
    if key.revoked_at:
        state = f"revoked {shown_moment(key.revoked_at)}"
    shown = key.public_value or f"{key.hint}…"
    scopes = ",".join(sorted(key.scopes))
    return (key.id, key.project_id, shown, scopes, key.name, shown_moment(key.last_used_at), state)
