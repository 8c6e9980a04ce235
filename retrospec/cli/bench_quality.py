"""``retrospec bench`` for quality: how right the readings, verdicts, groups and redactions are."""

import asyncio
import sys
from pathlib import Path

import click

CORPUS = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command("redact")
@click.option("--samples", type=click.IntRange(min=10), default=300, show_default=True, help="Secrets of each kind.")
def redact_command(samples: int) -> None:
    """Recall per kind of secret, harmless texts changed, and speed.

    \b
    Example:
      retrospec bench redact
    """
    from retrospec.bench.redact import run

    run(samples=samples, out=sys.stdout)


@click.command("analyze")
@click.option(
    "--corpus",
    type=CORPUS,
    default=Path("tests/analysis/corpus/recordings"),
    show_default=True,
    help="Folder of labelled recordings.",
)
def analyze_command(corpus: Path) -> None:
    """Precision and recall of each detector on labelled recordings, and reading speed.

    \b
    Example, in a checkout:
      retrospec bench analyze
    """
    from retrospec.bench.analyze import lines, run

    for line in lines(run(corpus)):
        click.echo(line)


@click.command("report")
@click.option("--sessions", type=click.IntRange(min=2), default=60, show_default=True, help="How many, one at a time.")
@click.option("--kilobytes", type=click.IntRange(min=1), default=500, show_default=True, help="Size of each recording.")
def report_command(sessions: int, kilobytes: int) -> None:
    """How long after a visit its report is there, on a server of its own with nothing else to do.

    \b
    Example:
      retrospec bench report
    """
    from retrospec.bench.report_delay import ASKED_P95_MS, measure

    delay = measure(sessions=sessions, size_bytes=kilobytes * 1000)
    click.echo(delay.line)
    sys.exit(0 if delay.p95_ms < ASKED_P95_MS else 1)


@click.command("render")
@click.option(
    "--corpus",
    type=CORPUS,
    default=Path("tests/confirmation/corpus/recordings"),
    show_default=True,
    help="Folder of labelled recordings.",
)
def render_command(corpus: Path) -> None:
    """Precision and recall of the visual checker, seconds a verdict, film speed and memory.

    \b
    Example, in a checkout:
      retrospec bench render
    """
    from rich.console import Console

    from retrospec.bench.render import measure, print_outcome, read_corpus
    from retrospec.domain.settings import ReplaySettings

    console = Console(stderr=True)
    with console.status("Replaying") as status:
        outcome = asyncio.run(measure(read_corpus(corpus), ReplaySettings(), status.update))
    print_outcome(outcome, Console(width=None if sys.stdout.isatty() else 120))


@click.command("cluster")
@click.option("--data", type=CORPUS, required=True, help="Folder of labelled grouping data.")
@click.option("--issues", type=click.IntRange(min=1), default=100_000, show_default=True, help="Issues for the speed run.")
def cluster_command(data: Path, issues: int) -> None:
    """How well failures are grouped, beside simpler rules in the same run, and how fast.

    \b
    Example:
      retrospec bench cluster --data grouping-data
    """
    from retrospec.bench.cluster import run
    from retrospec.bench.cluster_speed import run_speed

    run(data, sys.stdout)
    run_speed(issues, sys.stdout)


COMMANDS = (redact_command, analyze_command, report_command, render_command, cluster_command)
