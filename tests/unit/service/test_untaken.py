"""A register that was not taken, told from marks that have not come yet."""

from __future__ import annotations

from datetime import date

from mis_bridge.registers.codes import NOT_TAKEN, to_byte
from mis_bridge.registers.day_sheet import DaySheet, Entry, Slot, SlotKind
from mis_bridge.service.untaken import with_untaken_sessions
from mis_bridge.triggers.model import PupilDay

DAY = date(2026, 11, 17)
AM = Slot("AM", SlotKind.SESSION, 525, 735, 555)
P1 = Slot("P1", SlotKind.LESSON, 535, 595)


def pupil(name: str, **marks: str) -> PupilDay:
    """Make a pupil with some of ``am`` and ``p1`` marked."""
    slots = {"am": AM, "p1": P1}
    entries = tuple((slots[slot], Entry(to_byte(code), 530)) for slot, code in marks.items())
    return PupilDay(name, DaySheet(DAY, entries))


def blanks(pupils: list[PupilDay]) -> list[str]:
    """Give the pupils who have a blank morning after all."""
    return [
        one.pupil
        for one in with_untaken_sessions(pupils)
        if (entry := one.sheet.entry("AM")) is not None and entry.code == NOT_TAKEN
    ]


def test_pupil_without_a_mark_is_blank_once_half_the_school_has_one() -> None:
    """Two of four are marked: the other two are in registers that were not taken."""
    roll = [pupil("A", am="/"), pupil("B", am="N"), pupil("C"), pupil("D", p1="/")]
    assert blanks(roll) == ["C", "D"]


def test_marks_that_have_not_come_yet_are_no_blanks() -> None:
    """One of three is marked: the MIS may not have passed the others on."""
    assert blanks([pupil("A", am="/"), pupil("B"), pupil("C")]) == []
    assert blanks([pupil("A"), pupil("B")]) == []
    assert blanks([]) == []


def test_school_without_session_marks_has_no_blank_sessions() -> None:
    """A feed of lessons only is never told that its session registers are blank."""
    assert blanks([pupil("A", p1="/"), pupil("B", p1="N")]) == []


def test_a_blank_that_the_mis_sent_counts_as_no_mark() -> None:
    """Blanks do not vouch for other blanks, and stay as they are."""
    sent = pupil("B", am="-")
    roll = [pupil("A", am="/"), sent, pupil("C"), pupil("D")]
    assert blanks(roll) == ["B"]
    roll = [pupil("A", am="/"), sent]
    assert with_untaken_sessions(roll)[1] is sent
