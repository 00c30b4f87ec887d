"""Print what was measured: one table a benchmark, with its target and whether it was met."""

from __future__ import annotations

import platform
import statistics
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Target", "finish", "print_table", "seconds"]


@dataclass(frozen=True, slots=True)
class Target:
    """One figure that has a limit.

    Args:
        what: a few words.
        value: as measured.
        limit: the largest value that meets the target.
        unit: for people.
    """

    what: str
    value: float
    limit: float
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether the value is within the limit."""
        return self.value <= self.limit


def seconds(runs: Sequence[float]) -> str:
    """Write runs as their median and their span."""
    return f"{statistics.median(runs):.2f} s  ({min(runs):.2f} to {max(runs):.2f}, n={len(runs)})"


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in aligned columns.

    Args:
        title: a line above the table.
        columns: headings.
        rows: texts, as many in each row as there are columns.
    """
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    print(f"\n{title}  [{machine}]\n{rule}")
    for row in (columns, *rows):
        print(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        )
        if row is columns:
            print(rule)


def finish(targets: Sequence[Target]) -> None:
    """Print each target and leave with status 1 where one was missed."""
    for target in targets:
        verdict = "met" if target.met else "MISSED"
        unit = f" {target.unit}" if target.unit else ""
        print(
            f"{verdict:<6}  {target.what}: {target.value:.2f}{unit}, at most {target.limit:g}{unit}"
        )
    if not all(target.met for target in targets):
        sys.exit(1)
