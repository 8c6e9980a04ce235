"""The long runs, short: each measures a real server and tells its figures beside the goals.

The longer ones take minutes of a core even so: they wait for ``RETROSPEC_LONG_TESTS``.
"""

import os
import re

import pytest
from click.testing import CliRunner

from retrospec.cli.main import main

LONG = pytest.mark.skipif("RETROSPEC_LONG_TESTS" not in os.environ, reason="minutes of a core: set RETROSPEC_LONG_TESTS=1 to run it")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("small --sessions 20", ["failures", "resident memory", "limited by"]),
        pytest.param("stored --sessions 400 --load 16", ["cold start to healthy", "its CPU", "ingest p99 beside the deletion", "deleted"], marks=LONG),
        pytest.param("growth --stored 100 --stored 200 --reports 4", ["CPU of an issue's page", "retention", "200"], marks=LONG),
        pytest.param("soak --minutes 0.2", ["faults", "lost", "file handles", "threads", "disk a session"], marks=LONG),
    ],
    ids=lambda each: each.partition(" ")[0] if isinstance(each, str) else "",
)
def test_it_runs_and_tells_asked_and_reached(words: str, told: list[str]) -> None:
    done = CliRunner().invoke(main, ["bench", *words.split()])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert all(each in done.output for each in told), done.output
    for name in ("failures", "lost", "doubled", "without a final status"):
        for line in re.findall(rf"^{name} .*$", done.output, re.MULTILINE):
            assert "NOT REACHED" not in line
