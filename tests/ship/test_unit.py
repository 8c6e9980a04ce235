"""The systemd unit of docs/install.md."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "install.md").read_text(encoding="utf-8")
ANALYZE = shutil.which("systemd-analyze")


def unit() -> str:
    found = re.search(r"```ini\n(\[Unit\].*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    path = tmp_path / "retrospec.service"
    # The program need not be installed here; everything else is as the page has it.
    path.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit(), flags=re.MULTILINE))
    done = subprocess.run([str(ANALYZE), "verify", str(path)], capture_output=True, text=True, timeout=60, check=False)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "retrospec.service" in line]
    assert (done.returncode, ours) == (0, [])


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
def test_systemd_would_notice_a_slip(tmp_path: Path) -> None:
    path = tmp_path / "retrospec.service"
    path.write_text(unit().replace("ProtectSystem=strict", "ProtectSystem=stricter").replace("[Service]", "[Service]\nNoSuchThing=1"))
    done = subprocess.run([str(ANALYZE), "verify", str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert "NoSuchThing" in done.stderr


def test_only_the_server_is_asked_to_stop() -> None:
    assert "KillMode=mixed\n" in unit(), "else systemd ends the browser under the server, in mid-render"


def test_the_command_of_the_unit_is_one_we_have() -> None:
    from retrospec.cli.serve import serve

    found = re.search(r"^ExecStart=\S+/retrospec serve (.*)$", unit(), re.MULTILINE)
    assert found is not None
    options = {name for parameter in serve.params for name in parameter.opts}
    assert set(re.findall(r"--\w+", found[1])) <= options
