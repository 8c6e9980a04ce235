"""The ``retrospec`` command: names every subcommand and imports only the one that is called."""

from importlib import import_module
from typing import Any

import click

from retrospec import __version__
from retrospec.domain.errors import RetroSpecError, SettingsError

# Name → where the click command is. The modules stay unimported until their command is called or
# `retrospec --help` lists them, so that `retrospec --version` costs no more than click.
COMMANDS = {
    "serve": "retrospec.cli.serve:serve",
    "worker": "retrospec.cli.worker:worker",
    "demo": "retrospec.cli.demo:demo",
    "init": "retrospec.cli.init:init",
    "check": "retrospec.cli.check:check",
    "doctor": "retrospec.cli.doctor:doctor",
    "analyze": "retrospec.cli.analyze:analyze",
    "import": "retrospec.cli.import_files:import_files",
    "render": "retrospec.cli.render:render",
    "reproduce": "retrospec.cli.reproduce:reproduce",
    "export": "retrospec.cli.export:export",
    "mcp": "retrospec.cli.mcp:mcp",
    "issues": "retrospec.cli.issues:issues",
    "project": "retrospec.cli.project:project",
    "key": "retrospec.cli.key:key",
    "user": "retrospec.cli.user:user",
    "reload": "retrospec.cli.reload:reload_command",
    "config": "retrospec.cli.reload:config_group",
    "queue": "retrospec.cli.queue:queue",
    "backup": "retrospec.cli.backup:backup",
    "restore": "retrospec.cli.backup:restore",
    "move": "retrospec.cli.move:move",
    "purge": "retrospec.cli.purge:purge",
    "retention": "retrospec.cli.purge:retention",
    "sourcemaps": "retrospec.cli.sourcemaps:sourcemaps",
    "scan": "retrospec.cli.scan:scan",
    "cleanup": "retrospec.cli.cleanup:cleanup",
    "bench": "retrospec.cli.bench:bench",
    "licences": "retrospec.cli.licences:licences",
}


class Failure(click.ClickException):
    """A deliberate error on its way out: its sentences on stderr, then exit code 1."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.hint = error.hint if isinstance(error, RetroSpecError) else ""

    def show(self, file: Any = None) -> None:
        """Each line of the message under the program's name, then the hint."""
        for line in [*self.message.splitlines(), *self.hint.splitlines()]:
            click.echo(f"retrospec: {line}", err=True)


class WrongSettings(Failure):
    """The settings stop the start: exit code 2, as for wrong usage."""

    exit_code = 2


class LazyCommands(click.Group):
    """A group whose subcommands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command called ``cmd_name``, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, naming the nearest command when there is none of that name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"There is no command {args[0]!r}; {_nearest(args[0])}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; deliberate errors and the system's refusals become exit codes."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # whoever read our output has seen enough (`| head`): click ends quietly
        except SettingsError as error:
            raise WrongSettings(error) from error
        except (RetroSpecError, OSError) as error:
            raise Failure(error) from error


def _nearest(word: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, COMMANDS, n=1)
    return f"did you mean {near[0]!r}?" if near else f"use {', '.join(COMMANDS)}."


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="retrospec", message="%(prog)s %(version)s")
def main() -> None:
    """Watch the failures your visitors really had.

    \b
    Example:
      retrospec serve
    """
