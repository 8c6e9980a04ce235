"""``retrospec bench``: what a server can take, measured from outside."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrospec.bench.light import run_light
from retrospec.cli.bench_all import all_command
from retrospec.cli.bench_large import LARGE
from retrospec.cli.bench_operations import OPERATIONS
from retrospec.cli.bench_pages import PAGES
from retrospec.cli.bench_quality import COMMANDS

if TYPE_CHECKING:
    from retrospec.bench.ingest import Load

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KB|MB)?", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "kb": 1_000, "mb": 1_000_000}


class ByteSize(click.ParamType[int]):
    """``1MB``, ``100KB`` or a count of bytes."""

    name = "size"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The size in bytes."""
        if isinstance(value, int):
            return value
        found = _SIZE.fullmatch(value.strip())
        if found is None:
            self.fail(f"{value!r} is not a size; write 1MB, 100KB or a number of bytes", param, ctx)
        return int(float(found[1]) * _UNITS[(found[2] or "").lower()])


@click.group()
def bench() -> None:
    """Measure a server: its speed, memory and latencies."""
    import structlog

    # the server's parts run inside the command: what they log is no part of its output
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


@bench.command("ingest")
@click.option("--url", help="Address of a running server, e.g. http://127.0.0.1:8377.")
@click.option("--key", envvar="RETROSPEC_KEY", help="A key that may ingest and read (also in RETROSPEC_KEY).")
@click.option("--spawn", is_flag=True, help="Start a server over a temporary folder, measure it, stop it.")
@click.option(
    "--replay/--no-replay", default=False, help="With --spawn: let it replay sessions in a browser."
)
@click.option(
    "--sessions", type=click.IntRange(min=1), default=400, show_default=True, help="Sessions to send."
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 500),
    default=20,
    show_default=True,
    help="Sessions in flight at once.",
)
@click.option(
    "--size", type=ByteSize(), default=0, help="Of each recording, e.g. 1MB; without it two bare events."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same recordings.")
@click.option("--pid", type=int, help="The server's process, where it is not found by its port.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
def ingest_command(
    url: str | None, key: str | None, spawn: bool, replay: bool, sessions: int, concurrency: int,
    size: int, seed: int, pid: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Send whole sessions over wire v1 and print throughput, latencies, CPU and memory.

    Exits with 1 when a session was refused or its report never came.

    \b
    Examples:
      retrospec bench ingest --spawn --size 1MB
      retrospec bench ingest --url http://127.0.0.1:8377 --key rs_… --sessions 400 --concurrency 20
    """
    from retrospec.bench.ingest import Load

    if spawn == bool(url):
        raise click.UsageError("Give either --spawn, or --url and --key of a running server.")
    if url and not key:
        raise click.UsageError(
            "--url needs --key: `retrospec key create --project proj_default --scopes ingest,read` prints one."
        )
    load = Load(url or "", key or "", sessions, concurrency, size, seed, pid)
    if not spawn:
        sys.exit(_run_ingest(load, as_json))
    from retrospec.bench.spawned import spawned_server

    with spawned_server(_stage_two(replay)) as server:
        own = Load(server.url, server.key, sessions, concurrency, size, seed, server.pid)
        status = _run_ingest(own, as_json)
    sys.exit(status)


@bench.command("growth")
@click.option("--stored", type=click.IntRange(min=100), multiple=True, default=(1_000, 10_000, 100_000, 1_000_000), show_default=True, help="Sessions stored in an installation; several times.")
@click.option("--reports", type=click.IntRange(min=4), default=100, show_default=True, help="Sessions sent per round.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Draw the costs into this SVG file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
def growth_command(stored: tuple[int, ...], reports: int, plot: Path | None, as_json: bool) -> None:
    """Compare what things cost with few and with many sessions stored.

    A session and its report, an issue's page, promotion, retention and the start. Seeds temporary installations (some minutes
    for a million sessions), then measures them in turns.

    \b
    Example:
      retrospec bench growth --stored 1000 --stored 100000
    """
    import msgspec
    from rich.console import Console

    from retrospec.bench import growth, growth_plot
    from retrospec.bench.figures import printed
    from retrospec.cli.bench_show import progress_bar

    with progress_bar(Console(stderr=True)) as progress:
        points = growth.measure_growth(sorted(stored), reports, progress, run_light)
    if plot is not None:
        plot.write_text(growth_plot.drawn(growth.ratios(points), sorted(stored)), encoding="utf-8")
    click.echo(msgspec.json.format(msgspec.json.encode(points), indent=2).decode() if as_json else printed(growth.of_points(points)))


def _stage_two(replay: bool) -> dict[str, str]:
    return {} if replay else {"REPLAY_RENDER": "off", "CONFIRMATION_CHECKER": "none"}


def _run_ingest(load: "Load", as_json: bool) -> int:
    import msgspec
    from rich.console import Console

    from retrospec.bench.ingest import run_load
    from retrospec.cli.bench_show import progress_bar, show_outcome

    with progress_bar(Console(stderr=True)) as progress:
        try:
            outcome = run_light(run_load(load, progress))
        except OSError as error:
            raise click.ClickException(f"{load.url} does not answer: {error}") from error
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(outcome), indent=2).decode())
    else:
        show_outcome(Console(width=None if sys.stdout.isatty() else 120), outcome)
    return 1 if outcome.failures or outcome.still_pending else 0


for _command in (*COMMANDS, *OPERATIONS, *PAGES, *LARGE, all_command):
    bench.add_command(_command)
