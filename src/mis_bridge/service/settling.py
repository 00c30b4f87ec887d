"""Marks that a MIS filled in by itself begin to count once they have stood for a while.

Some MIS show everybody as present the moment a teacher opens a register. Such a mark is stored as
not settled, with the minute at which it was first seen. It is evidence once a reading five minutes
later still finds it: by then a teacher who takes the register has come to the child. A MIS that can
not be read settles nothing, because nobody knows what the teacher has written meanwhile.

The five minutes are our choice; no MIS says how long a register is being taken.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import local_datetime, local_minute

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from mis_bridge.registers.day_sheet import Entry
    from mis_bridge.triggers.model import PupilDay

__all__ = ["SETTLING_MINUTES", "settle"]

SETTLING_MINUTES: Final = 5
"""Whole minutes between the first reading that saw a mark and one that makes it count."""

_MINUTES_A_DAY: Final = 24 * 60
_READ_AGAIN: Final = timedelta(minutes=1)


def settle(
    pupils: Sequence[PupilDay], day: date, read_at: datetime | None, now: datetime
) -> tuple[list[PupilDay], datetime | None]:
    """Let the marks count that have stood long enough.

    Args:
        pupils: everybody on roll on one day.
        day: that day.
        read_at: when the MIS was last read well, aware; None for never.
        now: aware.

    Returns:
        The same pupils in the same order, and when to ask again; None where no mark of this day
        is waiting to settle.
    """
    read_minute = _minute_of(day, read_at)
    waiting: list[int] = []
    settled = []
    for pupil in pupils:
        entries = pupil.sheet.entries
        if all(entry.settled for _, entry in entries):
            settled.append(pupil)
            continue
        kept = []
        for slot, entry in entries:
            due = _MINUTES_A_DAY if entry.recorded is None else entry.recorded + SETTLING_MINUTES
            if entry.settled or due <= read_minute:
                kept.append((slot, _settled(entry)))
            else:
                kept.append((slot, entry))
                waiting.append(due)
        settled.append(replace(pupil, sheet=replace(pupil.sheet, entries=tuple(kept))))
    if not waiting:
        return settled, None
    days, minute = divmod(min(waiting), _MINUTES_A_DAY)
    due_at = local_datetime(day + timedelta(days=days), minute)
    return settled, max(due_at, now + _READ_AGAIN)


def _settled(entry: Entry) -> Entry:
    return entry if entry.settled else replace(entry, settled=True)


def _minute_of(day: date, moment: datetime | None) -> int:
    """Give a moment as a minute of a day, 1440 and more after it; -1 for never."""
    if moment is None:
        return -1
    on, minute = local_minute(moment)
    return (on - day).days * _MINUTES_A_DAY + minute
