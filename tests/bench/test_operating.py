"""The long runs, short: each measures a real server and tells its figures beside the goals."""

import re

import pytest
from click.testing import CliRunner

from retrospec.cli.main import main


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("stored --sessions 400 --load 16", ["cold start to healthy", "its CPU", "ingest p99 beside the deletion", "deleted"]),
        ("small --sessions 20", ["failures", "resident memory", "limited by"]),
        ("growth --stored 100 --stored 200 --reports 4", ["CPU of an issue's page", "retention", "200"]),
        ("soak --minutes 0.5", ["faults", "lost", "file handles", "threads", "disk a session"]),
    ],
    ids=lambda each: str(each).split()[0],
)
def test_it_runs_and_tells_asked_and_reached(words: str, told: list[str]) -> None:
    done = CliRunner().invoke(main, ["bench", *words.split()])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert all(each in done.output for each in told), done.output
    for name in ("failures", "lost", "doubled", "without a final status"):
        for line in re.findall(rf"^{name} .*$", done.output, re.MULTILINE):
            assert "NOT REACHED" not in line
