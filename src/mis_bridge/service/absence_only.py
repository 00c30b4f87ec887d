"""Schools whose MIS sends absences only: silence is neither presence nor absence.

A session without a mark may have been attended, or its register may not have been taken. Whoever
counts the days between two absences must not pass over it as if there had been no school.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import Session
from mis_bridge.registers.codes import NO_SESSION, NOT_TAKEN
from mis_bridge.registers.strip import Strip

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mis_bridge.registers.calendar import AcademicYear, SchoolCalendar
    from mis_bridge.triggers.model import PupilDay

__all__ = ["shown_sessions", "silence", "with_silence"]

_SATURDAY: Final = 5


def shown_sessions(pupils: Iterable[PupilDay]) -> frozenset[Session]:
    """Give the sessions of which the MIS can be thought to have shown what there is to show.

    One absence of one pupil is a sign that it does. Where there is none in the whole school, nobody
    knows whether all are there or the MIS shows nothing.
    """
    marked = any(entry.code != NOT_TAKEN for one in pupils for _, entry in one.sheet.entries)
    return frozenset(Session) if marked else frozenset()


def silence(year: AcademicYear, calendar: SchoolCalendar) -> bytes:
    """Give a year in which every register that may have been taken has a missing mark.

    Outside of the calendar that the school has configured every weekday may have been a school
    day: then fewer runs of absence are claimed, never more.

    Returns:
        ``year.slots`` bytes, ``NOT_TAKEN`` and ``NO_SESSION``.
    """
    marks = bytearray()
    for slot in range(0, year.slots, 2):
        day = year.first + timedelta(days=slot // 2)
        for session in (Session.AM, Session.PM):
            if calendar.first_day <= day <= calendar.last_day:
                due = calendar.has_session(day, session)
            else:
                due = year != calendar.year and day.weekday() < _SATURDAY
            marks.append(NOT_TAKEN if due else NO_SESSION)
    return bytes(marks)


def with_silence(strip: Strip, silent: bytes) -> Strip:
    """Write the missing marks of ``silence`` wherever a pupil has no mark."""
    marks = bytes(
        other if mark == NO_SESSION else mark
        for mark, other in zip(strip.marks, silent, strict=True)
    )
    return Strip(strip.year, marks)
