"""``retrospec render``."""

import asyncio
from pathlib import Path

import click
import msgspec

from retrospec.cli.options import config_option, json_option, print_json, settings_from
from retrospec.domain.errors import BadRequest, RetroSpecError, Unavailable
from retrospec.domain.finding import Finding, Standing
from retrospec.domain.footage import Film
from retrospec.domain.recording import Recording
from retrospec.domain.settings import ReplaySettings, Settings

LONGEST_S = 7_200
PATIENCE_S = 3_600
"""Whoever watches the bar can press Ctrl-C; the server's own limit is for recordings of strangers."""


@click.command()
@click.argument("file")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="The video; FILE's name with .webm here without it.")
@click.option("--width", type=click.IntRange(320, 3840), help="In pixels ([replay] width).")
@click.option("--height", type=click.IntRange(240, 2160), help="In pixels ([replay] height).")
@click.option("--max-seconds", type=click.IntRange(1, LONGEST_S), default=LONGEST_S, show_default=True, help="Film no more than this.")
@config_option
@json_option
def render(
    file: str, out: Path | None, width: int | None, height: int | None, max_seconds: int, config: Path | None, as_json: bool
) -> None:  # fmt: skip
    """Film an rrweb recording as WebM, in a browser that can reach nothing.

    Takes what `retrospec analyze` reads; - is stdin. Pointer, clicks, time, address and what failed are
    drawn in. A file of that name is replaced, once the video is whole. Needs a Chromium, no server.

    \b
    Example:
      retrospec render session.json -o session.webm
    """
    from retrospec.cli.recording_file import recording_at

    target = out or Path(f"{Path(file).name.partition('.')[0] or 'recording'}.webm")
    _require_target(target, file)
    settings = settings_from(config, replay_width=width, replay_height=height)
    _require_browser(settings.replay)
    film = asyncio.run(_film(recording_at(file), settings, max_seconds, target))
    if film.status != "ready":
        raise RetroSpecError(f"{file} was not filmed: {film.reason}.")
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


async def _film(recording: Recording, settings: Settings, max_seconds: int, target: Path) -> Film:
    from retrospec.cli.bars import progress_bar
    from retrospec.replay.browser import Renderer

    unhurried = msgspec.structs.replace(settings.replay, max_seconds=max_seconds, timeout_seconds=PATIENCE_S)
    findings = await asyncio.to_thread(_suspicions, recording, settings)
    async with Renderer(unhurried) as renderer:
        with progress_bar("Filming") as advance:
            return await renderer.film(recording, None, target, findings=findings, progress=advance)


def _suspicions(recording: Recording, settings: Settings) -> list[Finding]:
    """What the caption bar names at its moment."""
    from retrospec.analysis import analyse

    analysis = analyse(recording, [], None, min_confidence=settings.analysis.min_confidence)
    return [finding for finding in analysis.findings if finding.standing is not Standing.REFUTED]
