"""docs/configure.md has every setting once, as the code has it, and nothing else."""

import re
from pathlib import Path

import pytest

from retrospec.cli.init import toml_value
from retrospec.domain.settings_catalog import Setting, sections, settings_by_key

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "configure.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+\.\w+)` \|.*$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("setting", settings_by_key().values(), ids=lambda setting: setting.key)
def test_the_page_has_the_setting_as_the_code_has_it(setting: Setting) -> None:
    row = f"| `{setting.key}` | `{toml_value(setting.default)}` | {setting.legal} | {setting.description} |"
    assert row in PAGE.splitlines()


def test_every_setting_is_there_once_in_the_order_of_the_file() -> None:
    assert list(settings_by_key()) == ROWS


def test_every_section_has_its_heading() -> None:
    assert re.findall(r"^## \[(\w+)\]$", PAGE, re.MULTILINE) == [section.name for section in sections()]
