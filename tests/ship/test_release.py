"""A release: what is built installs in an empty environment without a network, and runs.

``RETROSPEC_WHEELHOUSE`` names a folder with all it stands on (CONTRIBUTING.md says how to fill it); without it only the
quick part runs.
"""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import hatch_build
from retrospec import __version__
from retrospec.bench.spawned import spawned_server

ROOT = Path(__file__).resolve().parents[2]
WHEELHOUSE = os.environ.get("RETROSPEC_WHEELHOUSE", "")
LEFT_OUT = shutil.ignore_patterns(".git", "node_modules", "__pycache__", ".*_cache", ".venv", "screenshots")


def run(*command: str | Path, **variables: str) -> str:
    done = subprocess.run(
        [str(each) for each in command], capture_output=True, text=True, timeout=1_200, check=False, env={**os.environ, **variables}
    )
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-4_000:]
    return done.stdout


def test_a_source_distribution_is_built_from_no_further_than_itself(tmp_path: Path) -> None:
    for name in ("sdk.js", "sdk-more.js", "package-lock.json", "hatch_build.py"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / hatch_build.BUILT).mkdir(parents=True)
    built = tmp_path / hatch_build.BUILT / "retrospec.js"
    built.write_text("built")
    (tmp_path / hatch_build.BUILT_FROM).write_text(hatch_build.sdk_build(tmp_path))
    assert hatch_build.already_built(tmp_path) == []  # a checkout
    (tmp_path / "PKG-INFO").touch()
    assert hatch_build.already_built(tmp_path) == [built]
    (tmp_path / "sdk.js").write_text("changed since")
    assert hatch_build.already_built(tmp_path) == []


@pytest.fixture(scope="module")
def alone() -> list[str]:
    """The prefix of a command that gets no network but loopback, where that can be had."""
    probe = ["unshare", "--net", "--map-root-user"]
    works = shutil.which("unshare") and subprocess.run([*probe, "true"], capture_output=True, check=False).returncode == 0
    return probe if works else []


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not WHEELHOUSE:
        pytest.skip("RETROSPEC_WHEELHOUSE names no folder of packages: see CONTRIBUTING.md, A release")
    folder, tree = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("tree") / "retrospec"
    shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
    (tree / "node_modules").symlink_to(ROOT / "node_modules")
    wanted = f"from hatchling import build; build.build_sdist({str(folder)!r}); build.build_wheel({str(folder)!r})"
    built = subprocess.run([sys.executable, "-c", wanted], cwd=tree, timeout=600, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr[-4_000:]
    return folder


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("ending", ["*.whl", "*.tar.gz"], ids=["wheel", "sdist"])
def test_it_installs_without_a_network_and_serves(ending: str, distributions: Path, alone: list[str], tmp_path: Path) -> None:
    (package,) = distributions.glob(ending)
    if ending == "*.tar.gz":
        with tarfile.open(package) as inside:
            assert f"retrospec-{__version__}/build/static/retrospec.js" in inside.getnames()
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    program = tmp_path / "venv" / "bin" / "python"
    run(*alone, program, "-m", "pip", "install", "--no-index", "--find-links", WHEELHOUSE, package, PIP_CONFIG_FILE=os.devnull)
    assert run(program, "-m", "retrospec", "--version", PYTHONPATH="") == f"retrospec {__version__}\n"
    assert "@rrweb/record" in run(program, "-m", "retrospec", "licences", PYTHONPATH="")
    quiet = {"REPLAY_RENDER": "off", "CONFIRMATION_CHECKER": "none"}
    with spawned_server(quiet, tmp_path / "data", [str(tmp_path / "venv" / "bin" / "retrospec")]) as server:
        assert server.healthy_at
