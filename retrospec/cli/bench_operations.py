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
    from retrospec.bench.operating import run_small
    from retrospec.cli.bench import run_light

    small = run_small(sessions, cores, mb * 1_000_000, _note, run_light)
    outcome = small.outcome
    if as_json:
        print_json(small)
    else:
        click.echo(f"{sessions:,} sessions on {cores} core(s), {mb:,} MB by {small.limited_by}: {outcome.sessions_per_s:.0f} a second, p99 {outcome.p99_ms:.0f} ms")
        peak = outcome.resident_peak_mb or 0.0
        bad = outcome.failures + outcome.still_pending
        print_goals([("failures", "0", str(bad), not bad), ("resident memory", "< 250 MB", f"{peak:.0f} MB", peak < 250)])
    sys.exit(1 if outcome.failures or outcome.still_pending else 0)


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
    from retrospec.bench.operating import run_day
    from retrospec.cli.bench import run_light

    day = run_day(seconds, sessions, _note, run_light)
    growth = day.end_bytes / day.quarter_bytes
    rows = [
        ("failures", "0", str(day.failures), day.failures == 0),
        ("memory, end against a quarter", "flat (<= 1.15)", f"{growth:.2f} ({day.end_bytes / 1e6:.0f} MB)", growth <= 1.15),
        ("file handles", "flat", f"{day.quarter_files} -> {day.end_files}", day.end_files <= day.quarter_files + 10),
        ("disk within its budget", f"{day.budget_bytes / 1e6:.0f} MB", f"{day.stored_bytes / 1e6:.0f} MB", day.stored_bytes <= day.budget_bytes * 1.1),
    ]
    if as_json:
        print_json(day)
    else:
        click.echo(f"{day.sessions:,} sessions, {day.hurry:.0f} times as fast as life")
        print_goals(rows)
    sys.exit(0 if all(row[3] for row in rows) else 1)


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
    from retrospec.bench.operating import run_stored
    from retrospec.cli.bench import run_light

    stored = run_stored(sessions, load, _note, run_light)
    ratio = stored.disturbed_p99_ms / stored.undisturbed_p99_ms
    rows = [
        ("cold start to healthy", "< 2 s", f"{stored.start_s:.2f} s (empty: {stored.empty_start_s:.2f} s)", stored.start_s < 2),
        ("ingest p99 beside the deletion", "< 2 x", f"{ratio:.2f} x ({stored.undisturbed_p99_ms:.0f} -> {stored.disturbed_p99_ms:.0f} ms)", ratio < 2),
        ("deleted", f"{sessions // 2:,}", f"{stored.deleted:,} in {stored.delete_s:.0f} s", stored.deleted > sessions * 0.4),
    ]
    if as_json:
        print_json(stored)
    else:
        click.echo(f"{sessions:,} sessions stored")
        print_goals(rows)
    sys.exit(0 if all(row[3] for row in rows) else 1)


OPERATIONS: tuple[click.Command, ...] = (crash_command, small_command, day_command, stored_command)
