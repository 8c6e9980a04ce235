"""``retrospec bench`` for durability: what a crash, a small machine, a long day and a clean-up do to a server."""

import sys

import click

from retrospec.bench.figures import Figure, printed
from retrospec.cli.options import json_option, print_json


def show(figures: list[Figure]) -> bool:
    """Print them; whether every goal is reached."""
    click.echo(printed(figures))
    return all(each.is_met for each in figures)


def _note(phase: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{phase} {done:,} of {total:,}", nl=done == total, err=True)


@click.command("crash")
@click.option("--kills", type=click.IntRange(min=0), default=200, show_default=True, help="Ends of the server's life, at least.")
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same plan.")
@click.option("--points", default="", metavar="TEXT", help="Only named points that contain this.")
@json_option
def crash_command(kills: int, seed: int, points: str, as_json: bool) -> None:
    """Stop a server under load at every commit, blob write and ring and at random moments; count what is missing.

    About two seconds a kill. Exits with 1 when anything accepted was lost, counted twice or left unfinished.

    \b
    Example:
      retrospec bench crash --kills 200
    """
    from retrospec.bench.crash import run_matrix
    from retrospec.bench.operating_figures import of_matrix

    matrix = run_matrix(kills, seed=seed, progress=_note, points=lambda name: points in name)
    if as_json:
        print_json(matrix)
    else:
        click.echo(f"{len(matrix.points)} named points, {matrix.elapsed_s:.0f} s")
        show(of_matrix(matrix))
        for name in [*matrix.count.lost, *matrix.count.doubled, *(f"not reached: {point}" for point in matrix.not_reached)]:
            click.echo(f"  {name}")
    sys.exit(0 if matrix.is_clean else 1)


@click.command("small")
@click.option("--sessions", type=click.IntRange(min=1), default=10_000, show_default=True, help="Sessions to send.")
@click.option("--cores", type=click.IntRange(min=1), default=1, show_default=True, help="Cores the server may use.")
@click.option("--mb", type=click.IntRange(min=200), default=1_000, show_default=True, help="Memory it may use.")
@json_option
def small_command(sessions: int, cores: int, mb: int, as_json: bool) -> None:
    """Ingest and judge 10,000 sessions on one core with 1 GB.

    \b
    Example:
      retrospec bench small
    """
    from retrospec.bench.light import run_light
    from retrospec.bench.operating import run_small
    from retrospec.bench.operating_figures import of_small

    small = run_small(sessions, cores, mb * 1_000_000, _note, run_light)
    if as_json:
        print_json(small)
    else:
        show(of_small(small))
    sys.exit(1 if small.outcome.failures or small.outcome.still_pending else 0)


@click.command("day")
@click.option("--seconds", type=click.IntRange(min=10), default=240, show_default=True, help="How long the day takes.")
@click.option("--sessions", type=click.IntRange(min=12), default=7_200, show_default=True, help="In the day: 5 a minute.")
@json_option
def day_command(seconds: int, sessions: int, as_json: bool) -> None:
    """A day of visits in fast time: memory, file handles and disk must stay flat.

    \b
    Example:
      retrospec bench day
    """
    from retrospec.bench.light import run_light
    from retrospec.bench.operating import run_day
    from retrospec.bench.operating_figures import of_day

    day = run_day(seconds, sessions, _note, run_light)
    if as_json:
        print_json(day)
    else:
        show(of_day(day))
    sys.exit(0 if all(each.is_met for each in of_day(day)) else 1)


@click.command("stored")
@click.option("--sessions", type=click.IntRange(min=100), default=100_000, show_default=True, help="Stored before the start.")
@click.option("--load", type=click.IntRange(min=8), default=1_000, show_default=True, help="Sessions sent in each measurement.")
@json_option
def stored_command(sessions: int, load: int, as_json: bool) -> None:
    """The start with 100,000 sessions stored, and ingest while half of them are deleted.

    \b
    Example:
      retrospec bench stored
    """
    from retrospec.bench.light import run_light
    from retrospec.bench.operating import run_stored
    from retrospec.bench.operating_figures import of_stored
    from retrospec.bench.yardstick import decode_ms_per_mb

    yardstick_ms = decode_ms_per_mb()
    stored = run_stored(sessions, load, _note, run_light)
    if as_json:
        print_json(stored)
    else:
        click.echo(f"{sessions:,} sessions stored; this machine decodes 1 MB of events in {yardstick_ms:.1f} ms")
        show(of_stored(stored))
    sys.exit(0 if all(each.is_met for each in of_stored(stored)) else 1)


@click.command("soak")
@click.option("--minutes", type=click.FloatRange(min=0.5), default=120, show_default=True, help="How long.")
@json_option
def soak_command(minutes: float, as_json: bool) -> None:
    """Mixed visits while the browser is killed, the disk is full, the model is slow and the clock jumps.

    Nothing may be lost, and memory, handles, threads and disk must stay flat. Filling the disk takes root: it mounts a small one.

    \b
    Example:
      retrospec bench soak --minutes 10
    """
    from retrospec.bench.soak import of_soak, run_soak

    soak = run_soak(minutes, _note)
    if as_json:
        print_json(soak)
    else:
        show(of_soak(soak))
        for line in [*soak.count.lost[:20], *soak.count.doubled]:
            click.echo(f"  {line}")
    sys.exit(0 if all(each.is_met for each in of_soak(soak)) else 1)


OPERATIONS: tuple[click.Command, ...] = (crash_command, small_command, day_command, stored_command, soak_command)
