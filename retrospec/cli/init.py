"""``retrospec init``: the settings file, written from the settings themselves."""

import json
from pathlib import Path
from typing import Any

import click

from retrospec.domain.errors import RetroSpecError
from retrospec.domain.settings_catalog import Section, Setting, sections
from retrospec.domain.settings_file import DEFAULT_FILE

_HEAD = """\
# RetroSpec's settings. Nothing here is required: a line that is commented out shows the default.
# Every setting can also come from the environment, where [server] port is RETROSPEC_SERVER_PORT
# (a list is separated by commas). A command's own option wins over the environment, and that over
# this file. `retrospec check` says whether all is well.
"""


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default=DEFAULT_FILE)
@click.option("--force", is_flag=True, help="Replace a file that is already there.")
def init(file: Path, force: bool) -> None:
    """Write a commented settings file; FILE is retrospec.toml unless named, - is the screen.

    \b
    Example:
      retrospec init /etc/retrospec.toml
    """
    if str(file) == "-":
        click.echo(settings_file_text(), nl=False)
        return
    try:
        with file.open("w" if force else "x", encoding="utf-8") as out:
            out.write(settings_file_text())
    except FileExistsError as error:
        raise RetroSpecError(
            f"{file} is already there; name another file, or replace it with --force"
        ) from error
    click.echo(
        f"Wrote {file}. Uncomment what you want to change; `retrospec check` tells whether it is right."
    )


def settings_file_text() -> str:
    """The whole file: every setting with what it is for, its range and its default commented out."""
    return "\n".join([_HEAD, *(_section_text(section) for section in sections())])


def _section_text(section: Section) -> str:
    return "\n".join([f"# {section.about}", f"[{section.name}]", *map(_setting_text, section.settings), ""])


def _setting_text(setting: Setting) -> str:
    return f"\n# {described(setting)}\n# {setting.name} = {toml_value(setting.default)}"


def described(setting: Setting) -> str:
    """What the setting is for and, where it isn't any text, what it may be."""
    is_free = setting.legal.startswith("a ")
    return setting.description if is_free else f"{setting.description} Use {setting.legal}."


def toml_value(value: Any) -> str:
    """``value`` as TOML writes it; for our types (texts, numbers, booleans, lists of texts) that is JSON."""
    return json.dumps(value, ensure_ascii=False)
