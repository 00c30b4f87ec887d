"""Bank holidays of England, from the library made for them.

The library knows the calendars of the whole world and keeps 11 MB for it, which a daemon would hold
for a list of eight days: it is asked in a short-lived process of its own, once for each academic
year. Where none can be started it is asked here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import Closure

if TYPE_CHECKING:
    from mis_bridge.registers.calendar import AcademicYear

__all__ = ["bank_holidays"]

_PATIENCE: Final = 60.0
_ASK: Final = (
    "import json, sys; from mis_bridge.calendars.bank_holidays import named; "
    "print(json.dumps(named(int(sys.argv[1]))))"
)


@cache
def bank_holidays(year: AcademicYear) -> tuple[Closure, ...]:
    """Give the bank holidays of an academic year, in order.

    One that is proclaimed for a single occasion is known once the library has been brought up to
    date; until then a school writes it as a closure.
    """
    days = {date.fromisoformat(day): name for day, name in _asked(year.start).items()}
    return tuple(
        Closure(day, day, f"bank holiday: {name}") for day, name in days.items() if day in year
    )


def named(start: int) -> dict[str, str]:
    """Ask the library: ISO date -> name, in order, of the two calendar years from ``start``."""
    from holidays import country_holidays

    found = country_holidays("GB", subdiv="ENG", years=[start, start + 1])
    return {day.isoformat(): name for day, name in sorted(found.items())}


def _asked(start: int) -> dict[str, str]:
    try:
        answer = subprocess.run(  # noqa: S603 - ourselves, with a number
            [sys.executable, "-c", _ASK, str(start)],
            capture_output=True, check=True, timeout=_PATIENCE,
        )  # fmt: skip
        days: dict[str, str] = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return named(start)
    return days
