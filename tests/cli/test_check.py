import json
from pathlib import Path

from .conftest import Run


def test_defaults_are_right(retrospec: Run) -> None:
    done = retrospec("check")
    assert done.returncode == 0, done.stderr
    assert "Every setting has its default." in done.stdout


def test_what_is_set_is_listed_with_its_source(retrospec: Run, tmp_path: Path) -> None:
    (tmp_path / "retrospec.toml").write_text("[retention]\ndays = 30\n")
    done = retrospec("check", "--json", environ={"RETROSPEC_SERVER_METRICS_TOKEN": "hush"})
    listed = {one["key"]: (one["value"], one["source"]) for one in json.loads(done.stdout)["settings"]}
    assert listed == {
        "retention.days": (30, "retrospec.toml line 2"),
        "server.metrics_token": ("(hidden)", "RETROSPEC_SERVER_METRICS_TOKEN"),
    }


def test_a_slip_exits_with_2_and_one_line_each(retrospec: Run, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("[retention]\ndays = -1\n")
    done = retrospec("check", "--config", "my.toml", environ={"RETROSPEC_SERVER_PROT": "1"})
    assert done.returncode == 2
    assert done.stdout == ""
    assert sorted(done.stderr.splitlines()) == [
        "retrospec: RETROSPEC_SERVER_PROT is no setting; did you mean RETROSPEC_SERVER_PORT?",
        "retrospec: my.toml line 2: retention.days is -1; use 1 to 3650",
    ]


def test_a_data_folder_that_is_a_file_is_refused(retrospec: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = retrospec("check", "--data", "file/below")
    assert done.returncode == 1
    assert "is a file; name another folder with --data" in done.stderr


def test_a_browser_that_cannot_run_is_refused(retrospec: Run) -> None:
    done = retrospec("check", environ={"RETROSPEC_REPLAY_BROWSER": "/nowhere/chromium"})
    assert done.returncode == 1
    assert "RETROSPEC_REPLAY_BROWSER: replay.browser is /nowhere/chromium" in done.stderr
