"""One stretch of absence of one pupil, and the year around it, as a form needs them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mis_bridge.messages.package_model import Table
from mis_bridge.messages.times import day_name
from mis_bridge.registers.absence import count
from mis_bridge.registers.codes import (
    APPROVED_BYTES,
    NO_SESSION,
    ON_SITE_BYTES,
    OUTSIDE_BYTES,
    to_byte,
    to_code,
)

if TYPE_CHECKING:
    from datetime import date

    from mis_bridge.registers.absence import SessionCounts
    from mis_bridge.registers.strip import Strip

__all__ = ["AbsencePeriod", "Sickness", "absence_period", "with_recent_rows"]

_ATTENDED = ON_SITE_BYTES + APPROVED_BYTES
_ILL = to_byte("I")


@dataclass(frozen=True, slots=True)
class Sickness:
    """The sessions of illness (I) of a school year.

    Args:
        sessions: how many.
        first, last: first and last day with one.
        longest: most whole days of I in a row; what is no possible session neither breaks nor
            lengthens them.
        table: the days, a row each.
    """

    sessions: int
    first: date
    last: date
    longest: int
    table: Table


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
        sickness: the year's sessions of I, or None where there is none.
        recent: the rows are the last days with a mark, because there is no stretch.
    """

    first: date | None = None
    last: date | None = None
    school_days: int | None = None
    last_attended: date | None = None
    rows: tuple[tuple[str, str, str], ...] = ()
    counts: SessionCounts | None = None
    sickness: Sickness | None = None
    recent: bool = False


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
    rows = (
        tuple(_row(one) for one in strip.days() if first <= one[0] <= last)
        if first is not None and last is not None
        else ()
    )
    return AbsencePeriod(
        first,
        last,
        school_days,
        max(attended, default=None),
        rows,
        count(strip.marks),
        _sickness(strip),
    )


def with_recent_rows(absence: AbsencePeriod, strip: Strip, days: int = 20) -> AbsencePeriod:
    """Show the last days with any mark where there is no stretch to show."""
    if absence.rows:
        return absence
    return replace(absence, rows=tuple(map(_row, list(strip.days())[-days:])), recent=True)


def _row(one: tuple[date, int, int]) -> tuple[str, str, str]:
    day, am, pm = one
    return day_name(day, year=True), _shown(am), _shown(pm)


def _sickness(strip: Strip) -> Sickness | None:
    ill = [one for one in strip.days() if _ILL in one[1:]]
    if not ill:
        return None
    return Sickness(
        strip.marks.count(_ILL),
        ill[0][0],
        ill[-1][0],
        _longest(strip),
        Table("sickness", "Days with a mark of I", ("Day", "AM", "PM"), tuple(map(_row, ill))),
    )


def _longest(strip: Strip) -> int:
    longest = run = 0
    for _, am, pm in strip.days():
        marks = [mark for mark in (am, pm) if mark not in OUTSIDE_BYTES]
        if marks:
            run = run + 1 if all(mark == _ILL for mark in marks) else 0
        longest = max(longest, run)
    return longest


def _shown(byte: int) -> str:
    return "" if byte == NO_SESSION else to_code(byte)
