"""The short form of ``python -m tests.servers.outage``: both servers stopped for a moment, and each of four processes killed."""

from pathlib import Path

import pytest

from tests.servers.choice import in_full_run_only
from tests.servers.outage import run


@in_full_run_only
@pytest.mark.timeout(600)
def test_two_servers_and_two_workers_lose_and_double_nothing_whatever_is_stopped_or_killed(tmp_path: Path) -> None:
    count = run(tmp_path, seconds=3, a_second=2)
    assert count.is_clean and all(each.is_met for each in count.figures()), count
    assert count.visits > 30 and count.refused_politely > 0 and set(count.drained_s) == {"PostgreSQL", "the S3 server"}
