"""Every metric that the alert rules and the Grafana dashboard ask for is one the server has."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from retrospec.telemetry import Metrics

MONITORING = Path(__file__).resolve().parents[2] / "docs" / "monitoring"
NAME = re.compile(r"\bretrospec_[a-z_]+")


def known() -> set[str]:
    """Families, and what their samples are called."""
    names: set[str] = set()
    for family in Metrics().registry.collect():
        names |= {family.name, *(sample.name for sample in family.samples)}
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ())
        names |= {family.name + suffix for suffix in suffixes}
    return names


@pytest.mark.parametrize("page", ["alerts.yml", "grafana.json"])
def test_every_metric_named_exists(page: str) -> None:
    named = set(NAME.findall((MONITORING / page).read_text(encoding="utf-8")))
    assert len(named) >= 8
    assert named <= known()


def test_the_dashboard_is_whole() -> None:
    dashboard = json.loads((MONITORING / "grafana.json").read_text(encoding="utf-8"))
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]) == 15


def test_prometheus_finds_nothing_wrong_with_the_rules() -> None:
    program = os.environ.get("RETROSPEC_PROMTOOL") or shutil.which("promtool")
    if not program:
        pytest.skip("no promtool: Debian's package prometheus has it, or name it in RETROSPEC_PROMTOOL")
    done = subprocess.run([program, "check", "rules", str(MONITORING / "alerts.yml")], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "10 rules found" in done.stdout, done.stdout + done.stderr
