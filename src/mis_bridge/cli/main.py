"""The command ``mis-bridge``: which commands there are, and how errors leave the program.

Each command lives in a module of its own that is imported when it is used, so that ``--help`` and
short commands start fast. The one-line helps stand here for the same reason; a test holds them
equal to the commands' own.
"""

from __future__ import annotations

import importlib
import os
import sys

import click

from mis_bridge import __version__
from mis_bridge.errors import MisBridgeError

__all__ = ["COMMANDS", "LazyGroup", "cli", "main"]

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("mis_bridge.cli.demo", "Show a school day with an invented school, end to end."),
    "init": ("mis_bridge.cli.init", "Write a commented configuration to start from."),
    "check": ("mis_bridge.cli.check", "Find every mistake in the configuration and its world."),
    "doctor": (
        "mis_bridge.cli.doctor",
        "Look at everything that has to work, and say what to do about what does not.",
    ),
    "run": ("mis_bridge.cli.run", "Watch the registers of all configured schools until stopped."),
    "sync": ("mis_bridge.cli.sync", "Read one school's registers now, and store them."),
    "absence": ("mis_bridge.cli.absence", "Measure absence from a file of session marks."),
    "backtest": (
        "mis_bridge.cli.backtest",
        "Show what the triggers would have raised over exported registers.",
    ),
    "simulate": (
        "mis_bridge.cli.simulate",
        "Simulate invented schools for some weeks, and score what would have been told.",
    ),
    "schools": (
        "mis_bridge.cli.schools",
        "List and import schools, see how their feeds are, try a school's MIS.",
    ),
    "credentials": (
        "mis_bridge.cli.credentials",
        "Store the secrets that the configuration names, and see which are missing.",
    ),
    "adapters": (
        "mis_bridge.cli.adapters",
        "List, show, write and test the adapters to school MIS.",
    ),
    "authorities": (
        "mis_bridge.cli.authorities",
        "List, show, compare and write what Local Authorities ask for.",
    ),
    "incidents": ("mis_bridge.cli.incidents", "List incidents, explain them, act on them."),
    "silences": (
        "mis_bridge.cli.silences",
        "Have people told later of one matter, with a reason and an end.",
    ),
    "pupil": (
        "mis_bridge.cli.pupil",
        "Note something of a pupil; give out or erase what is stored.",
    ),
    "notify": (
        "mis_bridge.cli.notify",
        "Prepare notifications to the authority; approve or reject them.",
    ),
    "channels": ("mis_bridge.cli.channels", "Test the ways out: Teams, email, the authority."),
    "routes": ("mis_bridge.cli.routes", "Show who is told of what, and try a case."),
    "db": ("mis_bridge.cli.db", "Upgrade, back up and verify the database."),
    "audit": (
        "mis_bridge.cli.audit",
        "Read and check the history, accept a known break, take a record out of it.",
    ),
}
"""Command name to (module[:attribute], one-line help), in the order of ``--help``."""


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order in which a newcomer meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute or "command")
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}.{attribute or 'command'} is no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; name the nearest one for a misspelt name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Each command has its own --help with an example.",
)
@click.version_option(__version__, prog_name="mis-bridge", message="%(prog)s %(version)s")
def cli() -> None:
    """Watch school registers and tell the right person, in time, when a child is missing."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit.

    Exit status 0 on success, 1 on a problem in the user's data or world (one line each on standard
    error), 2 on wrong usage, 130 after Ctrl-C.

    Args:
        arguments: instead of the process's own.
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        _check_text(given)
        status = cli.main(args=given, prog_name="mis-bridge", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except MisBridgeError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output (head, less) has seen enough. Python would complain once more
        # when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        # A file or folder that somebody named; anything else is a fault of ours.
        if error.filename is None:
            raise
        click.echo(f"{error.filename}: {error.strerror}", err=True)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)


def _check_text(arguments: list[str]) -> None:
    """Refuse bytes that are no text before a command begins with them."""
    for place, argument in enumerate(arguments, 1):
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise click.UsageError(
                f"argument {place} is not UTF-8 text: type it again, in a terminal set to UTF-8"
            ) from None
