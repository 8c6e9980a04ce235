"""``retrospec sourcemaps``: a release's maps, so that exceptions are shown by their source."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from retrospec.cli.options import (
    json_option,
    print_json,
    print_table,
    settings_from,
    store_options,
    working_on,
)
from retrospec.domain.errors import NotFound, RetroSpecError
from retrospec.domain.settings import Settings

if TYPE_CHECKING:
    from retrospec.cli.map_server import MapServer
    from retrospec.source_names import SourceNames
    from retrospec.storage.database import Database
    from retrospec.symbols.folder import BuiltFile

KEY_VARIABLE = "SOURCEMAPS_KEY"
"""Not ``RETROSPEC_…``: those are settings of a server."""


@click.group()
def sourcemaps() -> None:
    """Upload, list and delete the source maps of a release.

    \b
    Example:
      retrospec sourcemaps upload --release 1.4.2 dist --server https://retrospec.example.com --key rs_…
    """


def target_options(command: Any) -> Any:
    """Where the maps go: a server by its key, or the data folder of this machine."""
    for option in (
        click.option("--project", "project_id", default="proj_default", show_default=True, help="Without --server: the project's id."),
        click.option("--key", envvar=KEY_VARIABLE, help=f"A key of the project with the scope admin; {KEY_VARIABLE} of the environment."),
        click.option("--server", metavar="URL", help="The server's address; without it the data folder of this machine."),
    ):  # fmt: skip
        command = option(command)
    return store_options(json_option(command))


@sourcemaps.command("upload")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--release", required=True, help="As the SDK is told (data-release).")
@click.option("--url-prefix", default="", metavar="URL", help="What the folder is served under; rarely needed.")
@target_options
def upload(folder: Path, release: str, url_prefix: str, as_json: bool, **target: Any) -> None:
    """Keep the maps of FOLDER, with the minified files they belong to. Doing it twice replaces them.

    A map is found by its debug id where bundler and page carry one, else by the address of the minified file.
    Sessions that were judged before keep the names they have.

    \b
    Examples:
      retrospec sourcemaps upload --release 1.4.2 dist
      retrospec sourcemaps upload --release 1.4.2 dist --server https://retrospec.example.com
    """
    from retrospec.symbols.folder import built_files

    files = built_files(folder, url_prefix=url_prefix)
    kept, refused = asyncio.run(_upload(_Target(**target), release, files))
    if as_json:
        print_json({"release": release, "maps": kept, "refused": refused})
    else:
        _show_uploaded(release, kept, refused)
    raise SystemExit(1 if refused else 0)


def _show_uploaded(release: str, kept: list[dict[str, Any]], refused: dict[str, str]) -> None:
    for each in kept:
        known_by = f"debug id {each['debugId']}" if each["debugId"] else "its address"
        lacks = "" if each["hasSources"] else "  (without source text: names and lines, no code)"
        click.echo(f"{each['name']}  {each['sizeBytes']:,} bytes  known by {known_by}{lacks}")
    for name, why in refused.items():
        click.echo(f"retrospec: {name}: {why}", err=True)
    click.echo(f"Kept {len(kept)} of {len(kept) + len(refused)} source maps of {release}.")
    click.echo("Exceptions that arrive from now on get their source names; sessions judged before keep theirs.")


@sourcemaps.command("list")
@click.option("--release", default="", help="The maps of this release; without it the releases.")
@target_options
def list_maps(release: str, as_json: bool, **target: Any) -> None:
    """List releases with their maps, or the maps of one, and when each last named something.

    \b
    Example:
      retrospec sourcemaps list --release 1.4.2
    """
    found = asyncio.run(_list(_Target(**target), release))
    if as_json:
        print_json(found)
    elif release:
        print_table(("NAME", "DEBUG ID", "BYTES", "UPLOADED", "LAST USED"), [_map_row(each) for each in found])
    else:
        print_table(("RELEASE", "MAPS", "BYTES", "UPLOADED", "LAST USED"), [_release_row(each) for each in found])


@sourcemaps.command("delete")
@click.option("--release", required=True, help="The release whose maps go.")
@click.option("--name", default="", help="Only the map of this file.")
@target_options
def delete_maps(release: str, name: str, as_json: bool, **target: Any) -> None:
    """Delete the maps of a release. Names that sessions got from them stay.

    \b
    Example:
      retrospec sourcemaps delete --release 1.4.2
    """
    gone = asyncio.run(_delete(_Target(**target), release, name))
    if as_json:
        print_json({"release": release, "deletedMaps": gone})
    else:
        click.echo(f"Deleted {gone} source maps of {release}.")


class _Target:
    """A server, or a data folder."""

    def __init__(
        self, *, server: str | None, key: str | None, project_id: str, data: str | None, config: Path | None
    ) -> None:
        self.project_id = project_id
        self.server, self.key = server, key or ""
        self.settings: Settings | None = None if server else settings_from(config, storage_dir=data)
        if server and not key:
            raise click.UsageError(f"--server needs --key, or {KEY_VARIABLE} in the environment.")

    @asynccontextmanager
    async def remote(self) -> "AsyncIterator[MapServer]":
        from retrospec.cli.map_server import MapServer

        assert self.server is not None
        async with MapServer(self.server, self.key) as opened:
            yield opened

    @asynccontextmanager
    async def local(self) -> "AsyncIterator[tuple[Database, SourceNames]]":
        from retrospec.cli.opened import existing_database
        from retrospec.source_names import SourceNames
        from retrospec.storage import projects
        from retrospec.storage.blobs import Blobs

        assert self.settings is not None
        async with existing_database(self.settings) as database:
            async with database.read() as connection:
                if await projects.find_project(connection, self.project_id) is None:
                    raise NotFound(f"There is no project {self.project_id!r}.", hint="retrospec project list shows them.")
            names = SourceNames(database, Blobs.open(self.settings.blobs_url))
            try:
                yield database, names
            finally:
                await names.close()


async def _upload(
    target: _Target, release: str, files: "list[BuiltFile]"
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """``(kept maps, why by name for those that were not)``."""
    kept: list[dict[str, Any]] = []
    refused: dict[str, str] = {}
    opened = target.remote() if target.server else target.local()
    async with opened as door:
        for number, file in enumerate(files, start=1):
            with working_on(f"Uploading {file.name} ({number} of {len(files)})"):
                try:
                    kept.append(await _upload_one(door, target, release, file))
                except RetroSpecError as error:
                    if getattr(error, "ends_all", False):
                        raise
                    refused[file.name] = str(error)
    return kept, refused


async def _upload_one(door: Any, target: _Target, release: str, file: "BuiltFile") -> dict[str, Any]:
    from retrospec.source_names import Upload
    from retrospec.symbols.folder import read_text

    text = read_text(file)
    upload = Upload(release=release, name=file.name, **{name: getattr(text, name) for name in text.__struct_fields__})
    if target.server:
        answer: dict[str, Any] = await door.upload(upload)
        return answer
    _, names = door
    return _map_json(await names.keep(target.project_id, upload))


async def _list(target: _Target, release: str) -> list[dict[str, Any]]:
    if target.server:
        async with target.remote() as server:
            return await server.maps(release) if release else await server.releases()
    import msgspec

    from retrospec.storage import source_maps

    async with target.local() as (database, _), database.read() as connection:
        if release:
            return [_map_json(each) for each in await source_maps.of_release(connection, target.project_id, release)]
        return [msgspec.to_builtins(each) for each in await source_maps.releases(connection, target.project_id)]


async def _delete(target: _Target, release: str, name: str) -> int:
    if target.server:
        async with target.remote() as server:
            return await server.delete(release, name)
    async with target.local() as (_, names):
        gone = await names.drop(target.project_id, release, name)
    if not gone:
        raise NotFound(f"The release {release!r} has no such source maps.")
    return gone


def _map_json(stored: Any) -> dict[str, Any]:
    return {
        "release": stored.release,
        "name": stored.name,
        "debugId": stored.debug_id,
        "hasSources": stored.has_sources,
        "sizeBytes": stored.size_bytes,
        "uploadedAt": stored.created_at,
        "lastUsedAt": stored.last_used_at,
    }


def _moment(value: Any) -> str:
    return str(value)[:16].replace("T", " ") + " UTC" if value else "-"


def _map_row(each: dict[str, Any]) -> tuple[str, ...]:
    size, came, used = f"{each['sizeBytes']:,}", _moment(each["uploadedAt"]), _moment(each["lastUsedAt"])
    return (each["name"], each["debugId"] or "-", size, came, used)


def _release_row(each: dict[str, Any]) -> tuple[str, ...]:
    size, came, used = f"{each['sizeBytes']:,}", _moment(each["uploadedAt"]), _moment(each["lastUsedAt"])
    return (each["release"], str(each["mapCount"]), size, came, used)
