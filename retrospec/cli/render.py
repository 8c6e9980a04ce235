"""``retrospec render``."""

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from retrospec.cli.options import json_option, print_json, settings_from, store_options
from retrospec.domain.errors import BadRequest, NotFound, RetroSpecError, Unavailable
from retrospec.domain.finding import Finding, Standing
from retrospec.domain.footage import Film
from retrospec.domain.ids import is_client_id
from retrospec.domain.recording import Recording
from retrospec.domain.settings import ReplaySettings, Settings

if TYPE_CHECKING:
    from retrospec.storage.database import Database

LONGEST_S = 7_200
PATIENCE_S = 3_600
"""Whoever watches the bar can press Ctrl-C; the server's own limit is for recordings of strangers."""


@click.command()
@click.argument("recording", metavar="FILE|SESSION")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="The video; without it the recording's name with .webm, here.")
@click.option("--width", type=click.IntRange(320, 3840), help="In pixels ([replay] width).")
@click.option("--height", type=click.IntRange(240, 2160), help="In pixels ([replay] height).")
@click.option("--max-seconds", type=click.IntRange(1, LONGEST_S), default=LONGEST_S, show_default=True, help="Film no more than this.")
@click.option("--project", default="", help="The session's project, where several have a session of that name.")
@store_options
@json_option
def render(
    recording: str, out: Path | None, width: int | None, height: int | None, max_seconds: int, project: str,
    config: Path | None, data: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Film an rrweb recording as WebM, in a browser that can reach nothing.

    Takes a file as `retrospec analyze` reads it (- is stdin), or the id of a stored session; a server may
    run meanwhile, and today's budget of renders is not touched. Pointer, clicks, time, address and what
    failed are drawn in. A file of that name is replaced, once the video is whole. Needs a Chromium.

    \b
    Examples:
      retrospec render session.json -o session.webm
      retrospec render ses_01jd8k2v9w3m5n7p9r1t3v5x7z -o session.webm
    """
    target = out or Path(f"{_stem(recording)}.webm")
    _require_target(target, recording)
    settings = settings_from(config, storage_dir=data, replay_width=width, replay_height=height)
    _require_browser(settings.replay)
    film = asyncio.run(_film(recording, project, settings, max_seconds, target))
    if film.status != "ready":
        raise RetroSpecError(f"{recording} was not filmed: {film.reason}.")
    if as_json:
        print_json(film)
        return
    click.echo(
        f"{target}: {film.duration_ms / 1_000:.1f} s, {film.frames:,} frames, {film.size_bytes / 1e3:,.0f} kB, "
        f"filmed in {film.elapsed_ms / 1_000:.1f} s"
    )
    if film.cut:
        click.echo(f"It ends before the session does: {film.cut}.", err=True)


def _require_target(target: Path, file: str) -> None:
    """Raises BadRequest where the video cannot be put there."""
    if not target.parent.is_dir():
        raise BadRequest(f"There is no folder {target.parent} for the video; make it, or choose another with -o.")
    if target.exists() and Path(file).exists() and target.samefile(file):
        raise BadRequest(f"{target} is the recording itself; choose another name for the video with -o.")


def _require_browser(settings: ReplaySettings) -> None:
    from retrospec.replay.found import find_browser, why_no_browser

    if find_browser(settings) is None:
        raise Unavailable(f"There is no browser to film with: {why_no_browser(settings)}.")


async def _film(name: str, project: str, settings: Settings, max_seconds: int, target: Path) -> Film:
    from retrospec.cli.bars import progress_bar
    from retrospec.replay.browser import Renderer

    unhurried = msgspec.structs.replace(settings.replay, max_seconds=max_seconds, timeout_seconds=PATIENCE_S)
    recording, findings = await _read(name, project, settings)
    async with Renderer(unhurried) as renderer:
        with progress_bar("Filming") as advance:
            return await renderer.film(recording, None, target, findings=findings, progress=advance)


async def _read(name: str, project: str, settings: Settings) -> tuple[Recording, list[Finding]]:
    """The recording called ``name`` and what the caption bar is to name: a file's, or a stored session's."""
    from retrospec.cli.recording_file import STDIN, recording_at

    if name == STDIN or names_a_file(name):
        recording = recording_at(name)
        return recording, await asyncio.to_thread(_suspicions, recording, settings)
    return await _read_stored(name, project, settings)


def names_a_file(name: str) -> bool:
    """Whether a command's FILE|SESSION is a file."""
    return not is_client_id(name) or bool(Path(name).suffix) or Path(name).exists()


async def _read_stored(session_id: str, project: str, settings: Settings) -> tuple[Recording, list[Finding]]:
    from retrospec.cli.opened import existing_database
    from retrospec.screening.stored import read_session
    from retrospec.storage.blobs import Blobs
    from retrospec.vault.store import Vault

    async with existing_database(settings) as database:
        holder = await project_of(database, session_id, project)
        blobs = Blobs.open(settings.blobs_url)
        vault = Vault(settings, database, blobs)
        _, recording, findings = await read_session(database, blobs, vault, holder, session_id)
        return recording, findings


async def project_of(database: "Database", session_id: str, project: str) -> str:
    """The project that has the session. Raises NotFound, or BadRequest where several have one of that name."""
    from retrospec.storage.sessions import projects_with

    async with database.read() as connection:
        holders = await projects_with(connection, session_id)
    chosen = [holder for holder in holders if project in ("", holder)]
    if not chosen:
        raise NotFound(f"There is neither a file nor a stored session called {session_id}.")
    if len(chosen) > 1:
        raise BadRequest(f"Several projects have a session {session_id}: choose with --project {' or '.join(chosen)}.")
    return chosen[0]


def _stem(name: str) -> str:
    """A file name for the video: the recording's, without what a file system may not like."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", Path(name).name.partition(".")[0]).strip("-") or "recording"


def _suspicions(recording: Recording, settings: Settings) -> list[Finding]:
    """What the caption bar names at its moment."""
    from retrospec.analysis import analyse

    analysis = analyse(recording, [], None, min_confidence=settings.analysis.min_confidence)
    return [finding for finding in analysis.findings if finding.standing is not Standing.REFUTED]
