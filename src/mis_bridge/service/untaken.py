"""Session registers that were due and have no mark of a pupil: blank, although nobody says so.

Most MIS send no row at all for a register that was not taken, and none either for one that they
have not passed on yet. The two are told apart by the others and by the clock: a pupil without a
mark is taken for one whose register is blank once at least half of the school has a mark of that
session, or once a reading an hour after its close has come and anybody's register was taken.

The hour is our choice: MIS that pass registers on in batches do it more often.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import Session, local_datetime
from mis_bridge.registers.codes import NOT_TAKEN
from mis_bridge.registers.day_sheet import Entry, SlotKind
from mis_bridge.service.settling import READ_AGAIN
from mis_bridge.triggers.day_walk import MISSED, ON_SITE, SAYS, closing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from mis_bridge.registers.calendar import SchoolCalendar
    from mis_bridge.registers.day_sheet import Slot
    from mis_bridge.triggers.model import PupilDay

__all__ = ["LATEST_MINUTES", "marked_sessions", "with_untaken_sessions"]

LATEST_MINUTES: Final = 60
"""So long after a register closed its marks have come, if it was taken."""

_BLANK: Final = Entry(NOT_TAKEN)
_TAKEN: Final = frozenset({ON_SITE, MISSED})
"""What only a register says that somebody took; reasons are entered days ahead."""


@dataclass(slots=True)
class _Marked:
    """A session of which somebody has a mark, and who has one."""

    slot: Slot
    who: set[str] = field(default_factory=set)
    taken: bool = False


def with_untaken_sessions(
    pupils: Sequence[PupilDay], day: date, read_at: datetime | None, now: datetime
) -> tuple[list[PupilDay], datetime | None]:
    """Write a blank where a pupil has no mark of a session that others have.

    Args:
        pupils: everybody on roll on one day.
        day: that day.
        read_at: when the MIS was last read well, aware; None for never.
        now: aware.

    Returns:
        The same pupils in the same order, and when to ask again; None where no session waits for
        a later reading.
    """
    due: list[_Marked] = []
    waiting: list[datetime] = []
    for session in _marked(pupils):
        latest = local_datetime(day, closing(session.slot) + LATEST_MINUTES)
        is_late = session.taken and read_at is not None and latest <= read_at
        if 2 * len(session.who) >= len(pupils) or is_late:
            if len(session.who) < len(pupils):
                due.append(session)
        elif session.taken:
            waiting.append(max(latest, now + READ_AGAIN))
    if not due:
        return list(pupils), min(waiting, default=None)
    return [_with_blanks(pupil, due) for pupil in pupils], min(waiting, default=None)


def marked_sessions(pupils: Iterable[PupilDay], calendar: SchoolCalendar) -> frozenset[Session]:
    """Give the sessions of which anybody has a mark from a register that was taken.

    A lesson's register counts for the half day in which it begins, and for the whole day in a
    school that keeps registers of lessons only: it may have none in the afternoon.
    """
    found: set[Session] = set()
    lessons_only = True
    for pupil in pupils:
        for slot, entry in pupil.sheet.entries:
            if SAYS[entry.code] in _TAKEN:
                found.add(Session.PM if slot.starts >= calendar.pm.opens else Session.AM)
                lessons_only = lessons_only and not slot.is_session
        if len(found) == len(Session):
            break
    return frozenset(Session) if found and lessons_only else frozenset(found)


def _marked(pupils: Iterable[PupilDay]) -> Iterable[_Marked]:
    """Give the sessions of which anybody has a mark."""
    marked: dict[str, _Marked] = {}
    session = SlotKind.SESSION
    for pupil in pupils:
        for slot, entry in pupil.sheet.entries:
            if slot.kind is session and (code := entry.code) != NOT_TAKEN:
                found = marked.get(slot.name)
                if found is None:
                    found = marked[slot.name] = _Marked(slot)
                found.who.add(pupil.pupil)
                if not found.taken:
                    found.taken = SAYS[code] in _TAKEN
    return marked.values()


def _with_blanks(pupil: PupilDay, due: Iterable[_Marked]) -> PupilDay:
    sheet = pupil.sheet
    for session in due:
        name = session.slot.name
        if pupil.pupil not in session.who and sheet.entry(name, SlotKind.SESSION) is None:
            sheet = sheet.with_entry(session.slot, _BLANK)
    return pupil if sheet is pupil.sheet else replace(pupil, sheet=sheet)
