"""``docs/benchmarks.md`` from the kept results: what is short of its goal first, then every figure with its command."""

from collections.abc import Iterator, Sequence

from retrospec.bench.figures import Figure, Result
from retrospec.bench.registry import BENCHES, Bench

_HEAD = """\
# Benchmarks

Written by `retrospec bench all`, which runs every bench that has no result yet, keeps each result as JSON in `docs/benchmarks/`
and writes this page; `retrospec bench all NAME` measures one again. Seconds of the clock depend on the machine and on what
else it does: each bench names both, and its yardstick, the CPU time that decoding 1 MB of recorded events into Python objects
takes there. Compare ratios, and what was measured in the same run.
"""


def page(results: Sequence[Result]) -> str:
    """The whole page. Results of benches that are no longer registered are left out."""
    known = {each.name: each for each in results}
    parts = [_HEAD, _short_of_goal(known), *(_section(bench, known.get(bench.name)) for bench in BENCHES)]
    return "\n".join(parts)


def _short_of_goal(known: dict[str, Result]) -> str:
    rows = [
        (f"[{bench.name}](#{bench.name})", each.name, each.goal, each.reached, each.beside)
        for bench in BENCHES
        if bench.name in known
        for each in known[bench.name].figures
        if not each.is_met
    ]
    troubles = [f"- {bench.name}: {known[bench.name].trouble}" for bench in BENCHES if bench.name in known and known[bench.name].trouble]
    missing = [f"- {bench.name}: not measured yet" for bench in BENCHES if bench.name not in known]
    told = list(_table(("bench", "figure", "asked", "reached", "beside"), rows)) if rows else ["Nothing of what was measured."]
    listed = ["", *troubles, *missing] if troubles or missing else []
    return "\n".join(["## Short of its goal", "", *told, *listed, ""])


def _section(bench: Bench, result: Result | None) -> str:
    lines = [f"## {bench.name}", "", f"{bench.about}. Again: `{bench.command}`", ""]
    if result is None:
        return "\n".join([*lines, "Not measured yet.", ""])
    lines += [_where(result), ""]
    if result.trouble:
        lines += [f"Trouble: {result.trouble}", ""]
    if result.figures:
        lines += [f"![{bench.about}](benchmarks/{bench.picture})", ""] if bench.picture else []
        lines += [*_table(("figure", "asked", "reached", "beside"), [_row(each) for each in result.figures]), ""]
    return "\n".join(lines)


def _where(result: Result) -> str:
    machine = result.machine
    return (
        f"{result.measured_on}, version {result.version}: {machine.cores} cores, {machine.memory_mb / 1000:.0f} GB, {machine.system}, "
        f"Python {machine.python}; yardstick {machine.decode_ms_per_mb:g} ms; load {machine.load:g} when it began; took {result.took_s:,.0f} s."
    )


def _row(figure: Figure) -> tuple[str, ...]:
    reached = figure.reached if figure.is_met else f"**{figure.reached}**"
    return figure.name, figure.goal, reached, figure.beside


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    for row in (heads, ("---",) * len(heads), *rows):
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
