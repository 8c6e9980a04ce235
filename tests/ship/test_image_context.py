"""What ``.containerignore`` lets into the image's build is all that the build reads."""

import re
import shutil
import tomllib
from pathlib import Path

import hatch_build

ROOT = Path(__file__).resolve().parents[2]


def let_in() -> set[str]:
    lines = (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "*"
    return {line.removeprefix("!") for line in lines if line.startswith("!")}


def test_all_that_the_build_reads_is_let_in(tmp_path: Path) -> None:
    for name in let_in():
        source = ROOT / name
        if source.is_file():
            shutil.copy(source, tmp_path / name)
        else:
            (tmp_path / name).mkdir()
    (tmp_path / "retrospec" / "__init__.py").write_text('__version__ = "1.2.3"\n', encoding="utf-8")
    assert hatch_build.sdk_version(tmp_path) == "1.2.3"
    assert hatch_build.sdk_build(tmp_path)
    hatch_build.write_sbom(tmp_path, tmp_path / "sbom.json")
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    named = [project["project"]["readme"], *project["project"]["license-files"], *wheel["packages"], *wheel["force-include"]]
    assert all((tmp_path / name).exists() for name in named)


def test_all_that_the_containerfile_installs_from_is_let_in() -> None:
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    assert set(re.findall(r"-r (\S+)", text)) <= let_in()
