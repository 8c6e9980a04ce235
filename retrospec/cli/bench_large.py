"""``retrospec bench`` for installations over PostgreSQL and S3."""

import sys

import click

from retrospec.cli.bench_operations import show
from retrospec.cli.options import json_option, print_json

_database = click.option("--database", envvar="RETROSPEC_BENCH_DATABASE", required=True, help="An empty PostgreSQL database to fill.")
_blobs = click.option("--blobs", envvar="RETROSPEC_BENCH_BLOBS", required=True, help="An empty S3 prefix to fill.")


def _note(phase: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{phase} ({done} of {total} done)", nl=False, err=True)


@click.command("large")
@_database
@_blobs
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Of each kind, in turns.")
@click.option("--sessions", type=click.IntRange(min=1), default=300, show_default=True, help="Sessions a round.")
@click.option("--concurrency", type=click.IntRange(min=1), default=20, show_default=True, help="Sessions in flight at once.")
@json_option
def large_command(database: str, blobs: str, rounds: int, sessions: int, concurrency: int, as_json: bool) -> None:
    """Compare ingest on PostgreSQL and S3 with ingest on SQLite and disk, in one run.

    \b
    Example:
      retrospec bench large --database postgresql://… --blobs 's3://bucket/bench?endpoint=…'
    """
    from retrospec.bench.large import measure_large
    from retrospec.bench.light import run_light

    found = measure_large(database, blobs, rounds=rounds, sessions=sessions, concurrency=concurrency, run=run_light, progress=_note)
    if as_json:
        print_json({"ratio": found.ratio, "run": found})
        is_met = all(each.is_met for each in found.figures())
    else:
        is_met = show(found.figures())
    sys.exit(0 if is_met else 1)


@click.command("scale")
@_database
@_blobs
@click.option("--simulate", is_flag=True, help="Also say what a month of many sessions needs, by what was measured.")
@click.option("--sessions", type=click.IntRange(min=20), default=200, show_default=True, help="Sessions of each server.")
@click.option("--rounds", type=click.IntRange(min=1), default=2, show_default=True, help="Of one server, then two, in each setting.")
@click.option("--month", type=float, default=1e9, show_default=True, help="Sessions a month to plan for.")
@click.option("--rendered", type=click.FloatRange(0, 1), default=0.05, show_default=True, help="Share of sessions that are replayed.")
@click.option("--render-seconds", type=float, default=3.0, show_default=True, help="CPU of one replay; `retrospec bench render` measures it.")
@json_option
def scale_command(
    database: str, blobs: str, simulate: bool, sessions: int, rounds: int, month: float, rendered: float, render_seconds: float, as_json: bool
) -> None:
    """Measure what a session costs each part, foretell two servers by it, and hold that against two real ones.

    \b
    Example:
      retrospec bench scale --simulate --database postgresql://… --blobs 's3://bucket/bench?endpoint=…'
    """
    from retrospec.bench.light import run_light
    from retrospec.bench.scale import measure_scale, needed

    found = measure_scale(database, blobs, sessions=sessions, rounds=rounds, run=run_light, progress=_note)
    need = needed(found.costs, month, rendered_share=rendered, render_cpu_s=render_seconds) if simulate else None
    if as_json:
        print_json({"run": found, "worst": found.worst, "needed": need})
        is_met = all(each.is_met for each in found.figures())
    else:
        is_met = show(found.figures())
        if need is not None:
            click.echo(f"\n{month:,.0f} sessions a month, {need.peak_per_s:,.0f} a second in the busiest hour, each part at most 60 % busy:")
            click.echo(f"  servers and analysis  {need.web_cores:,} cores")
            click.echo(f"  PostgreSQL            {need.databases:,} databases, projects shared out among them")
            click.echo(f"  replays               {need.render_cores:,} cores")
            click.echo(f"  object store          {need.store_requests_per_s:,.0f} requests a second")
    sys.exit(0 if is_met else 1)


LARGE: tuple[click.Command, ...] = (large_command, scale_command)
