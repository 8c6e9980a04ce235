"""``retrospec worker``."""

import sys
from pathlib import Path

import click

from retrospec.cli.options import keep_private, settings_from, store_options


@click.command()
@store_options
@click.option("--concurrency", type=click.IntRange(1, 64), help="Sessions worked on at once ([worker] threads).")
@click.option("--stages", help="What it does, of analysis,replay ([worker] stages); other workers must do the rest.")
def worker(data: str | None, config: Path | None, concurrency: int | None, stages: str | None) -> None:
    """Work off what servers took in, beside any number of other workers; needs PostgreSQL.

    Ctrl-C or SIGTERM stops it: what is in hand is finished within worker.drain_seconds, or given back to others.

    \b
    Example:
      retrospec worker --config /etc/retrospec.toml --concurrency 4
      retrospec worker --config /etc/retrospec.toml --stages replay --concurrency 1
    """
    named = [name.strip() for name in stages.split(",")] if stages is not None else None
    settings = settings_from(config, storage_dir=data, worker_threads=concurrency, worker_stages=named)
    keep_private()
    from retrospec import serving
    from retrospec.storage.nodes import needs_shared

    needs_shared(settings, "worker")
    sys.exit(serving.work(settings))
