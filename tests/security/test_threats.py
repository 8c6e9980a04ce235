"""What SECURITY.md and docs/security.md promise: each threat and each yes of the checklist names a test that exists."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(?:tests/)?([\w/]+\.py)::(test_\w+)`")
THREATS = re.findall(r"^\| (\d+) \| (.+) \|$", (ROOT / "SECURITY.md").read_text(encoding="utf-8"), re.MULTILINE)
CHECKS = re.findall(r"^\| (\d[\d., ]*) .*?\| (yes|no) \| (.+) \|$", (ROOT / "docs/security.md").read_text(encoding="utf-8"), re.MULTILINE)


@cache
def named_tests_of(file: str) -> frozenset[str]:
    text = (ROOT / "tests" / file).read_text(encoding="utf-8")
    return frozenset(re.findall(r"^(?:async )?def (test_\w+)", text, re.MULTILINE))


def missing(text: str) -> list[str]:
    return [f"{file}::{name}" for file, name in NAMED.findall(text) if name not in named_tests_of(file)]


@pytest.mark.parametrize(("number", "row"), THREATS, ids=[number for number, _ in THREATS])
def test_each_threat_names_tests_that_exist(number: str, row: str) -> None:
    assert NAMED.search(row), f"threat {number} names no test"
    assert not missing(row)


def test_threats_are_counted_through() -> None:
    assert [int(number) for number, _ in THREATS] == list(range(1, len(THREATS) + 1)) != []


@pytest.mark.parametrize(("requirement", "answer", "where"), CHECKS, ids=[f"{check[0].strip()}-{check[1]}" for check in CHECKS])
def test_each_line_of_the_checklist_has_its_test_or_an_honest_no(requirement: str, answer: str, where: str) -> None:
    assert not missing(where)
    assert bool(NAMED.search(where)) == (answer == "yes"), f"{requirement}: a yes names its test, a no says what there is instead"


def test_the_checklist_is_read_whole() -> None:
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8").partition("## OWASP")[2].partition("\n## ")[0]
    assert len(CHECKS) == sum(line.startswith("| ") for line in page.splitlines()) - 2 > 40
