import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from retrospec import __version__
from retrospec.cli.main import COMMANDS, main

from .conftest import Run


def leaves(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from leaves(inner, (*path, name))


@pytest.mark.parametrize("path", list(leaves(main, ())), ids=" ".join)
def test_every_command_explains_itself_with_an_example(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(main, [*path, "--help"])
    assert shown.exit_code == 0
    assert "Example" in shown.output
    assert f"retrospec {' '.join(path)}" in shown.output.partition("Example")[2]


def test_help_names_every_command() -> None:
    shown = CliRunner().invoke(main, ["--help"])
    assert all(f"  {name} " in shown.output for name in COMMANDS)


def test_version(retrospec_process: Run) -> None:
    assert retrospec_process("--version").stdout == f"retrospec {__version__}\n"


def test_a_mistyped_command_gets_the_nearest(retrospec: Run) -> None:
    done = retrospec("sevre")
    assert done.returncode == 2
    assert "There is no command 'sevre'; did you mean 'serve'?" in done.stderr


def test_a_slip_in_the_settings_stops_the_start(retrospec_process: Run) -> None:
    done = retrospec_process("serve", "--port", "70000")
    assert (done.returncode, done.stderr) == (
        2,
        "retrospec: command line: server.port is 70000; use 0 to 65535\n",
    )


def test_small_commands_load_nothing_heavy() -> None:
    script = (
        "import sys; from retrospec.cli.main import main; main(['check'], standalone_mode=False);"
        "print(sorted({name.partition('.')[0] for name in sys.modules}"
        " & {'litestar', 'sqlalchemy', 'playwright', 'numpy', 'rich', 'av', 'huey', 'obstore'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"
