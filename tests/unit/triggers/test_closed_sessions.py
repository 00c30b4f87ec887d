"""A session that was closed for everybody raises nothing about anybody."""

from __future__ import annotations

from datetime import date

from mis_bridge.registers.calendar import Session, local_datetime
from mis_bridge.registers.codes import to_byte, to_code
from mis_bridge.registers.day_sheet import DaySheet, Entry, Slot, SlotKind
from mis_bridge.triggers.catalogue import assess_day
from mis_bridge.triggers.closed_sessions import with_closed_sessions
from mis_bridge.triggers.model import PupilDay, SchoolDay

DAY = date(2026, 11, 17)
AM = Slot("AM", SlotKind.SESSION, 525, 735, 555)
PM = Slot("PM", SlotKind.SESSION, 780, 910, 810)
P4 = Slot("P4", SlotKind.LESSON, 790, 850)
SLOTS = {"am": AM, "pm": PM, "p4": P4}


def pupil(name: str, **marks: str) -> PupilDay:
    """Make a pupil with some of am, pm and p4 marked."""
    entries = tuple((SLOTS[slot], Entry(to_byte(code), 800)) for slot, code in marks.items())
    return PupilDay(name, DaySheet(DAY, entries))


def afternoons(*pupils: PupilDay) -> list[str]:
    """The afternoon's mark of each pupil as it is judged."""
    return [
        to_code(entry.code) if (entry := one.sheet.entry("PM")) else ""
        for one in with_closed_sessions(pupils, PM.starts)[0]
    ]


def triggers(*pupils: PupilDay) -> set[str]:
    """What the day triggers say of a day at 16:00, judged as the service judges it."""
    judged, _ = with_closed_sessions(pupils, PM.starts)
    return {
        finding.trigger
        for finding in assess_day(SchoolDay(DAY, judged), local_datetime(DAY, 16 * 60), {}).findings
    }


def test_whoever_has_no_mark_or_an_n_of_a_closed_afternoon_was_sent_home_too() -> None:
    """Sick stays sick: only what says nothing of where the child is becomes closed."""
    roll = [pupil("A", am="/", pm="#"), pupil("B", am="/", pm="Y4"), pupil("C", am="/", pm="#")]
    others = [pupil("D", am="/"), pupil("E", am="/", pm="N"), pupil("F", am="I", pm="I")]

    assert afternoons(*roll, *others) == ["#", "Y4", "#", "#", "#", "I"]
    assert with_closed_sessions([*roll, *others], PM.starts)[1] == {Session.PM}


def test_nobody_is_missing_from_an_afternoon_that_was_closed() -> None:
    """The lesson's register was saved with N before the snow day was entered."""
    child = pupil("C", am="/", p4="N")
    alone = [pupil("A", am="/"), pupil("B", am="/"), child]
    sent_home = [pupil("A", am="/", pm="#"), pupil("B", am="/", pm="#"), child]

    assert "missing_during_day" in triggers(*alone)
    assert triggers(*sent_home) == set()


def test_who_is_in_school_keeps_the_others_watched() -> None:
    """An exam is held while the rest are at home: a candidate who is absent is looked for."""
    home = [pupil(name, am="/", pm="#") for name in "ABCDEF"]
    seen, missing = pupil("G", am="/", pm="\\"), pupil("H", am="/", pm="N")

    assert afternoons(*home, seen, missing)[-1] == "N"
    assert "missing_during_day" in triggers(*home, seen, missing)


def test_a_lesson_that_was_held_says_that_it_was_not_closed() -> None:
    """Present in the first lesson after noon: whoever was absent from it was missing before."""
    home = [pupil(name, am="/", pm="#") for name in "ABCDEF"]
    held = pupil("G", am="/", pm="#", p4="/")
    missing = pupil("H", am="/", p4="N")

    assert "missing_during_day" in triggers(*home, held, missing)


def test_a_class_without_any_mark_keeps_the_others_watched() -> None:
    """Only the new Year 7 is in school, and nobody has taken its registers: it is not closed.

    Nor where the MIS sends absences only: those without a mark are those who are present.
    """
    home = [pupil(str(number), am="#") for number in range(16)]
    new = [pupil(f"new-{number}") for number in range(3)]
    absent = pupil("absent", am="N")

    judged, closed = with_closed_sessions([*home, *new, absent], PM.starts)

    assert closed == frozenset()
    assert judged == [*home, *new, absent]
    assert "unexplained_absence" in triggers(*home, *new, absent)


def test_a_morning_absence_is_still_unexplained_when_the_school_closes_at_noon() -> None:
    """Closing does not answer the question where a child was in the morning."""
    home = [pupil(name, am="/", pm="#") for name in "ABC"]

    assert "unexplained_absence" in triggers(*home, pupil("D", am="N", pm="#"))


def test_a_day_without_closures_is_left_as_it_is() -> None:
    """Nothing is made up, and nothing is copied."""
    roll = [pupil("A", am="/"), pupil("B", am="N", pm="N"), pupil("C", pm="#")]

    judged, closed = with_closed_sessions(roll, PM.starts)

    assert judged == roll
    assert closed == frozenset()
    assert with_closed_sessions([], PM.starts) == ([], frozenset())
