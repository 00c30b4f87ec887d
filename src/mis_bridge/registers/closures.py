"""What the registers say of the calendar: where they say closed, where they were taken after all.

The register is the record, the calendar a plan. A session is closed by the registers once at least
half of the roll is marked ``#`` or ``Y4`` (``Y`` in older registers) and nobody is seen in school;
how many marks that needs is our choice. ``Y3`` says that a part of the premises is closed,
which is not the school. Holidays that are marked ``#`` agree with the calendar; a training day or a
snow day that the calendar does not have is learned from them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import Closure, Session
from mis_bridge.registers.codes import (
    NO_SESSION,
    NOT_TAKEN,
    ON_SITE_BYTES,
    UNAUTHORISED_BYTES,
    to_byte,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from mis_bridge.registers.calendar import SchoolCalendar

__all__ = ["CLOSED_BYTES", "LEARNED", "Compared", "compare", "is_closed", "learned"]

CLOSED_BYTES: Final = bytes(map(to_byte, ("#", "Y", "Y4")))
"""Marks that say that the whole school was closed."""

LEARNED: Final = "closed, by the registers"

_G: Final = to_byte("G")
_SEEN, _MISSED, _CLOSED, _OTHER, _NOTHING = b"pncox"


def _kinds() -> bytes:
    table = bytearray((_OTHER,)) * 256
    table[NO_SESSION] = table[NOT_TAKEN] = _NOTHING
    for byte in UNAUTHORISED_BYTES:
        table[byte] = _OTHER if byte == _G else _MISSED
    for byte in ON_SITE_BYTES:
        table[byte] = _SEEN
    for byte in CLOSED_BYTES:
        table[byte] = _CLOSED
    return bytes(table)


_KINDS: Final = _kinds()


@dataclass(frozen=True, slots=True)
class Compared:
    """Where a school's registers and its calendar differ, each in order of time.

    Args:
        closed: sessions of the calendar that the registers say were closed.
        taken: sessions that the calendar does not have, and registers were taken.
        silent: sessions of the calendar that have no mark of anybody.
    """

    closed: tuple[tuple[date, Session], ...] = ()
    taken: tuple[tuple[date, Session], ...] = ()
    silent: tuple[tuple[date, Session], ...] = ()


def is_closed(closed: int, seen: int, roll: int, unmarked: int = 0) -> bool:
    """Whether a session was closed for the whole school.

    A tenth of the roll without any mark may be a class that is in school and was not registered, or
    one that is present where the MIS sends absences only: then it was not closed for all.

    Args:
        closed: how many are marked as kept away by a closure.
        seen: how many are marked as being in school.
        roll: how many are on roll.
        unmarked: how many have no mark, as far as that is known of the day's roll.
    """
    return closed > 0 and 2 * closed >= roll and not seen and unmarked <= max(1, roll // 10)


def compare(
    calendar: SchoolCalendar, marks: Sequence[bytes], first: date, last: date, *, share: float
) -> Compared:
    """Hold the marks of a span of days against the calendar.

    Args:
        calendar: of the marks' academic year.
        marks: of every pupil, ``calendar.year.slots`` bytes each (a strip's).
        first: first day of the span; days outside of the academic year are left out.
        last: its last day.
        share: per cent of the pupils whose marks make a register of a closed day more than a slip.
    """
    closed, taken, silent = [], [], []
    for day, session, column in _columns(calendar, marks, first, last):
        seen, held = column.count(_SEEN), calendar.has_session(day, session)
        registered = seen + column.count(_MISSED)
        if held and is_closed(column.count(_CLOSED), seen, len(marks)):
            closed.append((day, session))
        elif held and column.count(_NOTHING) == len(column):
            silent.append((day, session))
        elif not held and registered and 100 * registered >= share * len(marks):
            taken.append((day, session))
    return Compared(tuple(closed), tuple(taken), tuple(silent))


def learned(calendar: SchoolCalendar, closed: Iterable[tuple[date, Session]]) -> SchoolCalendar:
    """Give the calendar with the closures that the registers tell of."""
    found = tuple(Closure(day, day, LEARNED, session) for day, session in closed)
    return replace(calendar, closures=(*calendar.closures, *found)) if found else calendar


def _columns(
    calendar: SchoolCalendar, marks: Sequence[bytes], first: date, last: date
) -> Iterator[tuple[date, Session, bytes]]:
    """Give every session of the span with the kinds of everybody's marks."""
    year = calendar.year
    low, high = max(first, year.first), min(last, year.last)
    if high < low or not marks:
        return
    begin, end = year.slot(low, pm=False), year.slot(high, pm=True) + 1
    kinds = b"".join(one[begin:end] for one in marks).translate(_KINDS)
    width = end - begin
    for place in range(width):
        day, pm = year.day_of(begin + place)
        yield day, Session.PM if pm else Session.AM, kinds[place::width]
