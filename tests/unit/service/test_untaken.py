"""A register that was not taken, told from marks that have not come yet."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from mis_bridge.registers.calendar import AcademicYear, SchoolCalendar, Session, local_datetime
from mis_bridge.registers.codes import NOT_TAKEN, to_byte
from mis_bridge.registers.day_sheet import DaySheet, Entry, Slot, SlotKind
from mis_bridge.service.untaken import marked_sessions, with_untaken_sessions
from mis_bridge.triggers.model import PupilDay

DAY = date(2026, 11, 17)
AM = Slot("AM", SlotKind.SESSION, 525, 735, 555)
PM = Slot("PM", SlotKind.SESSION, 780, 910, 810)
P1 = Slot("P1", SlotKind.LESSON, 535, 595)
P4 = Slot("P4", SlotKind.LESSON, 790, 850)
CALENDAR = SchoolCalendar(AcademicYear(2026), date(2026, 9, 3), date(2027, 7, 20))


def pupil(name: str, **marks: str) -> PupilDay:
    """Make a pupil with some of ``am`` and ``p1`` marked."""
    slots = {"am": AM, "p1": P1, "pm": PM, "p4": P4}
    entries = tuple((slots[slot], Entry(to_byte(code), 530)) for slot, code in marks.items())
    return PupilDay(name, DaySheet(DAY, entries))


def at(clock: str) -> datetime:
    """Give a time of the day."""
    hours, minutes = clock.split(":")
    return local_datetime(DAY, 60 * int(hours) + int(minutes))


def blanks(pupils: list[PupilDay], read: str = "08:52", now: str = "") -> list[str]:
    """Give the pupils who have a blank morning after all."""
    return [
        one.pupil
        for one in with_untaken_sessions(pupils, DAY, at(read), at(now or read))[0]
        if (entry := one.sheet.entry("AM")) is not None and entry.code == NOT_TAKEN
    ]


def test_pupil_without_a_mark_is_blank_once_half_the_school_has_one() -> None:
    """Two of four are marked: the other two are in registers that were not taken."""
    roll = [pupil("A", am="/"), pupil("B", am="N"), pupil("C"), pupil("D", p1="/")]
    assert blanks(roll) == ["C", "D"]


def test_marks_that_have_not_come_yet_are_no_blanks() -> None:
    """One of three is marked: within the hour the MIS may not have passed the others on."""
    assert blanks([pupil("A", am="/"), pupil("B"), pupil("C")]) == []
    assert blanks([pupil("A"), pupil("B")]) == []
    assert blanks([]) == []


def test_an_hour_after_the_close_every_register_has_come_that_was_taken() -> None:
    """A school that takes few registers is told of the others: by then no mark is on its way."""
    roll = [pupil("A", am="/"), pupil("B"), pupil("C")]

    assert blanks(roll, read="10:14", now="10:20") == []
    assert blanks(roll, read="10:15") == ["B", "C"]


def test_a_later_reading_is_waited_for() -> None:
    """A feed that has not been read since says nothing of what is in the MIS by now."""
    roll = [pupil("A", am="/"), pupil("B"), pupil("C")]

    def asks(read: str, now: str) -> datetime | None:
        return with_untaken_sessions(roll, DAY, at(read), at(now))[1]

    assert asks("08:52", "08:52") == at("10:15")
    assert asks("10:00", "10:20") == at("10:21")
    assert asks("10:15", "10:20") is None
    assert with_untaken_sessions(roll, DAY, None, at("10:20"))[1] == at("10:21")


def test_reasons_entered_ahead_are_no_register() -> None:
    """Leave that was entered last week does not say that today's registers have been passed on."""
    assert blanks([pupil("A", am="C"), pupil("B"), pupil("C")], read="11:00") == []


@pytest.mark.parametrize(
    ("marks", "sessions"),
    [
        ({"am": "/"}, {Session.AM}),
        ({"am": "N", "pm": "\\"}, {Session.AM, Session.PM}),
        ({"am": "I", "pm": "I"}, set()),
        ({"am": "-", "p1": "-"}, set()),
        ({"p1": "/"}, {Session.AM, Session.PM}),
        ({"am": "/", "p4": "N"}, {Session.AM, Session.PM}),
        ({}, set()),
    ],
)
def test_a_session_is_marked_once_anybody_took_a_register_of_it(
    marks: dict[str, str], sessions: set[Session]
) -> None:
    """Lessons count for their half day, and for the whole day where there are only lessons."""
    assert marked_sessions([pupil("A"), pupil("B", **marks)], CALENDAR) == sessions


def test_school_without_session_marks_has_no_blank_sessions() -> None:
    """A feed of lessons only is never told that its session registers are blank."""
    assert blanks([pupil("A", p1="/"), pupil("B", p1="N")]) == []


def test_a_blank_that_the_mis_sent_counts_as_no_mark() -> None:
    """Blanks do not vouch for other blanks, and stay as they are."""
    sent = pupil("B", am="-")
    roll = [pupil("A", am="/"), sent, pupil("C"), pupil("D")]
    assert blanks(roll) == ["B"]
    roll = [pupil("A", am="/"), sent]
    assert with_untaken_sessions(roll, DAY, at("08:52"), at("08:52"))[0][1] is sent
