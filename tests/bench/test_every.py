"""``retrospec bench all``: what it lists can be run, its results are kept one by one, and the page says what they say."""

from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from click.testing import CliRunner

from retrospec.bench import every, growth, growth_plot, registry
from retrospec.bench.benchmarks_page import page
from retrospec.bench.figures import Figure, Lacking, Machine, Note, Result
from retrospec.bench.registry import BENCHES, Bench
from retrospec.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
HERE = Machine(cores=2, memory_mb=24_000, system="Linux x86_64", python="3.11.2", decode_ms_per_mb=9.5, load=1.0)
GOOD = Figure(name="lost", goal="0", reached="0")
SHORT = Figure(name="start", goal="< 2 s", reached="3 s", is_met=False, beside="empty | 3 s")


def made(name: str, *figures: Figure, trouble: str = "") -> Result:
    return Result(name=name, measured_on="2026-01-31", version="1.2.3", machine=HERE, took_s=61, figures=list(figures), trouble=trouble)


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench.name)
def test_each_bench_is_there(bench: Bench) -> None:
    module, _, function = bench.place.partition(":")
    assert callable(getattr(import_module(module), function))
    words = bench.command.split()
    if words[0] == "retrospec":
        assert CliRunner().invoke(main, [*words[1:3], "--help"]).exit_code == 0


def test_what_is_short_of_its_goal_comes_first_and_every_figure_has_its_command() -> None:
    text = page([made("stored", GOOD, SHORT), made("crash", GOOD), made("cluster", trouble="needs labelled data")])
    short, _, rest = text.partition("\n## ingest\n")
    assert "| [stored](#stored) | start | < 2 s | 3 s | empty \\| 3 s |" in short
    assert "- cluster: needs labelled data" in short and "- day: not measured yet" in short
    assert "lost" not in short
    for bench in BENCHES:
        assert f"## {bench.name}\n" in text and f"`{bench.command}`" in text
    assert "| start | < 2 s | **3 s** | empty \\| 3 s |" in rest
    assert "2026-01-31, version 1.2.3: 2 cores, 24 GB, Linux x86_64, Python 3.11.2; yardstick 9.5 ms" in rest


def test_the_page_in_the_repository_is_made_of_the_results_beside_it() -> None:
    kept = every.kept_results(ROOT / "docs" / "benchmarks")
    assert (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8") == page(kept)
    files = {file.stem for file in (ROOT / "docs" / "benchmarks").glob("*.json")}
    assert files == {result.name for result in kept}


def quick(note: Note) -> list[Figure]:
    note("part", 1, 1)
    return [GOOD]


def lacking(note: Note) -> list[Figure]:
    raise Lacking("it needs a thing")


def test_a_run_goes_on_where_it_was_broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = (Bench(name, "About it", f"{__name__}:{name}", "true") for name in ("quick", "lacking"))
    monkeypatch.setattr(every, "BENCHES", (one, two))
    monkeypatch.setattr(registry, "import_module", lambda _: __import__("sys").modules[__name__])
    assert every.without_result(tmp_path) == [one, two]
    every.keep(every._measured(one), tmp_path / "quick.json")
    assert every.without_result(tmp_path) == [two]
    every.keep(every._measured(two), tmp_path / "lacking.json")
    assert every.without_result(tmp_path) == [two]  # tried again until it is measured
    first, second = every.kept_results(tmp_path)
    assert first.figures == [GOOD] and first.machine.cores >= 1
    assert (second.figures, second.trouble) == ([], "it needs a thing")


def test_growth_is_told_as_ratios_and_drawn() -> None:
    at = growth.Point(sessions=1_000, report_cpu_ms=5, report_wall_ms=9, issue_page_ms=4, promote_ms=8, forget_ms=1, start_cpu_s=1)
    later = msgspec.structs.replace(at, sessions=100_000, forget_ms=4.0)
    told = {figure.name: figure for figure in growth.of_points([at, later])}
    assert told["retention, ms a session deleted"].reached == "4.00 x"
    assert [figure.is_met for figure in told.values()].count(False) == 1
    drawing = ElementTree.fromstring(growth_plot.drawn(growth.ratios([at, later]), [1_000, 100_000]))
    assert len(drawing.findall("{*}polyline")) == len(growth.SHOWN)


def test_names_that_are_not_there_are_refused_with_those_that_are(tmp_path: Path) -> None:
    refused = CliRunner().invoke(main, ["bench", "all", "nosuch", "--into", str(tmp_path)])
    assert refused.exit_code == 2 and "use ingest," in refused.output
