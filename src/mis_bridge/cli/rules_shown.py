"""A school's rules on a terminal: one under the other, and each file's whole path said once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mis_bridge.cli.output import wide_console

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["print_rules"]

_LABEL = 5


def print_rules(rules: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Print rules in the order in which they are tried.

    Args:
        rules: with ``rule``, ``authority``, ``file``, ``line``, ``for`` and ``steps``.
        folder: of the configuration; a file below it is called by its path from there.
    """
    from rich.table import Table
    from rich.text import Text

    console = wide_console()
    click.echo("Rules, the first that fits is used")
    files: dict[str, str] = {}
    width = len(str(len(rules)))
    for place, rule in enumerate(rules, 1):
        file = Path(rule["file"])
        called = _called(file, rule["authority"], folder)
        files[called] = str(file.absolute())
        line = f", line {rule['line']}" if rule["line"] else ""
        grid = Table.grid(padding=(0, 2))
        grid.add_column(width=width)
        grid.add_column(width=_LABEL)
        grid.add_column(overflow="fold")
        grid.add_row("", "for", Text(rule["for"]))
        grid.add_row("", "tells", Text(rule["steps"]))
        grid.add_row("", "is in", Text(f"{called}{line}"))
        click.echo(f"\n{place:>{width}}  {rule['rule']}")
        console.print(grid)
    click.echo()
    for called, whole in files.items():
        click.echo(f"{called}: {whole}")


def _called(file: Path, authority: str | None, folder: Path) -> str:
    if authority:
        return f"authority {authority}"
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)
