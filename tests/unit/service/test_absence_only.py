"""Where absences alone are sent, a session without a mark has a missing one."""

from __future__ import annotations

from datetime import date

import pytest

from mis_bridge.registers.calendar import AcademicYear, Closure, SchoolCalendar, Session
from mis_bridge.registers.strip import Strip
from mis_bridge.service.absence_only import silence, with_silence

YEAR = AcademicYear(2026)
CALENDAR = SchoolCalendar(
    YEAR,
    date(2026, 9, 3),
    date(2027, 7, 20),
    (
        Closure(date(2026, 10, 26), date(2026, 10, 30), "autumn half term"),
        Closure(date(2026, 9, 4), date(2026, 9, 4), "training", Session.PM),
    ),
)


def marks(strip: Strip, day: date) -> str:
    """Both sessions of a day."""
    return strip.mark(day, pm=False) + strip.mark(day, pm=True)


@pytest.mark.parametrize(
    ("day", "both"),
    [
        (date(2026, 9, 2), ".."),  # before term
        (date(2026, 9, 3), "--"),
        (date(2026, 9, 4), "-."),  # no school in the afternoon
        (date(2026, 9, 5), ".."),  # Saturday
        (date(2026, 10, 27), ".."),  # half term
        (date(2027, 7, 20), "--"),
        (date(2027, 7, 21), ".."),
    ],
)
def test_a_register_that_was_due_has_a_missing_mark(day: date, both: str) -> None:
    """And only that: a closed school is no gap in a run of absences."""
    assert marks(with_silence(Strip.empty(YEAR), silence(YEAR, CALENDAR)), day) == both


def test_marks_that_were_sent_stay() -> None:
    """Also in a session that the calendar does not have."""
    day = date(2026, 9, 4)
    strip = Strip.from_days(YEAR, [(day, "O", "I")])

    assert marks(with_silence(strip, silence(YEAR, CALENDAR)), day) == "OI"


def test_of_a_year_without_a_calendar_every_weekday_may_have_been_a_school_day() -> None:
    """Fewer runs of absence are claimed then, never more."""
    last = AcademicYear(2025)
    strip = with_silence(Strip.empty(last), silence(last, CALENDAR))

    assert marks(strip, date(2026, 7, 22)) == "--"
    assert marks(strip, date(2026, 7, 25)) == ".."
