"""No page tells anybody to type what nothing runs: each line of a shell block has a test, and each settings example is read."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from retrospec.domain.settings_file import load_settings
from retrospec.storage.bucket_rules import AFTER_DAYS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
AS_THEY_STAND = {
    "tests/docs/test_typed_as_written.py": ("commands", "sourcemaps", "issues", "configure", "assistants"),
    "tests/docs/test_operate.py": ("operate",),
}
"""Pages whose ``retrospec …`` lines these tests read and run."""
RUN_BY = {
    r"sh install\.sh|sh tests/run": ("tests/run", "sh install.sh -e"),
    r"(\.venv/bin/)?retrospec demo": ("tests/e2e/test_demo.py", '"demo", "--once"'),
    r"(\.venv/bin/)?retrospec serve$": ("tests/cli/test_serve.py", '"serve"'),
    r"retrospec serve --no-worker": ("tests/servers/test_many_processes.py", '"serve", "--no-worker"'),
    r"retrospec worker": ("tests/servers/test_many_processes.py", '"worker", "--concurrency"'),
    r"retrospec move": ("tests/servers/test_move.py", '["move", '),
    r"retrospec bench render": ("tests/confirmation/test_corpus.py", "retrospec.bench.render"),
    r"retrospec bench redact": ("tests/bench/test_redact.py", "retrospec.bench.redact"),
    r"pip download|RETROSPEC_WHEELHOUSE=": ("tests/ship/test_release.py", "RETROSPEC_WHEELHOUSE"),
    r"podman ": ("tests/ship/test_container.py", '("podman", ["info"])'),
    r"python3 -m venv /opt/retrospec|/opt/retrospec/bin/|runuser ": ("tests/ship/operators_walk.py", '"-m", "venv"'),
    r"aws s3api": ("tests/docs/test_every_line.py", "AFTER_DAYS"),
    r"python -m tests\.security\.schema": ("tests/security/test_schema.py", "tests.security.schema import run"),
    r"python -m tests\.security\.fuzz": ("tests/security/test_fuzz.py", "tests.security.fuzz import"),
    r"python -m tests\.security\.audit": ("tests/security/test_supply.py", "tests.security.audit import"),
}
"""Who runs the other lines, and by which words one knows it."""
OF_THE_MACHINE = r"useradd |apt-get install |systemctl |journalctl |\.venv/bin/(pip|ruff|mypy|python -m pytest)|python -m pytest |pip install 'retrospec"
"""Debian's, systemd's, pip's and the developers' tools: theirs to test. What is named with them is checked below."""


def blocks(kind: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for block in re.findall(rf"```{kind}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            yield page.stem, re.sub(r"\\\n\s*", "", block)


def lines() -> list[tuple[str, str]]:
    typed = ((page, line.partition("  # ")[0]) for page, block in blocks("sh") for line in block.splitlines())
    return [(page, one.strip()) for page, line in typed for one in line.split(" && ") if one.strip()]


def is_run_as_it_stands(page: str, line: str) -> bool:
    return bool(re.match(r"(?:[A-Z_]+=\S+ )?retrospec ", line)) and any(page in pages for pages in AS_THEY_STAND.values())


@pytest.mark.parametrize(("page", "line"), lines())
def test_somebody_runs_the_line(page: str, line: str) -> None:
    if is_run_as_it_stands(page, line) or re.match(OF_THE_MACHINE, line):
        return
    found = [(place, words) for pattern, (place, words) in RUN_BY.items() if re.match(pattern, line)]
    assert found, f"{page}: nothing runs `{line}`: run it in a test and name that in RUN_BY"
    for place, words in found:
        assert words in (ROOT / place).read_text(encoding="utf-8"), f"{place} no longer runs `{line}`"


def test_nothing_is_named_that_no_page_has() -> None:
    typed = [line for _, line in lines()]
    assert [pattern for pattern in RUN_BY if not any(re.match(pattern, line) for line in typed)] == []


@pytest.mark.parametrize(("page", "block"), list(blocks("sh")))
def test_a_shell_reads_the_block(page: str, block: str) -> None:
    read = subprocess.run(["sh", "-n"], input=block, capture_output=True, text=True, timeout=30, check=False)
    assert read.returncode == 0, f"{page}: {read.stderr}"


@pytest.mark.parametrize(("page", "block"), list(blocks("toml")))
def test_the_settings_of_the_page_are_settings(page: str, block: str, tmp_path: Path) -> None:
    file = tmp_path / "retrospec.toml"
    file.write_text(block, encoding="utf-8")
    load_settings(file, environ={}, overrides={})


def test_the_bucket_rule_to_set_by_hand_is_the_one_a_start_sets() -> None:
    (line,) = (line for _, line in lines() if line.startswith("aws s3api"))
    (rule,) = json.loads(line.split("--lifecycle-configuration ")[1].strip("'"))["Rules"]
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": AFTER_DAYS}
    assert rule["Status"] == "Enabled"


def test_extras_folders_and_tools_named_exist() -> None:
    text = "\n".join(block for _, block in blocks("sh"))
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(re.findall(r"(?:retrospec|\.)\[(\w+)\]", text)) <= extras.keys()
    for words in re.findall(r"pytest((?: tests/\S+)+)", text):
        assert all((ROOT / word).exists() for word in words.split())
    for module, options in re.findall(r"python -m (tests\S+)([^#\n]*)", text):
        tool = (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
        assert all(f'"{option}"' in tool for option in re.findall(r"--[a-z]+", options))
    for package in re.findall(r"-r (\S+\.lock)", text):
        assert (ROOT / package).is_file()
