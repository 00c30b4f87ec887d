from __future__ import annotations

from datetime import date

import pytest

from mis_bridge.errors import DataError, DateOutsideYear, UnknownCode
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.codes import NO_SESSION, NOT_TAKEN, to_byte
from mis_bridge.registers.strip import Change, Strip

YEAR = AcademicYear(2025)
MONDAY = date(2025, 9, 8)
TUESDAY = date(2025, 9, 9)


@pytest.fixture
def strip() -> Strip:
    """Two days of an invented pupil: late on Monday, Tuesday's afternoon register not taken."""
    return Strip.from_days(YEAR, [(MONDAY, "L", "C1"), (TUESDAY, "/", "-")])


def test_an_empty_strip_knows_nothing() -> None:
    """Of a new pupil there is no session in any slot, and nothing to store."""
    empty = Strip.empty(YEAR)

    assert empty.marks == b"." * 730
    assert empty.encode() == b""
    assert empty.last_marked_slot is None
    assert list(empty.days()) == []


def test_marks_are_read_as_codes(strip: Strip) -> None:
    """A mark is given as its code, a slot without one as a full stop."""
    assert strip.mark(MONDAY, pm=True) == "C1"
    assert strip.mark(TUESDAY, pm=True) == "-"
    assert strip.mark(date(2025, 9, 10), pm=False) == "."
    assert strip.byte(MONDAY, pm=False) == ord("L")


def test_days_are_given_in_order(strip: Strip) -> None:
    """Days with anything known come in order, with both bytes."""
    assert list(strip.days()) == [
        (MONDAY, ord("L"), to_byte("C1")),
        (TUESDAY, ord("/"), NOT_TAKEN),
    ]


def test_a_day_that_ends_in_the_morning() -> None:
    """The last known mark may be a morning: its day is given with no session after it."""
    strip, _ = Strip.empty(YEAR).merge({YEAR.slot(MONDAY, pm=False): ord("/")})

    assert list(strip.days()) == [(MONDAY, ord("/"), NO_SESSION)]


def test_stored_form_ends_with_the_last_mark(strip: Strip) -> None:
    """What is stored ends with the last known mark and comes back whole."""
    blob = strip.encode()

    assert len(blob) == YEAR.slot(TUESDAY, pm=True) + 1
    assert strip.last_marked_slot == len(blob) - 1
    assert Strip.decode(YEAR, blob) == strip


def test_merge_reports_only_real_changes(strip: Strip) -> None:
    """Merging tells old and new of what changed, in order of the slots, and nothing else."""
    am, pm = YEAR.slot(MONDAY, pm=False), YEAR.slot(TUESDAY, pm=True)

    merged, changes = strip.merge({pm: ord("\\"), am: ord("U"), am + 1: to_byte("C1")})

    assert changes == (Change(am, ord("L"), ord("U")), Change(pm, NOT_TAKEN, ord("\\")))
    assert merged.mark(MONDAY, pm=False) == "U"
    assert strip.mark(MONDAY, pm=False) == "L"


def test_merging_nothing_new_gives_the_same_strip(strip: Strip) -> None:
    """A second equal read costs no new strip."""
    merged, changes = strip.merge({YEAR.slot(MONDAY, pm=False): ord("L")})

    assert merged is strip
    assert changes == ()


@pytest.mark.parametrize("slot", [-1, 730])
def test_merge_refuses_slots_of_other_years(strip: Strip, slot: int) -> None:
    """A slot that the year does not have is refused, not wrapped round."""
    with pytest.raises(DateOutsideYear):
        strip.merge({slot: ord("/")})


def test_days_of_other_years_are_refused(strip: Strip) -> None:
    """Reading or building outside the year is refused."""
    with pytest.raises(DateOutsideYear):
        strip.mark(date(2026, 8, 1), pm=False)
    with pytest.raises(DateOutsideYear):
        Strip.from_days(YEAR, [(date(2025, 7, 31), "/", "\\")])


def test_unknown_codes_name_their_place() -> None:
    """A code outside the table is refused with day and session."""
    with pytest.raises(UnknownCode, match="2025-09-08 PM"):
        Strip.from_days(YEAR, [(MONDAY, "/", "Y9")])


def test_a_strip_has_the_length_of_its_year() -> None:
    """Marks of another length are refused, whether given or stored."""
    with pytest.raises(DataError, match="730 marks, not 1"):
        Strip(YEAR, b"/")
    with pytest.raises(DataError, match="730 marks, not 732"):
        Strip.decode(YEAR, b"/" * 732)


def test_marks_outside_the_time_on_roll_are_left_out(strip: Strip) -> None:
    """Of a pupil admitted on Tuesday, Monday's marks are not looked at; both ends may be open."""
    assert list(strip.between(TUESDAY, None).days()) == [(TUESDAY, ord("/"), NOT_TAKEN)]
    assert list(strip.between(None, MONDAY).days()) == [(MONDAY, ord("L"), to_byte("C1"))]
    assert strip.between(None, None) == strip
    assert strip.between(TUESDAY, MONDAY) == Strip.empty(YEAR)
    assert strip.between(date(2024, 9, 1), date(2027, 7, 31)) == strip
    assert strip.between(date(2026, 9, 1), None) == Strip.empty(YEAR)
    assert strip.between(None, date(2025, 7, 31)) == Strip.empty(YEAR)
