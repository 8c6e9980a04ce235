"""The grouping bench on a small set made here: its scores, and that it reads what it is given."""

import gzip
import io
import json
from pathlib import Path

import pytest

from retrospec.bench.cluster import run
from retrospec.bench.cluster_scores import score
from retrospec.bench.cluster_speed import run_speed


def test_scores_of_a_grouping_known_by_hand() -> None:
    perfect = score([1, 1, 2], ["a", "a", "b"])
    assert (perfect.pair_f1, perfect.b_cubed, perfect.accuracy) == (1, 1, 1)
    split = score([1, 2, 3], ["a", "a", "b"])
    assert (split.pair_recall, split.pair_precision, split.accuracy) == (0, 1, 1 / 3)
    merged = score([1, 1, 1], ["a", "a", "b"])
    assert merged.pair_precision == pytest.approx(1 / 3)
    assert merged.pair_recall == 1


def test_sets_in_a_folder_are_measured_and_printed(tmp_path: Path) -> None:
    urls = [{"label": f"/orders/{{id}}/{verb}", "url": f"https://x.example/orders/{n}/{verb}"} for n in range(5) for verb in ("pay", "ship")]
    with gzip.open(tmp_path / "api_urls_made.jsonl.gz", "wt") as out:
        out.writelines(json.dumps(url) + "\n" for url in urls)
    (tmp_path / "browser_errors_made.yml").write_text(
        "one:\n  thrown:\n    errorClass: 'ReferenceError'\n    errorMessage: \"Can't find variable: foo\"\n"
        "two:\n  thrown:\n    errorClass: 'ReferenceError'\n    errorMessage: 'foo is not defined'\n"
    )
    printed = io.StringIO()
    lines = {(line.name, line.how): line for line in run(tmp_path, printed)}
    assert lines["request paths", "ours"].scores.pair_f1 == 1
    assert lines["browsers without stacks", "ours"].scores.pair_f1 == 1
    assert lines["browsers without stacks", "first RetroSpec"].scores.pair_f1 < 1
    assert "log_messages: not in" in printed.getvalue()


def test_a_dev_set_is_halved_by_label_and_goals_are_told_for_each_half(tmp_path: Path) -> None:
    nouns = [f"noun{chr(ord('a') + n)}s" for n in range(12)]
    urls = [{"label": f"/{noun}/{{id}}", "url": f"https://x.example/{noun}/{n}"} for n in range(3) for noun in nouns]
    with gzip.open(tmp_path / "api_urls_dev.jsonl.gz", "wt") as out:
        out.writelines(json.dumps(url) + "\n" for url in urls)
    printed = io.StringIO()
    ours = {line.part: line.items for line in run(tmp_path, printed) if (line.name, line.how) == ("request paths", "ours")}
    assert sorted(ours) == ["report", "tune"]
    assert sum(ours.values()) == len(urls)
    assert all(items % 3 == 0 for items in ours.values()), "a label's items stay together"
    goal = next(line for line in printed.getvalue().splitlines() if line.startswith("request paths") and "pair F1" in line)
    assert goal.split()[-3:] == ["0.850", "1.0000", "1.0000"]


def test_a_folder_without_sets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no labelled set"):
        run(tmp_path, io.StringIO())


def test_speed_is_told_of_both_stores_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrospec.bench.cluster_speed.KNOWN", 60)
    printed = io.StringIO()
    lines = run_speed(issues=40, out=printed)
    assert [(line.store, line.issues) for line in lines] == [("memory", 40), ("SQLite", 40)]
    assert all(line.new_per_s > 0 and line.traffic_per_s > 0 and line.rarest_per_s > 0 for line in lines)
    assert "SQLite" in printed.getvalue()
