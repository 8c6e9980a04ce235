"""``retrospec bench all``."""

import os
import sys
from pathlib import Path

import click

from retrospec.bench.figures import Result, printed
from retrospec.bench.registry import BENCHES, Bench


@click.command("all")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), default=Path("docs"), show_default=True, help="Folder of the page.")
@click.option("--renew", is_flag=True, help="Measure again what has a result.")
@click.option("--data", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Labelled grouping data, for `cluster`.")
@click.option("--page-only", is_flag=True, help="Measure nothing; write the page from the kept results.")
def all_command(names: tuple[str, ...], into: Path, renew: bool, data: Path | None, page_only: bool) -> None:
    """Run every bench, and write docs/benchmarks.md.

    Each result is kept at once: a run that was broken off goes on where it stopped. NAMEs are measured again. About an hour and a half.

    \b
    Examples:
      retrospec bench all
      retrospec bench all day stored
    """
    from retrospec.bench import every
    from retrospec.bench.benchmarks_page import page

    kept = into / "benchmarks"
    wanted = [] if page_only else _named(names) or (list(BENCHES) if renew else every.without_result(kept))
    if data is not None:
        os.environ[every.DATA_VARIABLE] = str(data.resolve())
    try:
        every.run_all(wanted, kept, _tell)
    finally:
        results = every.kept_results(kept)
        (into / "benchmarks.md").write_text(page(results), encoding="utf-8")
        click.echo(f"{into / 'benchmarks.md'}: {len(results)} of {len(BENCHES)} benches measured")
    ran = {bench.name for bench in wanted}
    sys.exit(1 if any(each.trouble for each in results if each.name in ran) else 0)


def _named(names: tuple[str, ...]) -> list[Bench]:
    known = {bench.name: bench for bench in BENCHES}
    for name in names:
        if name not in known:
            raise click.UsageError(f"There is no bench {name!r}; use {', '.join(known)}.")
    return [known[name] for name in names]


def _tell(bench: Bench, result: Result | None) -> None:
    if result is None:
        click.echo(f"{bench.name}: {bench.about} …", err=True)
        return
    click.echo(f"{bench.name}: {result.trouble or 'measured'}, {result.took_s:,.0f} s")
    if result.figures:
        click.echo(printed(result.figures))
