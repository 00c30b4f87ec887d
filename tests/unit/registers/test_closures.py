"""What the registers say of the calendar."""

from __future__ import annotations

from datetime import date

import pytest

from mis_bridge.registers.calendar import AcademicYear, Closure, SchoolCalendar, Session
from mis_bridge.registers.closures import LEARNED, Compared, compare, learned
from mis_bridge.registers.codes import NO_SESSION, to_byte

YEAR = AcademicYear(2026)
TRAINING = date(2026, 11, 20)
CALENDAR = SchoolCalendar(
    YEAR, date(2026, 9, 3), date(2027, 7, 21), (Closure(TRAINING, TRAINING, "training day"),)
)
MONDAY = date(2026, 11, 16)
FRIDAY = TRAINING


def held_against(*pupils: dict[date, str], share: float = 5.0) -> Compared:
    """Hold a week against the calendar; a day that is not said is marked as it should be.

    Args:
        pupils: day -> both codes, ``"/ #"``; ``.`` for no mark.
        share: as ``compare`` takes it.
    """
    marks = []
    for own in pupils:
        strip = bytearray(b"." * YEAR.slots)
        for number in range(MONDAY.day, FRIDAY.day + 1):
            day = date(2026, 11, number)
            usual = ". ." if day == TRAINING else "/ \\"
            slot = YEAR.slot(day, pm=False)
            for place, code in enumerate(own.get(day, usual).split()):
                strip[slot + place] = NO_SESSION if code == "." else to_byte(code)
        marks.append(bytes(strip))
    return compare(CALENDAR, marks, MONDAY, FRIDAY, share=share)


def test_registers_that_keep_to_the_calendar_differ_nowhere() -> None:
    """Taken on school days, nothing or a # on the training day."""
    assert held_against({}, {}, {}) == Compared()
    assert held_against({TRAINING: "# #"}, {TRAINING: "# #"}) == Compared()


@pytest.mark.parametrize("marks", ["# #", "Y4 Y4", "Y Y", "# Y4"])
def test_a_training_day_that_the_calendar_lacks_is_learned(marks: str) -> None:
    """The school was closed and its registers say so for everybody."""
    wednesday = date(2026, 11, 18)

    found = held_against({wednesday: marks}, {wednesday: marks}, {wednesday: marks})

    assert found == Compared(closed=((wednesday, Session.AM), (wednesday, Session.PM)))
    known = learned(CALENDAR, found.closed)
    assert not known.is_school_day(wednesday)
    assert known.why_closed(wednesday, Session.AM) == LEARNED
    assert learned(CALENDAR, ()) is CALENDAR


def test_half_a_snow_day_leaves_the_morning() -> None:
    """Closed at noon: the day stays a school day, the afternoon does not count."""
    wednesday = date(2026, 11, 18)

    found = held_against({wednesday: "/ #"}, {wednesday: "N #"}, {wednesday: "/ N"})

    assert found.closed == ((wednesday, Session.PM),)
    assert learned(CALENDAR, found.closed).is_school_day(wednesday)


def test_one_child_in_school_is_a_sign_that_it_was_not_closed() -> None:
    """Most of the school sent home and an exam held: those who are there have to be watched."""
    wednesday = date(2026, 11, 18)

    found = held_against({wednesday: "/ #"}, {wednesday: "/ #"}, {wednesday: "/ \\"})

    assert found == Compared()


def test_a_closure_of_a_few_is_none_of_the_school() -> None:
    """One of three at home: the school was open; a closed building is not the whole school."""
    wednesday = date(2026, 11, 18)

    assert held_against({wednesday: "Y4 Y4"}, {}, {}) == Compared()
    assert held_against({wednesday: "Y3 Y3"}, {wednesday: "Y3 Y3"}) == Compared()


def test_registers_taken_on_a_closed_day_are_seen() -> None:
    """The calendar has a training day, and the children are in school."""
    found = held_against({TRAINING: "/ \\"}, {TRAINING: "N \\"}, {})

    assert found == Compared(taken=((TRAINING, Session.AM), (TRAINING, Session.PM)))


def test_a_slip_is_no_register() -> None:
    """One mark of thirty pupils is under the share that makes it more than a slip."""
    pupils: list[dict[date, str]] = [{} for _ in range(29)]

    assert held_against({TRAINING: "/ ."}, *pupils) == Compared()
    assert held_against({TRAINING: "/ ."}, *pupils, share=3.0).taken == ((TRAINING, Session.AM),)


def test_reasons_on_a_closed_day_are_no_registers() -> None:
    """A holiday or an illness that was entered for two weeks runs over a training day too."""
    assert held_against({TRAINING: "I I"}, {TRAINING: "G G"}) == Compared()


def test_a_school_day_without_one_mark_is_silent() -> None:
    """Nobody took a register, or the school was closed and nobody wrote it down."""
    thursday = date(2026, 11, 19)

    found = held_against({thursday: ". ."}, {thursday: "- ."})

    assert found == Compared(silent=((thursday, Session.AM), (thursday, Session.PM)))


def test_days_outside_the_year_and_a_school_without_pupils_say_nothing() -> None:
    """A window that reaches over the first of August is cut; an empty roll differs nowhere."""
    assert compare(CALENDAR, [], MONDAY, FRIDAY, share=5) == Compared()
    july = date(2026, 7, 1), date(2026, 7, 31)
    assert compare(CALENDAR, [b"." * YEAR.slots], *july, share=5) == Compared()
