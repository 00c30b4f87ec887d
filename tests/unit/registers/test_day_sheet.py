from __future__ import annotations

from datetime import date

import pytest

from mis_bridge.errors import DataError
from mis_bridge.registers.codes import NOT_TAKEN, to_byte
from mis_bridge.registers.day_sheet import (
    DayPlan,
    DaySheet,
    Entry,
    Slot,
    SlotKind,
    decode,
    encode,
)

DAY = date(2025, 9, 8)
AM = Slot("AM", SlotKind.SESSION, 525, 735, closes=555)
P1 = Slot("P1", SlotKind.LESSON, 525, 585)
P2 = Slot("P2", SlotKind.LESSON, 585, 645)
PM = Slot("PM", SlotKind.SESSION, 780, 910, closes=810)
PRESENT = Entry(ord("/"), 530, "reg-7")


def test_entries_stand_in_time_order() -> None:
    """However marks came in, the sheet runs through the day, the session before its lesson."""
    sheet = DaySheet(DAY, ((PM, PRESENT), (P2, PRESENT), (P1, PRESENT), (AM, PRESENT)))

    assert [slot.name for slot, _ in sheet.entries] == ["AM", "P1", "P2", "PM"]


def test_entries_are_found_by_name() -> None:
    """A slot that the day does not have gives None; a name may be told apart by kind."""
    sheet = DaySheet(DAY).with_entry(P1, PRESENT)

    assert sheet.entry("P1") == PRESENT
    assert sheet.entry("P1", SlotKind.SESSION) is None
    assert sheet.entry("P9") is None


def test_the_newer_mark_stands() -> None:
    """A correction replaces the mark and its minute."""
    corrected = Entry(ord("/"), 600)

    sheet = DaySheet(DAY).with_entry(P2, Entry(ord("N"), 590)).with_entry(P2, corrected)

    assert sheet.entries == ((P2, corrected),)


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [(590, 700, 590), (700, 590, 590), (None, 700, 700), (590, None, 590)],
)
def test_an_absence_began_when_it_was_first_saved(
    before: int | None, after: int | None, kept: int
) -> None:
    """N that becomes O is one signal: the code is the new one, the minute the earliest known."""
    sheet = DaySheet(DAY).with_entry(P2, Entry(ord("N"), before))

    entry = sheet.with_entry(P2, Entry(ord("O"), after)).entry("P2")

    assert entry == Entry(ord("O"), kept)


def test_minutes_may_stay_unknown() -> None:
    """Where no save told its minute, none is invented."""
    sheet = DaySheet(DAY).with_entry(P2, Entry(ord("N"))).with_entry(P2, Entry(ord("O")))

    assert sheet.entry("P2") == Entry(ord("O"), None)


@pytest.mark.parametrize(("old", "new"), [("N", "U"), ("U", "N"), ("-", "N"), ("/", "N")])
def test_other_changes_take_the_new_minute(old: str, new: str) -> None:
    """U is a pupil in school and a dash is nobody's mark: the signal begins with the new one."""
    sheet = DaySheet(DAY).with_entry(P2, Entry(to_byte(old), 590))

    assert sheet.with_entry(P2, Entry(to_byte(new), 700)).entry("P2") == Entry(to_byte(new), 700)


def test_a_lesson_that_moves_stays_one_lesson() -> None:
    """A changed timetable replaces the slot of the same name."""
    moved = Slot("P2", SlotKind.LESSON, 590, 650)

    sheet = DaySheet(DAY).with_entry(P2, PRESENT).with_entry(moved, PRESENT)

    assert sheet.entries == ((moved, PRESENT),)


def test_sheets_are_stored_in_six_bytes_an_entry() -> None:
    """A stored sheet is six bytes an entry and comes back whole with its plan."""
    sheet = DaySheet(
        DAY,
        (
            (AM, Entry(ord("/"), 530)),
            (P1, Entry(to_byte("Y7"), 1999, "reg-1", settled=False)),
            (P2, Entry(NOT_TAKEN, None, "reg-2")),
        ),
    )
    plan = DayPlan()

    blob = encode(sheet, plan)

    assert len(blob) == 18
    assert decode(DAY, plan, blob) == sheet


def test_a_plan_only_grows() -> None:
    """Sheets stored earlier are read with the plan as it is later."""
    plan = DayPlan()
    first = encode(DaySheet(DAY, ((PM, PRESENT),)), plan)
    second = encode(DaySheet(DAY, ((AM, PRESENT), (PM, Entry(ord("/"), 790, "reg-8")))), plan)

    assert plan.slots == (PM, AM)
    assert plan.registers == ("reg-7", "reg-8")
    assert decode(DAY, plan, first) == DaySheet(DAY, ((PM, PRESENT),))
    assert decode(DAY, plan, second).entry("PM") == Entry(ord("/"), 790, "reg-8")


@pytest.mark.parametrize("minute", [-1, 65_535, 70_000])
def test_minutes_that_can_not_be_stored(minute: int) -> None:
    """A minute before the day, or 45 days after it, is refused instead of being cut."""
    with pytest.raises(DataError, match="not plausible"):
        encode(DaySheet(DAY, ((P1, Entry(ord("/"), minute)),)), DayPlan())


def test_a_plan_has_its_limits() -> None:
    """More slots or registers than a day can have are refused, not wrapped round."""
    many = tuple(Slot(f"P{number}", SlotKind.LESSON, number, number + 1) for number in range(256))
    plan = DayPlan(many, tuple(f"reg-{number}" for number in range(32_767)))

    assert plan.index(many[255]) == 255
    assert plan.register_index("reg-32766") == 32_767
    with pytest.raises(DataError, match="256 different slots"):
        plan.index(AM)
    with pytest.raises(DataError, match="32767 registers"):
        plan.register_index("another")


@pytest.mark.parametrize("blob", [b"\x00" * 5, b"\x00" * 6, b"\x00" * 7])
def test_broken_sheets_are_refused(blob: bytes) -> None:
    """A sheet that is cut, or points outside its plan, is refused."""
    with pytest.raises(DataError):
        decode(DAY, DayPlan(), blob)
