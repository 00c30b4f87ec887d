"""Laws of sessions that were closed: nothing that says where a child is is ever written over."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.registers.calendar import Session, local_datetime
from mis_bridge.registers.closures import CLOSED_BYTES
from mis_bridge.registers.codes import CODES, to_byte
from mis_bridge.registers.day_sheet import DaySheet, Entry, Slot, SlotKind
from mis_bridge.triggers.catalogue import assess_day
from mis_bridge.triggers.closed_sessions import with_closed_sessions
from mis_bridge.triggers.day_walk import BLANK, MISSED, ON_SITE, SAYS
from mis_bridge.triggers.model import PupilDay, SchoolDay

DAY = date(2026, 11, 17)
NOON = 780
AM = Slot("AM", SlotKind.SESSION, 525, 735, 555)
PM = Slot("PM", SlotKind.SESSION, NOON, 910, 810)
SLOTS = (AM, Slot("P1", SlotKind.LESSON, 535, 595), PM, Slot("P4", SlotKind.LESSON, 790, 850))
CODE = st.sampled_from(
    [None, *map(to_byte, "/N#N#-"), to_byte("Y4"), *(code.byte for code in CODES)]
)


@st.composite
def schools(draw: st.DrawFn) -> list[PupilDay]:
    """A handful of pupils with any marks of a day, closures and absences more often than not."""
    return [
        PupilDay(
            str(number),
            DaySheet(
                DAY,
                tuple(
                    (slot, Entry(code, slot.starts + 5))
                    for slot in SLOTS
                    if (code := draw(CODE)) is not None
                ),
            ),
        )
        for number in range(draw(st.integers(0, 6)))
    ]


def _half(slot: Slot) -> Session:
    return Session.PM if slot.starts >= NOON else Session.AM


@given(schools())
def test_only_what_says_nothing_becomes_closed(roll: list[PupilDay]) -> None:
    """No mark, a blank, N or O; and nothing at all of a half day in which anybody was seen."""
    judged, closed = with_closed_sessions(roll, NOON)

    seen = {_half(slot) for one in roll for slot, e in one.sheet.entries if SAYS[e.code] == ON_SITE}
    assert not closed & seen
    for before, after in zip(roll, judged, strict=True):
        for slot in SLOTS:
            old, new = (one.sheet.entry(slot.name, slot.kind) for one in (before, after))
            if old == new:
                continue
            assert slot.is_session
            assert _half(slot) in closed
            assert old is None or SAYS[old.code] in (BLANK, MISSED)
            assert new is not None
            assert new.code in CLOSED_BYTES


@given(schools())
def test_judging_twice_is_judging_once(roll: list[PupilDay]) -> None:
    """What is closed stays closed, and nothing more becomes so."""
    once, closed = with_closed_sessions(roll, NOON)

    assert with_closed_sessions(once, NOON) == (once, closed)


@given(schools(), st.integers(9 * 60, 17 * 60))
def test_nobody_is_missing_from_a_closed_session(roll: list[PupilDay], minute: int) -> None:
    """Whatever else was marked, no finding about a child begins in a session that was closed."""
    judged, closed = with_closed_sessions(roll, NOON)

    found = assess_day(SchoolDay(DAY, judged), local_datetime(DAY, minute), {}).findings

    slots = {slot.name: slot for slot in SLOTS}
    about = {"missing_during_day", "unexplained_absence", "internal_truancy"}
    assert not [
        finding
        for finding in found
        if finding.trigger in about and _half(slots[finding.slot]) in closed
    ]
