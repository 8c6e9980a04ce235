"""What the pages tell people to type exists."""

import re
from pathlib import Path

import click
import pytest

from retrospec.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
COMMAND = re.compile(r"(?:^|[`/ ])retrospec ((?:[a-z]+ ?){1,2})((?:[^`#\n|]*))", re.MULTILINE)


def mentioned() -> list[tuple[str, str, str]]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        code = re.findall(r"```(?:sh|ini)\n(.*?)```", text, re.DOTALL) + re.findall(
            r"`(retrospec [^`]+)`", text
        )
        for words, rest in (pair for block in code for pair in COMMAND.findall(block)):
            found.append((page.name, words.strip(), rest))
    return found


@pytest.mark.parametrize(("page", "words", "rest"), mentioned())
def test_every_command_in_the_pages_exists(page: str, words: str, rest: str) -> None:
    command: click.Command = main
    for word in words.split():
        if not isinstance(command, click.Group):
            break
        inner = command.get_command(click.Context(command), word)
        assert inner is not None, f"{page}: retrospec {words}"
        command = inner
    options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    assert set(re.findall(r"(?<!\S)--[a-z-]+", rest)) <= options, f"{page}: retrospec {words}{rest}"
