"""A small crash matrix, and that its account sees what is wrong."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from retrospec.bench.crash import run_matrix
from retrospec.bench.crash_count import Accepted, count_up
from retrospec.domain.settings import Settings
from tests.conftest import Client, make_key, marker, serving, settings_for

POINTS = ("commit Intake._store_chunks: after", "commit Pipeline._finish.save: before", "blob Pipeline._store_analysis: after")


def test_killed_at_named_points_nothing_is_lost_or_counted_twice() -> None:
    matrix = run_matrix(0, seed=2, progress=lambda *_: None, points=POINTS.__contains__)
    assert set(POINTS) <= set(matrix.points)
    assert matrix.not_reached == []
    assert matrix.refusals == 1
    assert matrix.kills == matrix.copies_checked >= 4, "one life a point and a refusal; a point that its life did not come to has another"
    assert matrix.count.accepted_sessions >= 40
    assert matrix.is_clean, matrix.count


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings: Settings = settings_for(tmp_path_factory.mktemp("counted"))
    with serving(settings) as server:
        client = Client(server, make_key(settings))
        client.send("s1", marker())
        client.judged("s1")
        client.http.close()
    return settings.data_dir


def _accepted() -> Accepted:
    accepted = Accepted()
    accepted.note("s1", ["m1"], 1)
    return accepted


def _sql(statement: str) -> Callable[[Path], object]:
    def change(data: Path) -> None:
        with sqlite3.connect(data / "retrospec.db") as connection:
            connection.execute(statement)
        connection.close()

    return change


@pytest.mark.parametrize(
    ("breakage", "seen"),
    [
        (_sql("UPDATE issues SET session_count = 2"), "doubled"),
        (_sql("UPDATE sessions SET stage = 'analysis'"), "unfinished"),
        (_sql("UPDATE issue_sessions SET counted = 0"), "uncounted"),
        (_sql("DELETE FROM markers"), "lost"),
        (lambda data: next((data / "blobs").rglob("s1.json.zst")).unlink(), "lost"),
        (lambda data: (data / "blobs" / "stray.bin").write_bytes(b"?"), "orphans"),
    ],
    ids=["counted twice", "not judged", "not counted", "marker gone", "recording gone", "stray file"],
)
def test_the_account_sees_each_kind_of_damage(
    judged: Path, tmp_path: Path, breakage: Callable[[Path], object], seen: str
) -> None:
    import shutil

    data = tmp_path / "data"
    shutil.copytree(judged, data)
    assert count_up(data, _accepted()).is_clean
    breakage(data)
    count = count_up(data, _accepted())
    assert getattr(count, seen) and not count.is_clean
