"""``retrospec demo``."""

import sys
from pathlib import Path

import click

from retrospec.cli.options import settings_from

FEWEST_VISITS = 12


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder of the demo's own; a temporary one without it.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port of the dashboard; a free one without it."
)
@click.option(
    "--shop-port", type=click.IntRange(0, 65535), default=0, help="Port of the shop; a free one without it."
)
@click.option(
    "--visits",
    type=click.IntRange(FEWEST_VISITS, 500),
    default=FEWEST_VISITS,
    show_default=True,
    help="How many visitors come.",
)
@click.option("--keep", is_flag=True, help="Keep the temporary folder afterwards.")
@click.option("--once", is_flag=True, help="Stop when the issues are out, instead of serving on.")
@click.option("--recorded", is_flag=True, help="Send recorded visits, even where there is a browser.")
@click.option("--record", is_flag=True, hidden=True, help="Keep these visits as the recorded ones.")
def demo(
    data: Path | None,
    port: int,
    shop_port: int,
    visits: int,
    keep: bool,
    once: bool,
    recorded: bool,
    record: bool,
) -> None:
    """Watch it work: a small broken shop, a dozen visitors, the issues they had.

    Serves the product and a shop with four planted faults, lets visitors through the shop in a
    headless Chromium, and prints links to the issues that came out. Touches no real installation.
    Exits with 1 when a planted fault is missing or something else came out.

    \b
    Examples:
      retrospec demo
      retrospec demo --port 8377 --data demo-data
    """
    from rich.console import Console

    from retrospec.cli.demo_show import Terminal
    from retrospec.demo.run import Plan, run_demo

    plan = Plan(
        settings=settings_from(None),
        data_dir=data,
        port=port,
        shop_port=shop_port,
        visits=visits,
        keep=keep,
        recorded=recorded,
        record=record,
    )
    terminal = Terminal(Console(), once=once, keep=keep)
    try:
        inspection = run_demo(plan, terminal)
    finally:
        terminal.close()
    sys.exit(0 if inspection.is_clean else 1)
