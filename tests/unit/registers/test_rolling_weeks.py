"""Ten unauthorised sessions in ten school weeks, while it goes on and after it."""

from __future__ import annotations

from datetime import date

from mis_bridge.registers.codes import to_byte
from mis_bridge.registers.rolling_weeks import (
    CONFIRMED_BYTES,
    present_stretch,
    school_weeks,
    stretches,
)

MONDAY = date(2025, 9, 1)
HOLIDAY = "#" * 10 + "...."


def weeks(*said: str) -> bytes:
    """Give the marks of some weeks: how many sessions of O, or ``#`` for a week without school."""
    marks = ""
    for one in said:
        absent = 0 if one == "#" else int(one)
        marks += HOLIDAY if one == "#" else "O" * absent + "/" * (10 - absent) + "...."
    return marks.encode()


def test_school_weeks_are_those_with_a_session() -> None:
    """Holidays have no number of their own, half a day of school has one."""
    marks = weeks("0", "#", "0") + b"#" * 9 + b"/...." + weeks("#")

    assert school_weeks(MONDAY, marks) == (0, 0, 1, 2, 2)


def test_marks_that_begin_amid_a_week() -> None:
    """1 August 2025 is a Friday: its week is the first one."""
    assert school_weeks(date(2025, 8, 1), b"." * 20) == (-1, -1)
    assert school_weeks(date(2025, 8, 1), b"//...." + b"/" * 10) == (0, 1)


def test_the_tenth_session_meets_it() -> None:
    """One a week: the tenth week's; nine are too few."""
    assert stretches(MONDAY, weeks(*["1"] * 9)) == []

    (found,) = stretches(MONDAY, weeks(*["1"] * 10))
    assert found.slot == 9 * 14
    assert len(found.sessions) == 10


def test_after_ten_school_weeks_a_session_counts_no_more() -> None:
    """Six in the first week and four in the tenth are ten, four in the eleventh are not."""
    assert stretches(MONDAY, weeks("6", *["0"] * 8, "4"))
    assert not stretches(MONDAY, weeks("6", *["0"] * 9, "4"))


def test_holidays_do_not_use_up_the_ten_weeks() -> None:
    """Two weeks of Christmas between them change nothing."""
    assert stretches(MONDAY, weeks("6", *["0"] * 4, "#", "#", *["0"] * 4, "4"))


def test_a_stretch_ends_when_the_oldest_has_left_the_ten_weeks() -> None:
    """Ten in one week are met in that week and the nine after it."""
    for more in range(10):
        assert present_stretch(MONDAY, weeks("10", *["0"] * more)) is not None
    assert present_stretch(MONDAY, weeks("10", *["0"] * 10)) is None


def test_what_is_met_again_in_time_is_one_stretch() -> None:
    """More absences while it is met are no second time; after its end they are."""
    (one,) = stretches(MONDAY, weeks("10", *["0"] * 7, "2", "10"))
    assert one.slot == 9

    first, second = stretches(MONDAY, weeks("10", *["0"] * 11, "10"))
    assert (first.slot, second.slot) == (9, 12 * 14 + 9)


def test_an_n_is_provisional() -> None:
    """With N it is ten, without it is nine."""
    marks = b"OOOOOOOOON...."

    assert present_stretch(MONDAY, marks) is not None
    assert present_stretch(MONDAY, marks, CONFIRMED_BYTES) is None
    assert to_byte("N") not in CONFIRMED_BYTES
