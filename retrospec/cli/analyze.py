"""``retrospec analyze``."""

import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec

from retrospec.cli.options import json_option, print_json
from retrospec.domain.errors import RetroSpecError
from retrospec.domain.settings import AnalysisSettings

if TYPE_CHECKING:
    from retrospec.analysis import Analysis


class Reading(msgspec.Struct):
    """What came of one file: its analysis, or why there is none."""

    file: str
    analysis: "Analysis | None"
    error: str = ""


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=AnalysisSettings().min_confidence,
    show_default=True,
    help="Below this a session is discarded ([analysis] min_confidence).",
)
@json_option
def analyze(files: tuple[str, ...], min_confidence: float, as_json: bool) -> None:
    """Read rrweb recordings and print what happened and what failed.

    Reads what any rrweb recorder wrote: an array of events, {events: [...]}, one event a line, packed
    events, PostHog's exports; plain, .gz or .zst; - is stdin. Needs no server, network or database, and
    changes nothing. Exits with 1 when a file could not be read.

    \b
    Examples:
      retrospec analyze session.json
      retrospec analyze --json *.json.gz
    """
    from retrospec.cli.analyze_show import story_lines
    from retrospec.cli.bars import progress_bar

    readings: list[Reading] = []
    with progress_bar("Reading") as advance:
        for number, name in enumerate(files):
            advance(number / len(files))
            readings.append(_read(name, min_confidence))
    if as_json:
        print_json([_as_json(reading) for reading in readings])
    for reading in readings:
        if reading.analysis is None:
            click.echo(f"retrospec: {reading.error}", err=True)
        elif not as_json:
            click.echo("\n".join([*story_lines(reading.file, reading.analysis), ""]))
    sys.exit(1 if any(reading.error for reading in readings) else 0)


def _read(name: str, min_confidence: float) -> Reading:
    from retrospec.analysis import analyse
    from retrospec.cli.recording_file import recording_at

    try:
        recording = recording_at(name)
    except RetroSpecError as error:
        return Reading(name, None, " ".join(filter(None, (error.message, error.hint))))
    return Reading(name, analyse(recording, [], None, min_confidence=min_confidence))


def _as_json(reading: Reading) -> dict[str, Any]:
    """``{file, error}``, or ``file`` with all that the analysis holds."""
    if reading.analysis is None:
        return {"file": reading.file, "error": reading.error}
    return {"file": reading.file} | msgspec.structs.asdict(reading.analysis)
