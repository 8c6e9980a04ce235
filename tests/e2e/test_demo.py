"""``retrospec demo``, as a newcomer runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from retrospec.demo.faults import FAULTS
from retrospec.domain.settings import ReplaySettings
from retrospec.domain.shipped import built_dir
from retrospec.replay.browser import find_browser

DEADLINE_S = 300


def run_demo(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "retrospec", "demo", "--once", *options],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=DEADLINE_S, check=False,
    )  # fmt: skip


def assert_exactly_the_planted(shown: subprocess.CompletedProcess[str]) -> None:
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "4 issues came out of 12 visits" in shown.stdout
    for fault in FAULTS:
        assert shown.stdout.count(f"planted: {fault.title}") == 1
    assert "not planted" not in shown.stdout
    assert len(re.findall(r"http://\S+/p/proj_default/issues/\S+", shown.stdout)) == len(FAULTS)
    assert len(re.findall(r"http://\S+/set-up/\S+", shown.stdout)) == 1
    assert shown.stderr == ""


@pytest.mark.browser
def test_live_visitors_bring_out_what_was_planted_and_nothing_else() -> None:
    if find_browser(ReplaySettings()) is None or not (built_dir() / "retrospec.js").is_file():
        pytest.skip("needs a Chromium and the built SDK")
    shown = run_demo(RETROSPEC_CONFIRMATION_CHECKER="none")
    assert_exactly_the_planted(shown)
    assert shown.stdout.count("2 sessions, 2 people · text-confirmed") == len(FAULTS)


def test_without_a_browser_it_says_how_to_get_one_and_sends_recorded_visits(tmp_path: Path) -> None:
    shown = run_demo(PATH=str(tmp_path), PLAYWRIGHT_BROWSERS_PATH=str(tmp_path), HOME=str(tmp_path))
    assert_exactly_the_planted(shown)
    assert "playwright install" in shown.stdout
    assert "Recorded visits are sent instead" in shown.stdout
