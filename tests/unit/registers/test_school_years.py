"""Deadlines in school days, over the summer and without a calendar."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from mis_bridge.errors import DateOutsideYear
from mis_bridge.registers.calendar import (
    LONDON,
    AcademicYear,
    Closure,
    SchoolCalendar,
    Session,
)
from mis_bridge.registers.school_years import SchoolYears

THIS = SchoolCalendar(AcademicYear(2025), date(2025, 9, 3), date(2026, 7, 21))
NEXT = SchoolCalendar(
    AcademicYear(2026),
    date(2026, 9, 2),
    date(2027, 7, 21),
    (Closure(date(2026, 9, 2), date(2026, 9, 2), "training day"),),
)
YEARS = SchoolYears((THIS, NEXT))


def test_a_deadline_runs_on_after_the_summer() -> None:
    """Five school days after Friday 17 July: two of July, then Thursday 3 September is the third.

    The training day on which the new year begins is no school day.
    """
    assert YEARS.add_school_days(date(2026, 7, 17), 5) == date(2026, 9, 7)
    assert YEARS.add_school_days(date(2026, 9, 7), -5) == date(2026, 7, 17)
    assert YEARS.school_days_between(date(2026, 7, 17), date(2026, 9, 7)) == 5


def test_without_next_years_calendar_no_date_is_guessed() -> None:
    """What depends on a calendar that nobody has given is refused, with the year."""
    known = SchoolYears((THIS,))

    assert known.add_school_days(date(2026, 7, 17), 2) == date(2026, 7, 21)
    with pytest.raises(DateOutsideYear, match="2026/27"):
        known.add_school_days(date(2026, 7, 17), 3)
    with pytest.raises(DateOutsideYear, match="2026/27"):
        known.school_days_between(date(2026, 7, 17), date(2026, 9, 7))


def test_a_persons_deadline_may_come_early_and_never_late() -> None:
    """Without next year's calendar every weekday from September on is counted."""
    told = SchoolYears((THIS,)).deadline(date(2026, 7, 17), 5)

    assert told == datetime(2026, 9, 3, 15, 10, tzinfo=LONDON)
    assert told < YEARS.deadline(date(2026, 7, 17), 5)
    assert SchoolYears().deadline(date(2026, 10, 2), 1).date() == date(2026, 10, 5)


def test_a_deadline_ends_with_the_last_session_of_its_day() -> None:
    """On a day that closes at noon the office has until the morning ends."""
    friday = date(2025, 12, 19)
    half = SchoolCalendar(
        THIS.year, THIS.first_day, THIS.last_day, (Closure(friday, friday, "", Session.PM),)
    )

    due = SchoolYears((half,)).deadline(date(2025, 12, 17), 2)

    assert due == datetime(2025, 12, 19, 12, 15, tzinfo=LONDON)


@pytest.mark.parametrize(
    ("after", "opens"),
    [
        (datetime(2025, 10, 6, 8, 44, tzinfo=LONDON), datetime(2025, 10, 6, 8, 45, tzinfo=LONDON)),
        (datetime(2025, 10, 6, 8, 45, tzinfo=LONDON), datetime(2025, 10, 7, 8, 45, tzinfo=LONDON)),
        # Friday evening; the clocks go back in this weekend.
        (
            datetime(2025, 10, 24, 18, 0, tzinfo=LONDON),
            datetime(2025, 10, 27, 8, 45, tzinfo=LONDON),
        ),
        # The last day of the year; the first of the next is a training day.
        (datetime(2026, 7, 21, 9, 0, tzinfo=LONDON), datetime(2026, 9, 3, 8, 45, tzinfo=LONDON)),
        # Beyond the last calendar that is known: any weekday, but none of August.
        (datetime(2027, 7, 30, 9, 0, tzinfo=LONDON), datetime(2027, 9, 1, 8, 45, tzinfo=LONDON)),
    ],
)
def test_a_school_opens_next_on_its_next_school_day(after: datetime, opens: datetime) -> None:
    """Weekends, holidays and training days are passed over, whatever the clocks do."""
    assert YEARS.next_opening(after) == opens


def test_a_day_without_a_morning_opens_at_noon() -> None:
    """It is the first register of the day that opens."""
    monday = date(2025, 10, 6)
    half = SchoolCalendar(
        THIS.year, THIS.first_day, THIS.last_day, (Closure(monday, monday, "", Session.AM),)
    )

    opens = SchoolYears((half,)).next_opening(datetime(2025, 10, 6, 7, 0, tzinfo=LONDON))

    assert opens == datetime(2025, 10, 6, 13, 0, tzinfo=LONDON)


def test_no_days_is_the_end_of_the_day_itself() -> None:
    """Something that is due today is due when the school day ends."""
    assert YEARS.deadline(date(2025, 10, 6), 0) == datetime(2025, 10, 6, 15, 10, tzinfo=LONDON)


@pytest.mark.parametrize(
    ("day", "year"),
    [
        (date(2025, 7, 31), 2025),  # before the first one known
        (date(2026, 7, 31), 2025),
        (date(2026, 8, 1), 2026),
        (date(2028, 2, 1), 2026),  # nothing newer is known
    ],
)
def test_a_day_goes_by_the_calendar_of_its_year_or_the_last_one_known(day: date, year: int) -> None:
    """That a calendar is over can only be said of one that is there."""
    found = YEARS.in_force(day)

    assert found is not None
    assert found.year == AcademicYear(year)
    assert SchoolYears().in_force(day) is None


def test_each_year_once_and_in_order() -> None:
    """Two calendars of one year would be two answers to one question."""
    for wrong in ((THIS, THIS), (NEXT, THIS)):
        with pytest.raises(ValueError, match="each academic year once"):
            SchoolYears(wrong)
