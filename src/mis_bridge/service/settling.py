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

from mis_bridge.registers.calendar import local_datetime, minutes_after_midnight

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from mis_bridge.registers.day_sheet import Entry
    from mis_bridge.triggers.model import PupilDay

__all__ = ["READ_AGAIN", "SETTLING_MINUTES", "settle"]

SETTLING_MINUTES: Final = 5
"""Whole minutes between the first reading that saw a mark and one that makes it count."""

READ_AGAIN: Final = timedelta(minutes=1)
"""A good reading that changes nothing calls for no decision: while one is waited for, ask."""

_MINUTES_A_DAY: Final = 24 * 60


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
    read_minute = -1 if read_at is None else minutes_after_midnight(read_at, day)
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
    return settled, max(local_datetime(day, min(waiting)), now + READ_AGAIN)


def _settled(entry: Entry) -> Entry:
    return entry if entry.settled else replace(entry, settled=True)
