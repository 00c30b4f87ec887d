"""Print rows: as a table for people or as JSON lines for programs, never both."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mis_bridge.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.console import Console

__all__ = [
    "FILE",
    "Given",
    "config_option",
    "emit",
    "emit_json",
    "format_option",
    "tell",
    "wide_console",
]


class Given(click.Path):
    """A path that a person named: what is wrong with it is a problem of their world, not usage."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check it as ``click.Path`` does.

        Raises:
            OperatorError: it is not there, not of this kind, or may not be read.
        """
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            raise OperatorError(f"{value}: {self._problem(Path(value))}") from None

    def _problem(self, path: Path) -> str:
        wanted = "file" if self.file_okay else "folder"
        if not path.exists():
            return f"there is no such {wanted}"
        if path.is_dir() == self.file_okay:
            return f"this is a {'folder' if path.is_dir() else 'file'}, not a {wanted}"
        return f"this {wanted} may not be read"


FILE = Given(exists=True, dir_okay=False, path_type=Path)
"""A file to read."""

format_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="A table for people, or one JSON object a line.",
)
"""``@format_option`` passes ``output_format`` to the command."""

config_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--config",
    "config_path",
    type=Given(dir_okay=False, path_type=Path),
    help="Configuration file.  [default: $MIS_BRIDGE_CONFIG, ./config.toml, "
    "/etc/mis-bridge/config.toml]",
)
"""``@config_option`` passes ``config_path`` (Path or None) to the command, for ``find_config``."""


def emit(
    rows: Iterable[Mapping[str, Any]],
    columns: Sequence[str],
    output_format: str,
    *,
    title: str = "",
    empty: str = "",
) -> None:
    """Print rows on standard output.

    Args:
        rows: one mapping a row; keys that are not in ``columns`` are left out of the table and
            kept in JSON.
        columns: keys in the order of the table's columns and of the JSON object's first keys.
        output_format: ``table`` or ``json``.
        title: heading of the table; JSON has none.
        empty: printed instead of a table without rows.
    """
    if output_format == "json":
        for row in rows:
            ordered = {column: row.get(column) for column in columns}
            emit_json({**ordered, **row})
        return
    listed = list(rows)
    if not listed:
        if empty:
            click.echo(empty)
        return
    from rich.table import Table

    table = Table(
        title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold"
    )
    for column in columns:
        numeric = all(
            isinstance(row.get(column), int | float | Decimal | None)
            and not isinstance(row.get(column), bool)
            for row in listed
        )
        table.add_column(
            column.replace("_", " "), justify="right" if numeric else "left", overflow="fold"
        )
    for row in listed:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    wide_console().print(table)


def wide_console() -> Console:
    """Where tables are printed: as wide as the terminal.

    A pipe has no width: there every row keeps its line instead of being folded at 80.
    """
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=False)
    if console.is_terminal:
        return console
    return Console(highlight=False, markup=False, width=10_000)


def tell(text: str, row: Mapping[str, Any], output_format: str) -> None:
    """Say what was done: in a sentence for people, or as one JSON object for programs."""
    if output_format == "json":
        emit_json(row)
    else:
        click.echo(text)


def emit_json(row: Mapping[str, Any]) -> None:
    """Print one JSON object on a line of its own."""
    click.echo(json.dumps(row, ensure_ascii=False, default=_plain))


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    return str(_plain(value)) if isinstance(value, Enum | date) else str(value)


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, tuple | set | frozenset):
        return sorted(value) if not isinstance(value, tuple) else list(value)
    return str(value)
