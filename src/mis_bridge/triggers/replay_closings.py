"""Which sessions of a replayed day were closed for the whole school, and from when that was known.

The same rule as ``closed_sessions``, over rows instead of day sheets: pupils are replayed a few at
a time, and this is true of all of them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mis_bridge.registers.calendar import Session
from mis_bridge.registers.closures import CLOSED_BYTES, is_closed
from mis_bridge.triggers.day_walk import BLANK, ON_SITE, SAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mis_bridge.registers.day_sheet import Slot

__all__ = ["Closing", "Known", "closings"]


class Known(NamedTuple):
    """One mark of a day.

    Args:
        minute: from which it is known.
        slot: whose mark it is.
        code: its byte.
    """

    minute: int
    slot: Slot
    code: int


class Closing(NamedTuple):
    """A session that was closed.

    Args:
        minute: from which the registers say so.
        slot: the session.
    """

    minute: int
    slot: Slot


def closings(marks: Mapping[str, Iterable[Known]], afternoon: int) -> list[Closing]:
    """Give the sessions that the registers of a day say were closed.

    Args:
        marks: pupil -> the marks of the day; of two of one slot the one that was known later
            counts, of two of one minute the later in order.
        afternoon: minute from which a lesson belongs to the afternoon.
    """
    seen, marked = dict.fromkeys(Session, 0), dict.fromkeys(Session, 0)
    closed: dict[Session, list[Known]] = {session: [] for session in Session}
    for of_pupil in marks.values():
        last = {mark.slot.key: mark for mark in sorted(of_pupil, key=lambda mark: mark.minute)}
        for mark in last.values():
            if SAYS[mark.code] == ON_SITE:
                seen[Session.PM if mark.slot.starts >= afternoon else Session.AM] += 1
            if mark.slot.is_session and SAYS[mark.code] != BLANK:
                marked[Session(mark.slot.name)] += 1
                if mark.code in CLOSED_BYTES:
                    closed[Session(mark.slot.name)].append(mark)
    found = []
    for session, of_session in closed.items():
        unmarked = len(marks) - marked[session]
        if is_closed(len(of_session), seen[session], len(marks), unmarked):
            half = sorted(mark.minute for mark in of_session)[(len(marks) + 1) // 2 - 1]
            found.append(Closing(half, of_session[0].slot))
    return found
