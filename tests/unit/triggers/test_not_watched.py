"""A school that nobody watches although everything runs is said out loud."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.calendar import LONDON, AcademicYear, SchoolCalendar
from mis_bridge.triggers.catalogue import assess_watch

CALENDAR = SchoolCalendar(AcademicYear(2025), date(2025, 9, 3), date(2026, 7, 21))


def at(day: date, time: str = "09:00") -> datetime:
    """A local time."""
    return datetime.combine(day, datetime.strptime(time, "%H:%M").time(), LONDON)  # noqa: DTZ007


@pytest.mark.parametrize(
    ("day", "told"),
    [
        (date(2026, 5, 12), False),  # a day of term
        (date(2026, 5, 26), False),  # a holiday inside the calendar is the calendar's own affair
        (date(2026, 7, 21), False),  # the last day
        (date(2026, 7, 22), False),  # the summer
        (date(2026, 8, 31), False),
        (date(2026, 9, 1), True),  # a new year, and last year's calendar
        (date(2026, 9, 5), False),  # a Saturday
        (date(2026, 11, 3), True),
        (date(2025, 9, 1), False),  # about to begin
        (date(2025, 9, 2), False),
        (date(2025, 6, 17), True),  # next year's calendar was put in too early
    ],
)
def test_a_calendar_that_does_not_reach_today_is_told(day: date, *, told: bool) -> None:
    """On a weekday from September to June; the summer and a year about to begin are no mistake."""
    findings = assess_watch(CALENDAR, None, at(day), {}).findings

    assert bool(findings) == told


def test_a_year_that_begins_late_is_told_from_the_tenth_of_september() -> None:
    """Schools begin in the first days of September: a calendar from the 28th is a slip."""
    late = SchoolCalendar(AcademicYear(2026), date(2026, 9, 28), date(2027, 7, 21))

    assert not assess_watch(late, None, at(date(2026, 9, 9)), {}).findings
    (finding,) = assess_watch(late, None, at(date(2026, 9, 10)), {}).findings
    assert "28 September 2026" in finding.sentence


def test_a_fault_is_told_after_three_minutes() -> None:
    """One failed decision is tried again; what fails for three minutes is told, with since when."""
    day = date(2026, 5, 12)
    since = at(day, "10:00")

    before = assess_watch(CALENDAR, since, since + timedelta(minutes=2), {})
    after = assess_watch(CALENDAR, since, since + timedelta(minutes=3), {})

    assert before.findings == ()
    assert before.look_again == since + timedelta(minutes=3)
    (finding,) = after.findings
    assert "since 10:00" in finding.sentence
    assert finding.pupil == ""


def test_what_is_switched_off_is_held_back_and_not_forgotten() -> None:
    """The finding stays true; nobody is told, and that has a reason."""
    day = date(2026, 11, 3)

    assessment = assess_watch(CALENDAR, None, at(day), {"not_watched": {"enabled": False}})

    assert assessment.findings == ()
    ((_, reason),) = assessment.held
    assert Reason(reason) is Reason.TRIGGER_OFF
