"""A calendar that is written as an iCalendar file and read back has the same school days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.calendars.ics import read_ics, write_ics
from mis_bridge.errors import DataError
from mis_bridge.registers.calendar import (
    AcademicYear,
    Closure,
    SchoolCalendar,
    Session,
    SessionTimes,
)

STAMP = datetime(2026, 8, 1, tzinfo=UTC)
AM = SessionTimes(510, 540, 720)
PM = SessionTimes(765, 790, 915)


@st.composite
def calendars(draw: st.DrawFn, start: int) -> SchoolCalendar:
    """A school year with closures of every length and half of the day, and any reason."""
    year = AcademicYear(start)
    first = draw(st.dates(date(start, 8, 20), date(start, 9, 10)))
    last = draw(st.dates(date(start + 1, 7, 1), date(start + 1, 7, 31)))
    closures = draw(
        st.lists(
            st.builds(
                lambda day, days, why, session: Closure(
                    day, day + timedelta(days=days), why, session
                ),
                st.dates(year.first, date(start + 1, 7, 1)),
                st.integers(0, 20),
                st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=60),
                st.sampled_from([None, *Session]),
            ),
            max_size=8,
        )
    )
    return SchoolCalendar(year, first, last, tuple(closures), AM, PM)


@given(
    st.integers(2020, 2035).flatmap(lambda start: st.tuples(calendars(start), calendars(start + 1)))
)
def test_written_and_read_back_a_calendar_has_the_same_sessions(
    written: tuple[SchoolCalendar, SchoolCalendar],
) -> None:
    """Every session of every day of both years, over both changes of the clocks."""
    read = read_ics(write_ics(written, name="A school", stamp=STAMP), am=AM, pm=PM)

    assert read.problems == ()
    for before, after in zip(written, read.calendars, strict=True):
        days = [
            before.year.first + timedelta(days=number)
            for number in range((before.year.last - before.year.first).days + 1)
        ]
        assert [before.has_session(day, one) for day in days for one in Session] == [
            after.has_session(day, one) for day in days for one in Session
        ]


@given(st.binary(max_size=400), st.integers(0, 4000))
def test_no_file_whatever_breaks_the_reader(noise: bytes, cut: int) -> None:
    """A file that is cut anywhere or holds anything is read or refused with our own error."""
    calendar = SchoolCalendar(AcademicYear(2026), date(2026, 9, 3), date(2027, 7, 21))
    good = write_ics([calendar], name="A school", stamp=STAMP)
    for data in (noise, good[: cut % len(good)] + noise, good.replace(b"2026", noise[:8])):
        try:
            read_ics(data)
        except DataError:
            continue
