"""Bank holidays of England, from the library made for them."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from mis_bridge.registers.calendar import Closure

if TYPE_CHECKING:
    from mis_bridge.registers.calendar import AcademicYear

__all__ = ["bank_holidays"]


@cache
def bank_holidays(year: AcademicYear) -> tuple[Closure, ...]:
    """Give the bank holidays of an academic year, in order.

    One that is proclaimed for a single occasion is known once the library has been brought up to
    date; until then a school writes it as a closure.
    """
    from holidays import country_holidays

    days = country_holidays("GB", subdiv="ENG", years=[year.start, year.start + 1])
    return tuple(
        Closure(day, day, f"bank holiday: {days[day]}")
        for day in (
            year.first + timedelta(days=number) for number in range((year.last - year.first).days)
        )
        if day in days
    )
