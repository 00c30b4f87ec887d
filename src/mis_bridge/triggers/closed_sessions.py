"""Sessions that were closed for the whole school, told from the marks of one day.

A school that closes at noon marks the afternoon ``#`` or ``Y4``, and seldom everybody at once: an N
that a teacher saved before, or no mark at all, then says nothing of the child. Nobody is reported
missing from a session that was closed afterwards. Somebody seen in school in that half of the day,
or a class without any mark, is a sign that it was not closed for all, and everything stays as it is
marked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import Session
from mis_bridge.registers.closures import CLOSED_BYTES, is_closed
from mis_bridge.registers.codes import to_byte
from mis_bridge.registers.day_sheet import Entry, SlotKind
from mis_bridge.triggers.day_walk import BLANK, MISSED, ON_SITE, SAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mis_bridge.registers.day_sheet import Slot
    from mis_bridge.triggers.model import PupilDay

__all__ = ["with_closed_sessions", "written_closed"]

_CLOSED: Final = Entry(to_byte("#"))


def with_closed_sessions(
    pupils: Sequence[PupilDay], afternoon: int
) -> tuple[list[PupilDay], frozenset[Session]]:
    """Write ``#`` where a pupil has no mark, a blank, N or O of a session that was closed.

    Args:
        pupils: everybody on roll on one day.
        afternoon: minute from which a lesson belongs to the afternoon.

    Returns:
        The same pupils in the same order, and the sessions that were closed.
    """
    closed, seen, marked = (dict.fromkeys(Session, 0) for _ in range(3))
    slots: dict[Session, Slot] = {}
    for pupil in pupils:
        for slot, entry in pupil.sheet.entries:
            says = SAYS[entry.code]
            if says == ON_SITE:
                seen[Session.PM if slot.starts >= afternoon else Session.AM] += 1
            if slot.is_session and says != BLANK:
                session = Session(slot.name)
                marked[session] += 1
                if entry.code in CLOSED_BYTES:
                    closed[session] += 1
                    slots[session] = slot
    roll = len(pupils)
    found = [one for one in slots if is_closed(closed[one], seen[one], roll, roll - marked[one])]
    if not found:
        return list(pupils), frozenset()
    shut = [slots[one] for one in found]
    return [written_closed(pupil, shut) for pupil in pupils], frozenset(found)


def written_closed(pupil: PupilDay, slots: Iterable[Slot]) -> PupilDay:
    """Give a pupil's day with ``#`` where it says nothing of the child in a closed session."""
    sheet = pupil.sheet
    for slot in slots:
        entry = sheet.entry(slot.name, SlotKind.SESSION)
        if entry is None or SAYS[entry.code] in (BLANK, MISSED):
            sheet = sheet.with_entry(slot, _CLOSED)
    return pupil if sheet is pupil.sheet else replace(pupil, sheet=sheet)
