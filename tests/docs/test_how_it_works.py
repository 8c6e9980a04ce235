"""The walk through the code in docs/how-it-works.md leads to what is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
PATHS = sorted(set(re.findall(r"`((?:retrospec|static|tests)/[\w./]+|sdk\.js)`", PAGE)))
NAMED = re.findall(r"`(retrospec/[\w/]+\.py)`,\s+`(\w+)`", PAGE)
OF_THE_SDK = sorted(set(re.findall(r"`((?:make|watch)[A-Z]\w+)`", PAGE)))


@pytest.mark.parametrize("path", PATHS)
def test_the_file_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_the_name_is_defined_there(path: str, name: str) -> None:
    assert re.search(rf"^(?:async )?(?:def|class) {name}\b", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("name", OF_THE_SDK)
def test_the_sdk_has_the_function(name: str) -> None:
    assert f"function {name}(" in (ROOT / "sdk.js").read_text(encoding="utf-8")


def test_the_page_names_many_places() -> None:
    assert len(NAMED) >= 20 and len(OF_THE_SDK) >= 8
