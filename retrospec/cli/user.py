"""``retrospec user``: people who sign in to the dashboard."""

import asyncio
import secrets
import sys
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
from retrospec.domain.address import local_address
from retrospec.domain.clock import utc_now
from retrospec.domain.settings import Settings

if TYPE_CHECKING:
    from retrospec.domain.account import User


@click.group()
def user() -> None:
    """Make, list and reset people's accounts.

    \b
    Example:
      retrospec user list
    """


@user.command("create")
@click.argument("email")
@click.option("--name", default="", help="How pages call them; the address unless given.")
@click.option(
    "--admin", is_flag=True, help="May manage people, projects and keys. The first user always may."
)
@click.option(
    "--password-stdin", is_flag=True, help="Read the password's line from stdin instead of printing a link."
)
@store_options
@json_option
def create(
    email: str,
    name: str,
    admin: bool,
    password_stdin: bool,
    data: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Make an account for EMAIL; prints a link, good for a day, to choose a password.

    \b
    Example:
      retrospec user create ann@example.com --name Ann --admin
    """
    settings = settings_from(config, storage_dir=data)
    password = sys.stdin.readline().rstrip("\n") if password_stdin else ""
    made, path = asyncio.run(_create(settings, email, name, admin, password))
    link = address_of(settings) + path if path else ""
    if as_json:
        print_json({**_as_json(made), "link": link})
        return
    click.echo(f"Made an account for {made.email}{' (administrator)' if made.is_admin else ''}.")
    if link:
        _print_link(link)


async def _create(
    settings: Settings, email: str, name: str, is_admin: bool, password: str
) -> "tuple[User, str]":
    """The user, and the path of a link to choose a password where none was given."""
    from retrospec.accounts import links
    from retrospec.cli.opened import made_database
    from retrospec.storage import users

    now = utc_now()
    async with made_database(settings) as database:
        async with database.read() as connection:
            is_first = not await users.is_anyone_there(connection)
        made = await links.create_user(
            database,
            email=email,
            name=name or email.partition("@")[0],
            password=password or secrets.token_urlsafe(32),
            is_admin=is_admin or is_first,
            now=now,
        )
        return made, "" if password else await links.new_reset_link(database, made.email, now=now)


@user.command("list")
@store_options
@json_option
def list_users(data: str | None, config: Path | None, as_json: bool) -> None:
    """List the people, oldest first.

    \b
    Example:
      retrospec user list
    """
    found = asyncio.run(_list(settings_from(config, storage_dir=data)))
    if as_json:
        print_json([_as_json(each) for each in found])
        return
    rows = [(each.email, each.name, _role(each), shown_moment(each.created_at)) for each in found]
    print_table(("E-MAIL", "NAME", "ROLE", "MADE"), rows)


async def _list(settings: Settings) -> "list[User]":
    from retrospec.cli.opened import existing_database
    from retrospec.storage import users

    async with existing_database(settings) as database, database.read() as connection:
        return await users.list_all(connection)


@user.command("reset")
@click.argument("email")
@store_options
@json_option
def reset(email: str, data: str | None, config: Path | None, as_json: bool) -> None:
    """Print a link, good for a day, with which EMAIL chooses a new password.

    \b
    Example:
      retrospec user reset ann@example.com
    """
    settings = settings_from(config, storage_dir=data)
    link = address_of(settings) + asyncio.run(_reset(settings, email))
    if as_json:
        print_json({"email": email, "link": link})
        return
    _print_link(link)


async def _reset(settings: Settings, email: str) -> str:
    from retrospec.accounts import links
    from retrospec.cli.opened import existing_database

    async with existing_database(settings) as database:
        return await links.new_reset_link(database, email, now=utc_now())


def address_of(settings: Settings) -> str:
    """Where the dashboard is, as far as the settings tell; empty where only the running server knows its port."""
    server = settings.server
    if server.public_url:
        return server.public_url.rstrip("/")
    return local_address(server.host, server.port) if server.port else ""


def _print_link(link: str) -> None:
    click.echo("To choose a password, once and within a day:")
    click.echo(link)


def _role(user: "User") -> str:
    role = "administrator" if user.is_admin else "member"
    return f"{role}, disabled" if user.disabled_at else role


def _as_json(user: "User") -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "isAdmin": user.is_admin,
        "createdAt": user.created_at,
        "disabledAt": user.disabled_at,
    }
