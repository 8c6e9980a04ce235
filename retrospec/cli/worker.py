"""``retrospec worker``."""

import sys
from pathlib import Path

import click

from retrospec.cli.options import keep_private, settings_from, store_options


@click.command()
@store_options
@click.option("--concurrency", type=click.IntRange(1, 64), help="Sessions worked on at once ([worker] threads).")
def worker(data: str | None, config: Path | None, concurrency: int | None) -> None:
    """Work off what servers took in, beside any number of other workers; needs PostgreSQL.

    Ctrl-C or SIGTERM stops it: what is in hand is finished, or taken over by another worker when
    its lease ends.

    \b
    Example:
      retrospec worker --config /etc/retrospec.toml --concurrency 4
    """
    settings = settings_from(config, storage_dir=data, worker_threads=concurrency)
    keep_private()
    from retrospec import serving
    from retrospec.storage.nodes import needs_shared

    needs_shared(settings, "worker")
    sys.exit(serving.work(settings))
