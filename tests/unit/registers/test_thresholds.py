from __future__ import annotations

from datetime import date, timedelta

from mis_bridge.registers.calendar import AcademicYear, SchoolCalendar
from mis_bridge.registers.codes import NO_SESSION, to_byte
from mis_bridge.registers.strip import Strip
from mis_bridge.registers.thresholds import (
    CONFIRMED_BYTES,
    sickness_threshold,
    ten_in_ten_weeks,
)

YEAR = AcademicYear(2025)
MONDAY = date(2025, 9, 8)


def weekly(*mondays: str) -> Strip:
    """A strip with one code a week on Monday mornings, the rest of each week attended."""
    rows = []
    for week, code in enumerate(mondays):
        for day in range(5):
            am = code if day == 0 else "/"
            rows.append((MONDAY + timedelta(weeks=week, days=day), am, "\\"))
    return Strip.from_days(YEAR, rows)


def test_sickness_counts_sessions_of_the_year() -> None:
    """Sessions of I add up over the year, whatever lies between."""
    assert sickness_threshold(weekly(*["I"] * 30)) == MONDAY + timedelta(weeks=29)
    assert sickness_threshold(weekly(*["I"] * 29, "M")) is None


def test_one_session_a_week_for_ten_weeks() -> None:
    """Ten sessions in ten consecutive school weeks reach the threshold in the tenth."""
    assert ten_in_ten_weeks(weekly(*["O"] * 10)) == MONDAY + timedelta(weeks=9)


def test_one_session_a_week_with_a_week_off() -> None:
    """Eleven weeks for ten sessions are one too many; the window moves on."""
    codes = ["O"] * 5 + ["/"] + ["O"] * 9

    assert ten_in_ten_weeks(weekly(*codes[:11])) is None
    assert ten_in_ten_weeks(weekly(*codes)) is None
    assert ten_in_ten_weeks(weekly(*codes, "O")) == MONDAY + timedelta(weeks=15)


def test_weeks_without_school_are_no_school_weeks() -> None:
    """A closed week between does not use up one of the ten."""
    strip = weekly(*["O"] * 11)
    slot = YEAR.slot(MONDAY + timedelta(weeks=4), pm=False)
    closed, _ = strip.merge({slot + n: to_byte("#") for n in range(10)})

    assert ten_in_ten_weeks(closed) == MONDAY + timedelta(weeks=10)


def test_confirmed_leaves_out_n() -> None:
    """N may still become something else: the confirmed answer waits for G, O and U."""
    strip = weekly(*["O"] * 9, "N")

    assert ten_in_ten_weeks(strip) == MONDAY + timedelta(weeks=9)
    assert ten_in_ten_weeks(strip, codes=CONFIRMED_BYTES) is None


def test_the_threshold_spans_school_years() -> None:
    """Five sessions in the last week of July and five in September are within ten weeks."""
    july = Strip.from_days(
        AcademicYear(2024), [(date(2025, 7, day), "G", "\\") for day in range(14, 19)]
    )
    september = Strip.from_days(YEAR, [(date(2025, 9, day), "G", "\\") for day in range(8, 13)])

    assert ten_in_ten_weeks(july, september) == date(2025, 9, 12)


def test_weeks_may_come_from_the_calendar(example_calendar: SchoolCalendar) -> None:
    """A pupil who was not on roll for a while has fewer weeks in the strip than the school had."""
    strip = weekly(*["O"] * 5, *["/"] * 7, *["O"] * 5)
    away = {
        YEAR.slot(MONDAY + timedelta(weeks=5 + week), pm=False) + n: NO_SESSION
        for week in range(7)
        for n in range(10)
    }
    strip, _ = strip.merge(away)

    assert ten_in_ten_weeks(strip) is not None
    assert ten_in_ten_weeks(strip, school_weeks=example_calendar.school_weeks()) is None


def test_marks_in_weeks_that_the_school_did_not_have() -> None:
    """A mark in a week that is no school week counts for nothing."""
    strip = weekly(*["O"] * 10)

    assert ten_in_ten_weeks(strip, school_weeks=[MONDAY]) is None
