"""Calendars put together from the school's file, the authority's and an iCalendar copy."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from mis_bridge.calendars.bank_holidays import bank_holidays
from mis_bridge.calendars.ics import write_ics
from mis_bridge.calendars.shelf import Copy
from mis_bridge.calendars.terms import AUTHORITY, OWN, Terms, terms_of
from mis_bridge.registers.calendar import AcademicYear, Closure, SchoolCalendar, Session
from mis_bridge.settings.calendar import CalendarSettings, ClosureSettings, YearSettings

READ = datetime(2026, 8, 30, 4, 0, tzinfo=UTC)
DAYS: dict[str, Any] = {"first_day": date(2026, 9, 3), "last_day": date(2027, 7, 21)}
AUTHORITYS = {
    AcademicYear(2026): YearSettings(first_day=date(2026, 9, 1), last_day=date(2027, 7, 20)),
    AcademicYear(2027): YearSettings(
        first_day=date(2027, 9, 1),
        last_day=date(2028, 7, 20),
        closures=[ClosureSettings(first=date(2027, 10, 25), last=date(2027, 10, 29), why="half")],
    ),
}


def put_together(copy: Copy | None = None, **table: Any) -> Terms:
    """The calendars of a school whose file has this table."""
    own = CalendarSettings.model_validate(table)
    return terms_of(own, AUTHORITYS, copy, "terms.ics")


def test_a_school_with_its_own_dates_takes_the_other_years_of_the_authority() -> None:
    """An academy that begins later this year goes before the authority, and only this year."""
    terms = put_together(term_dates="authority", **DAYS)

    assert [calendar.first_day for calendar in terms.years.calendars] == [
        date(2026, 9, 3),
        date(2027, 9, 1),
    ]
    assert terms.origins == {2026: OWN, 2027: AUTHORITY}
    assert terms.problems == ()


def test_a_school_that_does_not_go_by_the_authority_has_its_own_year_alone() -> None:
    """What an authority publishes is no school's calendar until it says so."""
    assert [str(one.year) for one in put_together(**DAYS).years.calendars] == ["2026/27"]


def test_the_schools_own_closures_come_on_top() -> None:
    """Training days are the school's own, also where the terms are the authority's."""
    terms = put_together(
        term_dates="authority",
        closures=[{"first": date(2027, 11, 26), "why": "training day"}],
    )
    calendar = terms.years.of(AcademicYear(2027))

    assert calendar is not None
    assert calendar.why_closed(date(2027, 11, 26), Session.AM) == "training day"
    assert calendar.why_closed(date(2027, 10, 25), Session.AM) == "half"


def test_bank_holidays_in_term_are_closed_unless_the_school_says_no() -> None:
    """The early May bank holiday is not written in any of these files."""
    may_day = date(2027, 5, 3)

    closed = put_together(**DAYS).years.calendars[0]
    opened = put_together(bank_holidays=False, **DAYS).years.calendars[0]

    assert "bank holiday" in closed.why_closed(may_day, Session.AM)
    assert opened.is_school_day(may_day)


def test_the_eight_bank_holidays_of_england() -> None:
    """2026/27, as published on GOV.UK: Boxing Day is a Saturday, so Monday 28 December is one."""
    days = {closure.first for closure in bank_holidays(AcademicYear(2026))}

    assert days >= {
        date(2026, 8, 31),
        date(2026, 12, 25),
        date(2026, 12, 28),
        date(2027, 1, 1),
        date(2027, 3, 26),
        date(2027, 3, 29),
        date(2027, 5, 3),
        date(2027, 5, 31),
    }
    assert {day for day in days if day.weekday() < 5} == days - {date(2026, 12, 26)}


def _copy(**values: Any) -> Copy:
    calendar = SchoolCalendar(
        AcademicYear(2026),
        date(2026, 9, 2),
        date(2027, 7, 22),
        (Closure(date(2026, 10, 26), date(2026, 10, 30), "half term"),),
    )
    return Copy(write_ics([calendar], name="x", stamp=READ), READ, **values)


def test_an_icalendar_gives_the_years_that_are_not_written() -> None:
    """The file's year, with the school's own session times."""
    terms = put_together(
        _copy(), term_dates="terms.ics", am={"opens": "08:30", "closes": "08:50", "ends": "12:00"}
    )
    (calendar,) = terms.years.calendars

    assert calendar.first_day == date(2026, 9, 2)
    assert not calendar.is_school_day(date(2026, 10, 28))
    assert calendar.am.closes == 8 * 60 + 50
    assert terms.origins == {2026: "terms.ics"}


def test_the_last_good_copy_holds_and_what_is_wrong_is_said() -> None:
    """Since when the dates are what they are, and why they are not newer."""
    broken = _copy(problem="its server answered 404", failing_since=READ)

    terms = put_together(broken, term_dates="terms.ics")

    assert len(terms.years.calendars) == 1
    (problem,) = terms.problems
    assert problem == (
        "the term dates of terms.ics can not be read: its server answered 404; the dates read on "
        "30 August 2026 hold"
    )
    assert terms.failing_since == READ


@pytest.mark.parametrize(
    ("copy", "problem"),
    [
        (Copy(), "have not been read yet"),
        (Copy(problem="no connection (refused)", failing_since=READ), "no connection"),
        (Copy(b"<html>", READ), "can not be used: this is not an iCalendar file"),
    ],
)
def test_a_school_without_any_calendar_is_named(copy: Copy, problem: str) -> None:
    """There is no year, and the reason is said."""
    terms = put_together(copy, term_dates="terms.ics")

    assert terms.years.calendars == ()
    assert problem in terms.problems[0]


def test_an_authority_without_term_dates_is_named() -> None:
    """The school goes by dates that nobody has written."""
    own = CalendarSettings.model_validate({"term_dates": "authority"})

    assert "gives no term dates" in terms_of(own, {}, None, "").problems[0]
