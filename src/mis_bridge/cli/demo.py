"""``mis-bridge demo``: a school day with an invented school, end to end, in about a minute."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from mis_bridge.simulator.demo import Outcome
    from mis_bridge.simulator.demo_stage import Line

__all__ = ["command"]

_DAY_SECONDS = 55.0
_STYLES = {"school": "dim", "Teams": "bold magenta", "email": "bold cyan", "person": "green"}


@click.command("demo", epilog="Example: mis-bridge demo --out demo-output")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-output"),
    show_default=True,
    help="Folder for the cards, mails and the package that it produces.",
)
@click.option("--seed", default=2026, show_default=True, help="Another number, another school.")
@click.option(
    "--speed",
    type=click.FloatRange(0.2, 2.0),
    default=1.0,
    show_default=True,
    help="2 plays the day in half a minute, 0.5 in two minutes.",
)
@click.pass_context
def command(context: click.Context, out: Path, seed: int, speed: float) -> None:
    """Show a school day with an invented school, end to end.

    An invented school's MIS, a Teams webhook and a mail server run on this machine; the daemon
    itself is the real one. Exits 1 if it missed something that happened, or raised a false alarm.
    """
    import sys

    from mis_bridge.simulator.demo import BEGINS, DAY, ENDS, PUPILS, play
    from mis_bridge.simulator.truth import clock_time

    say, show = _fancy() if sys.stdout.isatty() else (_plain, _plain_table)
    click.echo(
        f"An invented school of {PUPILS} pupils on {DAY:%A %d %B %Y}, {clock_time(BEGINS)} to "
        f"{clock_time(ENDS)}, in about a minute.\n"
        "Teams and email are on this machine. Pupils appear in messages by their initials only.\n"
    )
    outcome = play(out, seed=seed, seconds=_DAY_SECONDS / speed, say=say)
    click.echo()
    show(outcome)
    _say_where(out, outcome)
    if not outcome.met:
        context.exit(1)


def _plain(line: Line) -> None:
    from mis_bridge.simulator.truth import clock_time

    click.echo(f"{clock_time(line.minute)}  {line.who:<6}  {line.text}")


def _plain_table(outcome: Outcome) -> None:
    for name, wanted, seen, problems in _rows(outcome):
        click.echo(f"{'missed' if problems else 'met':<6}  {name}")
        click.echo(f"        expected: {'; '.join(wanted)}")
        click.echo(f"        seen:     {'; '.join(seen)}")
        for problem in problems:
            click.echo(f"        PROBLEM:  {problem}")


def _fancy() -> tuple[Callable[[Line], None], Callable[[Outcome], None]]:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from mis_bridge.simulator.truth import clock_time

    console = Console(highlight=False)

    def say(line: Line) -> None:
        text = Text.assemble(
            (f"{clock_time(line.minute)}  ", "bold"),
            (f"{line.who:<6}  ", _STYLES.get(line.who, "")),
            (line.text, "dim" if line.who == "school" else ""),
        )
        console.print(text)

    def show(outcome: Outcome) -> None:
        table = Table("scenario", "expected", "seen", "", show_lines=True)
        for name, wanted, seen, problems in _rows(outcome):
            verdict = Text("missed", "bold red") if problems else Text("met", "bold green")
            told = "\n".join([*seen, *(f"PROBLEM: {problem}" for problem in problems)])
            table.add_row(name, "\n".join(wanted), told, verdict)
        console.print(table)

    return say, show


def _rows(
    outcome: Outcome,
) -> list[tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]]:
    return [
        (
            outcome.titles.get(verdict.scenario, "Everybody else in school"),
            verdict.expected or ("nothing",),
            verdict.seen or ("nothing",),
            verdict.problems,
        )
        for verdict in outcome.verdicts
    ]


def _say_where(out: Path, outcome: Outcome) -> None:
    cards = sum(path.parent.name == "cards" for path in outcome.files)
    mails = sum(path.suffix == ".eml" for path in outcome.files)
    click.echo(f"\nWritten in {outcome.seconds:.0f} seconds:")
    click.echo(f"  {cards} cards  {out / 'cards'}")
    click.echo(f"  {mails} mails  {out / 'mails'}")
    for path in outcome.files:
        if path.suffix == ".pdf":
            click.echo(f"  the return to the Local Authority  {path}")
    if not outcome.returned:
        click.echo("PROBLEM: the return never reached the authority's mailbox.")
    met = sum(verdict.met for verdict in outcome.verdicts)
    click.echo(f"{met} of {len(outcome.verdicts)} scenarios came out as they had to.")
