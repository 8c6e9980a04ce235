"""``retrospec serve``."""

import gc
import sys
from pathlib import Path

import click

from retrospec.cli.options import keep_private, settings_from, store_options
from retrospec.domain.settings import Settings
from retrospec.quick_start import POSTGRESQL_DRIVER, UNUSED, unseen


@click.command()
@store_options
@click.option("--host", help="Address to listen on ([server] host).")
@click.option("--port", type=int, help="Port to listen on; 0 picks a free one ([server] port).")
@click.option("--no-worker", is_flag=True, help="Only answer; `retrospec worker` processes do the rest (PostgreSQL).")
def serve(data: str | None, config: Path | None, host: str | None, port: int | None, no_worker: bool) -> None:
    """Start the server; make its data folder and database on the first start.

    Prints the address, and on the first start the link to set up the administrator and the snippet
    for your site. Ctrl-C or SIGTERM stops it.

    \b
    Example:
      retrospec serve --data /var/lib/retrospec --port 8377
    """

    def load() -> Settings:
        return settings_from(config, storage_dir=data, server_host=host, server_port=port)

    settings = load()
    keep_private()
    gc.disable()  # until it is up: all that is imported stays, and looking through it again and again took a seventh of the start
    unused = UNUSED if settings.database_url.startswith("postgres") else (*UNUSED, POSTGRESQL_DRIVER)
    with unseen(*unused):
        from retrospec import serving
        from retrospec.storage.nodes import Role, needs_shared

    if no_worker:
        needs_shared(settings, "serve --no-worker")
    sys.exit(serving.serve(settings, load, Role.WEB if no_worker else Role.ALL))
