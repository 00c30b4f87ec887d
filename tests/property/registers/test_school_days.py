"""Laws of school days: what is added can be counted, closures move, clocks do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from mis_bridge.errors import DateOutsideYear
from mis_bridge.registers.calendar import (
    AcademicYear,
    Closure,
    SchoolCalendar,
    Session,
    local_minute,
)
from mis_bridge.registers.school_years import SchoolYears

_START = 2024
_DAYS = st.dates(date(_START, 9, 1), date(_START + 2, 7, 31))


@st.composite
def closures(draw: st.DrawFn, year: AcademicYear) -> Closure:
    """A holiday, a training day or half of one, anywhere in the year."""
    first = draw(st.dates(year.first, year.last - timedelta(days=21)))
    return Closure(
        first,
        first + timedelta(days=draw(st.integers(0, 20))),
        "closed",
        draw(st.sampled_from([None, *Session])),
    )


@st.composite
def years(draw: st.DrawFn) -> SchoolYears:
    """Two academic years that follow each other, with closures of every kind."""
    made = []
    for year in (AcademicYear(_START), AcademicYear(_START + 1)):
        first = draw(st.dates(date(year.start, 8, 25), date(year.start, 9, 10)))
        last = draw(st.dates(date(year.start + 1, 7, 10), year.last))
        made.append(
            SchoolCalendar(year, first, last, tuple(draw(st.lists(closures(year), max_size=8))))
        )
    return SchoolYears(tuple(made))


@given(years())
def test_the_school_days_are_the_days_with_a_session(known: SchoolYears) -> None:
    """Listed are the days from the first to the last of term that have a session, in order."""
    for calendar in known.calendars:
        length = (calendar.last_day - calendar.first_day).days + 1
        days = [calendar.first_day + timedelta(days=number) for number in range(length)]

        assert calendar.school_days() == [day for day in days if calendar.is_school_day(day)]


@given(years(), _DAYS, st.integers(1, 220))
def test_adding_school_days_and_counting_them_gives_as_many(
    known: SchoolYears, day: date, count: int
) -> None:
    """After n school days n school days have gone by, the last of them a school day."""
    try:
        due = known.add_school_days(day, count)
    except DateOutsideYear:
        assert known.school_days_between(day, date(_START + 2, 7, 31)) < count
        return

    assert known.school_days_between(day, due) == count
    calendar = known.of(AcademicYear.of(due))
    assert calendar is not None
    assert calendar.is_school_day(due)
    assert known.add_school_days(due + timedelta(days=1), -1) == due


@given(years(), _DAYS, st.integers(0, 60))
def test_the_deadline_is_the_end_of_the_day_that_is_counted(
    known: SchoolYears, day: date, count: int
) -> None:
    """By the wall clock: the night in which the clocks change moves no deadline."""
    due, minute = local_minute(known.deadline(day, count))
    assume(due <= date(_START + 2, 7, 31))
    calendar = known.of(AcademicYear.of(due))

    assert calendar is not None
    assert due == known.add_school_days(day, count)
    held = [session for session in Session if calendar.has_session(due, session)]
    assert minute == calendar.times(held[-1] if held else Session.PM).ends


@given(years(), _DAYS, st.integers(1, 30), st.data())
def test_a_closure_moves_a_deadline_by_the_days_it_takes(
    known: SchoolYears, day: date, count: int, data: st.DataObject
) -> None:
    """A snow day between now and the deadline makes it one school day later, any other none."""
    try:
        due, after = known.add_school_days(day, count), known.add_school_days(day, count + 1)
    except DateOutsideYear:
        assume(False)
    snow = data.draw(st.dates(day - timedelta(days=5), after))
    year = AcademicYear.of(snow)
    calendar = known.of(year)
    assume(calendar is not None)
    assert calendar is not None
    shut = replace(calendar, closures=(*calendar.closures, Closure(snow, snow, "snow")))
    moved = SchoolYears(tuple(shut if one.year == year else one for one in known.calendars))

    expected = after if calendar.is_school_day(snow) and day < snow <= due else due
    assert moved.add_school_days(day, count) == expected


@given(years(), _DAYS, st.integers(0, 40))
def test_without_next_years_calendar_a_deadline_is_never_late(
    known: SchoolYears, day: date, count: int
) -> None:
    """What is not known may only make a person act sooner (no school opens in August here)."""
    later = known.calendars[1]
    assume(later.first_day >= date(_START + 1, 9, 1))

    assert SchoolYears(known.calendars[:1]).deadline(day, count).date() <= (
        known.deadline(day, count).date()
    )
