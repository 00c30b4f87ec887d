"""``mis-bridge demo``: a school day with an invented school, end to end, in about a minute."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mis_bridge.cli.output import Given

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.simulator.demo import Outcome
    from mis_bridge.simulator.demo_stage import Line

__all__ = ["command"]

_DAY_SECONDS = 55.0
_STYLES = {"school": "dim", "Teams": "bold magenta", "email": "bold cyan", "person": "green"}


@click.command("demo", epilog="Example: mis-bridge demo --out demo-output")
@click.option(
    "--out",
    type=Given(file_okay=False, path_type=Path),
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

    from mis_bridge.simulator.demo import play

    told = _Fancy() if sys.stdout.isatty() else _Plain()
    told.text(*_beginning())
    outcome = play(out, seed=seed, seconds=_DAY_SECONDS / speed, say=told.line)
    told.text("")
    told.table(outcome)
    told.text(*_end(out, outcome))
    (out / "day.txt").write_text("\n".join([*told.lines, ""]), encoding="utf-8")
    if not outcome.met:
        context.exit(1)


class _Plain:
    """Prints the day for a pipe, and keeps the lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def text(self, *lines: str) -> None:
        """Say something beside the day itself."""
        self.lines += lines
        for line in lines:
            click.echo(line)

    def line(self, line: Line) -> None:
        """Say what happened."""
        self.lines.append(_plain(line))
        click.echo(self.lines[-1])

    def table(self, outcome: Outcome) -> None:
        """Say what had to come and what came."""
        lines = list(_plain_table(outcome))
        self.lines += lines
        for line in lines:
            click.echo(line)


class _Fancy(_Plain):
    """Prints the day on a terminal, in colours; keeps the same lines as in a pipe."""

    def __init__(self) -> None:
        from rich.console import Console

        super().__init__()
        self._console = Console(highlight=False)

    def line(self, line: Line) -> None:
        """Say what happened."""
        from rich.text import Text

        from mis_bridge.simulator.truth import clock_time

        self.lines.append(_plain(line))
        self._console.print(
            Text.assemble(
                (f"{clock_time(line.minute)}  ", "bold"),
                (f"{line.who:<6}  ", _STYLES.get(line.who, "")),
                (line.text, "dim" if line.who == "school" else ""),
            )
        )

    def table(self, outcome: Outcome) -> None:
        """Say what had to come and what came."""
        from rich.table import Table
        from rich.text import Text

        self.lines += _plain_table(outcome)
        table = Table("scenario", "expected", "seen", "", show_lines=True)
        for name, wanted, seen, problems in _rows(outcome):
            verdict = Text("missed", "bold red") if problems else Text("met", "bold green")
            told = "\n".join([*seen, *(f"PROBLEM: {problem}" for problem in problems)])
            table.add_row(name, "\n".join(wanted), told, verdict)
        self._console.print(table)


def _beginning() -> tuple[str, ...]:
    from mis_bridge.simulator.demo import BEGINS, DAY, ENDS, PUPILS
    from mis_bridge.simulator.truth import clock_time

    hours = f"{clock_time(BEGINS)} to {clock_time(ENDS)}"
    return (
        f"An invented school of {PUPILS} pupils on {DAY:%A %d %B %Y}, {hours}, in about a minute.",
        "Teams and email are on this machine. Pupils appear in messages by their initials only.",
        "",
    )


def _plain(line: Line) -> str:
    from mis_bridge.simulator.truth import clock_time

    return f"{clock_time(line.minute)}  {line.who:<6}  {line.text}"


def _plain_table(outcome: Outcome) -> Iterator[str]:
    for name, wanted, seen, problems in _rows(outcome):
        yield f"{'missed' if problems else 'met':<6}  {name}"
        yield f"        expected: {'; '.join(wanted)}"
        yield f"        seen:     {'; '.join(seen)}"
        for problem in problems:
            yield f"        PROBLEM:  {problem}"


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


def _end(out: Path, outcome: Outcome) -> Iterator[str]:
    cards = sum(path.parent.name == "cards" for path in outcome.files)
    mails = sum(path.suffix == ".eml" for path in outcome.files)
    yield f"\nWritten in {outcome.seconds:.0f} seconds:"
    yield f"  {cards} cards  {out / 'cards'}"
    yield f"  {mails} mails  {out / 'mails'}"
    for path in outcome.files:
        if path.suffix == ".pdf":
            yield f"  the return to the Local Authority  {path}"
    if not outcome.returned:
        yield "PROBLEM: the return never reached the authority's mailbox."
    met = sum(verdict.met for verdict in outcome.verdicts)
    yield f"{met} of {len(outcome.verdicts)} scenarios came out as they had to."
