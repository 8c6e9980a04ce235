"""What is shipped is named with its licence."""

import json
from importlib.metadata import distribution
from pathlib import Path

from click.testing import CliRunner

import hatch_build
from retrospec.cli.licences import licence_of
from retrospec.cli.main import main
from retrospec.domain.shipped import built_dir

ROOT = Path(__file__).resolve().parents[2]


def test_every_bundled_package_is_named_with_the_text_of_its_licence() -> None:
    shown = CliRunner().invoke(main, ["licences"])
    assert shown.exit_code == 0 and shown.output.startswith("RetroSpec: Apache License 2.0")
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    bundled = [path.rpartition("node_modules/")[2] for path in lock if path and not hatch_build.BUILD_ONLY.fullmatch(path)]
    assert {"@rrweb/record", "@rrweb/replay", "htmx.org"} <= set(bundled)
    for name in bundled:
        section = shown.output.partition(f"\n{name} ")[2].partition("=" * 80)[0]
        assert any(words in section for words in ("THE SOFTWARE IS PROVIDED", "Permission to use, copy, modify", "Redistribution and use")), name


def test_what_only_builds_or_tests_is_not_among_it() -> None:
    text = (built_dir() / "third-party-licences.txt").read_text(encoding="utf-8")
    assert "axe-core" not in text and "\nesbuild " not in text


def test_python_packages_are_told_with_theirs() -> None:
    shown = CliRunner().invoke(main, ["licences", "--python"])
    assert "litestar" in shown.output and "MIT" in shown.output
    assert licence_of(distribution("click")) == "BSD-3-Clause"
