"""One stretch of absence of one pupil, as a form for the Local Authority needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mis_bridge.messages.times import day_name
from mis_bridge.registers.absence import count
from mis_bridge.registers.codes import APPROVED_BYTES, NO_SESSION, ON_SITE_BYTES, to_code

if TYPE_CHECKING:
    from datetime import date

    from mis_bridge.registers.absence import SessionCounts
    from mis_bridge.registers.strip import Strip

__all__ = ["AbsencePeriod", "absence_period"]

_ATTENDED = ON_SITE_BYTES + APPROVED_BYTES


@dataclass(frozen=True, slots=True)
class AbsencePeriod:
    """A stretch of absence, what came before it, and the year around it.

    Args:
        first, last: first and last day counted, or None.
        school_days: how many school days in a row, or None.
        last_attended: the last day before the stretch with a mark of attendance, or None where
            this year's register has none.
        rows: (day, AM code, PM code) as shown, one a day with a session.
        counts: sessions of the year, or None.
    """

    first: date | None = None
    last: date | None = None
    school_days: int | None = None
    last_attended: date | None = None
    rows: tuple[tuple[str, str, str], ...] = ()
    counts: SessionCounts | None = None


def absence_period(
    strip: Strip, first: date | None, last: date | None, school_days: int | None
) -> AbsencePeriod:
    """Read a stretch from a pupil's year.

    Args:
        strip: the year's marks.
        first: its first day; None: no stretch, only the year and the last day attended.
        last: its last day.
        school_days: as the trigger counted them.
    """
    attended = [
        day
        for day, am, pm in strip.days()
        if (am in _ATTENDED or pm in _ATTENDED) and (first is None or day < first)
    ]
    rows = tuple(
        (day_name(day, year=True), _shown(am), _shown(pm))
        for day, am, pm in strip.days()
        if first is not None
        and last is not None
        and first <= day <= last
        and (am, pm) != (NO_SESSION, NO_SESSION)
    )
    return AbsencePeriod(
        first, last, school_days, max(attended, default=None), rows, count(strip.marks)
    )


def _shown(byte: int) -> str:
    return "" if byte == NO_SESSION else to_code(byte)
