"""Session registers that most classmates' marks say were due, and that have no mark for a pupil.

Most MIS send no row at all for a register that was not taken, and none either for one that they
have not passed on yet. The two are told apart by the others: a pupil without a mark is taken for
one whose register is blank only once at least half of the school has a mark of that session.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mis_bridge.registers.codes import NOT_TAKEN
from mis_bridge.registers.day_sheet import Entry, SlotKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mis_bridge.registers.day_sheet import Slot
    from mis_bridge.triggers.model import PupilDay

__all__ = ["with_untaken_sessions"]

_BLANK = Entry(NOT_TAKEN)


def with_untaken_sessions(pupils: Sequence[PupilDay]) -> list[PupilDay]:
    """Write a blank where a pupil has no mark of a session that half of the others have.

    Args:
        pupils: everybody on roll on one day.

    Returns:
        The same pupils in the same order.
    """
    marked: dict[str, tuple[Slot, set[str]]] = {}
    for pupil in pupils:
        for slot, entry in pupil.sheet.entries:
            if slot.kind is SlotKind.SESSION and entry.code != NOT_TAKEN:
                marked.setdefault(slot.name, (slot, set()))[1].add(pupil.pupil)
    taken = [(slot, who) for slot, who in marked.values() if 2 * len(who) >= len(pupils)]
    return [_with_blanks(pupil, taken) for pupil in pupils]


def _with_blanks(pupil: PupilDay, taken: Sequence[tuple[Slot, set[str]]]) -> PupilDay:
    sheet = pupil.sheet
    for slot, who in taken:
        if pupil.pupil not in who and sheet.entry(slot.name, SlotKind.SESSION) is None:
            sheet = sheet.with_entry(slot, _BLANK)
    return pupil if sheet is pupil.sheet else replace(pupil, sheet=sheet)
