"""A running server takes over what it can."""

import json
from pathlib import Path

import httpx
import pytest

from retrospec.bench.spawned import spawned_server

from .conftest import ROOT, Run

QUIET = {"REPLAY_RENDER": "off", "CONFIRMATION_CHECKER": "none"}


def test_what_can_be_taken_over_is_and_the_rest_is_named(
    retrospec: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    file = tmp_path / "retrospec.toml"
    file.write_text("[retention]\ndays = 7\n")
    with spawned_server(QUIET, tmp_path / "data") as server:
        named = ("--data", str(tmp_path / "data"))
        file.write_text("[retention]\ndays = 30\n[worker]\nthreads = 4\n[server]\nmetrics_token = \"new-token\"\n")
        rows = {row["key"]: row for row in json.loads(retrospec("config", "diff", "--json", *named).stdout)}
        assert rows["retention.days"]["written"] == 30 and rows["retention.days"]["takes"] == "reload"
        assert rows["worker.threads"]["takes"] == "restart"
        assert "new-token" not in json.dumps(rows)
        assert httpx.get(f"{server.url}/metrics").status_code == 200

        done = retrospec("reload", *named)
        assert "retention.days" in done.stdout and "Waiting for a restart: " in done.stdout and "worker.threads" in done.stdout
        assert httpx.get(f"{server.url}/metrics").status_code == 401

        file.write_text("[retention]\ndays = -1\n")
        assert retrospec("config", "diff", *named).returncode == 2
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        wrong = retrospec("reload", *named)
        assert wrong.returncode == 2 and "retention.days is -1" in wrong.stderr
    file.unlink()
    assert "No server runs" in retrospec("reload", *named).stderr


def test_without_a_server_the_difference_is_to_the_defaults(retrospec: Run, tmp_path: Path) -> None:
    (tmp_path / "retrospec.toml").write_text("[retention]\ndays = 30\n")
    shown = retrospec("config", "diff").stdout
    assert "retention.days" in shown and "retrospec.toml line 2" in shown
