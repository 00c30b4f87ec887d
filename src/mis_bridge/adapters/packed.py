"""Marks of many days in one text, two characters a calendar day, as some MIS and the CTF keep them.

Source of the shape: the documentation of Xporter on Demand (``AttMarksStartDate``, ``Marks``) and
the Common Transfer File's ``AttendanceMarks``. How a two-character code would stand in such a text
is not documented: each character is a code of its own. A text with one longer code in it would
move every mark after it to another day; where the MIS says on which day the text ends, such a text
is set aside whole.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.adapters.records import SessionMark
from mis_bridge.adapters.values import Unusable

if TYPE_CHECKING:
    from mis_bridge.adapters.lookups import Codebook

__all__ = ["unpacked"]

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5
_LONGEST: Final = 2 * 366 * 2
_NOTHING: Final = frozenset("- .")
"""No mark yet, or a place where none belongs."""


def unpacked(
    pupil: str,
    first_day: date,
    marks: str,
    codes: Codebook,
    window: tuple[date, date],
    *,
    last_day: date | None = None,
) -> tuple[list[SessionMark], dict[str, Unusable]]:
    """Unpack a pupil's marks of the window; weekends and places without a mark are left out.

    Args:
        pupil: id of the pupil.
        first_day: day of the first two characters.
        marks: morning and afternoon of each calendar day.
        codes: what the characters mean.
        window: first and last day that are wanted.
        last_day: day of the last two characters, where the MIS says so.

    Returns:
        The marks, and what is wrong with each character that is no code: a year is not lost for
        one mark that nobody knows.

    Raises:
        Unusable: an odd number of characters, more than two years, or an end on another day than
            the last one.
    """
    if len(marks) % 2 or len(marks) > _LONGEST:
        raise Unusable(f"two characters a day were expected, {len(marks)} came")
    if last_day is not None and first_day + len(marks) // 2 * _DAY != last_day + _DAY:
        raise Unusable(
            f"{len(marks)} marks do not reach from {first_day.isoformat()} to "
            f"{last_day.isoformat()}, two a calendar day"
        )
    begin, end = window
    found: list[SessionMark] = []
    strange: dict[str, Unusable] = {}
    day = first_day
    for place in range(0, len(marks), 2):
        if begin <= day <= end and day.weekday() < _SATURDAY:
            for pm, mark in enumerate(marks[place : place + 2]):
                if mark in _NOTHING or mark in strange:
                    continue
                try:
                    found.append(SessionMark(pupil, day, bool(pm), codes[mark]))
                except Unusable as unusable:
                    strange[mark] = unusable
        day += _DAY
    return found, strange
