"""``retrospec bench`` for durability: what a crash, a small machine, a long day and a clean-up do to a server."""

import sys

import click

from retrospec.cli.options import json_option, print_json


def print_goals(rows: list[tuple[str, str, str, bool]]) -> None:
    """What was asked beside what was reached, a line each."""
    width, asked_width = max(len(row[0]) for row in rows), max(len(row[1]) for row in rows)
    for name, asked, reached, is_met in rows:
        click.echo(f"{name:<{width}}  asked {asked:<{asked_width}}  reached {reached}{'' if is_met else '   NOT REACHED'}")


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

    matrix = run_matrix(kills, seed=seed, progress=_note, points=lambda name: points in name)
    count = matrix.count
    if as_json:
        print_json(matrix)
    else:
        click.echo(
            f"points {len(matrix.points)} (not reached {len(matrix.not_reached)}), kills {matrix.kills} "
            f"({matrix.random_kills} at random), refused operations {matrix.refusals}, {matrix.elapsed_s:.0f} s"
        )
        click.echo(f"accepted: {count.accepted_sessions} sessions, {count.accepted_markers} markers")
        print_goals(
            [
                ("kills", ">= 200", str(matrix.kills), matrix.kills >= 200),
                ("lost", "0", str(len(count.lost)), not count.lost),
                ("doubled", "0", str(len(count.doubled)), not count.doubled),
                ("without a final status", "0", str(count.unfinished), not count.unfinished),
                ("given up", "0", str(count.dead), not count.dead),
                ("ready but not counted", "0", str(count.uncounted), not count.uncounted),
                ("orphan blobs after the sweep", "0", str(count.orphans), not count.orphans),
                ("damaged database copies", "0", f"{matrix.copies_damaged} of {matrix.copies_checked}", not matrix.copies_damaged),
            ]
        )
        for name in [*count.lost, *count.doubled, *(f"not reached: {point}" for point in matrix.not_reached)]:
            click.echo(f"  {name}")
    sys.exit(0 if matrix.is_clean else 1)


OPERATIONS: tuple[click.Command, ...] = (crash_command,)
