from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from mis_bridge.errors import DateOutsideYear
from mis_bridge.registers.calendar import (
    LONDON,
    AcademicYear,
    Closure,
    SchoolCalendar,
    Session,
    SessionTimes,
    local_datetime,
    local_minute,
    minutes_after_midnight,
    monday_of,
)

YEAR = AcademicYear(2025)


@pytest.mark.parametrize(
    ("day", "start"),
    [
        (date(2025, 8, 1), 2025),
        (date(2025, 7, 31), 2024),
        (date(2026, 1, 1), 2025),
        (date(2025, 12, 31), 2025),
    ],
)
def test_an_academic_year_begins_on_1_august(day: date, start: int) -> None:
    """A day belongs to the year whose 1 August is the last one before it."""
    assert AcademicYear(start) == AcademicYear.of(day)
    assert day in AcademicYear(start)


def test_a_year_is_written_as_schools_write_it() -> None:
    """Years are written 2025/26, also at the turn of a century."""
    assert str(YEAR) == "2025/26"
    assert str(AcademicYear(1999)) == "1999/00"


@pytest.mark.parametrize(("start", "slots"), [(2025, 730), (2023, 732), (2027, 732)])
def test_slots_of_a_year(start: int, slots: int) -> None:
    """A year has two slots a day, and two more where it has a 29 February."""
    assert AcademicYear(start).slots == slots


def test_first_and_last_slot() -> None:
    """Slot 0 is the morning of 1 August, the last one the afternoon of 31 July."""
    assert YEAR.slot(date(2025, 8, 1), pm=False) == 0
    assert YEAR.slot(date(2025, 8, 2), pm=True) == 3
    assert YEAR.slot(date(2026, 7, 31), pm=True) == 729
    assert YEAR.day_of(729) == (date(2026, 7, 31), True)


@pytest.mark.parametrize("day", [date(2025, 7, 31), date(2026, 8, 1)])
def test_days_of_other_years_have_no_slot(day: date) -> None:
    """A day outside the year is refused with the day and the year's ends."""
    assert day not in YEAR
    with pytest.raises(DateOutsideYear, match=f"{day.isoformat()}.*2025-08-01 to 2026-07-31"):
        YEAR.slot(day, pm=False)


@pytest.mark.parametrize("slot", [-1, 730])
def test_slots_outside_the_year_have_no_day(slot: int) -> None:
    """A slot outside the year is refused by its number."""
    with pytest.raises(DateOutsideYear, match=f"slot {slot} "):
        YEAR.day_of(slot)


def test_a_whole_school_year(example_calendar: SchoolCalendar) -> None:
    """The invented school has the usual 190 school days: 380 sessions."""
    assert len(example_calendar.school_days()) == 190


def test_weekends_never_have_sessions(example_calendar: SchoolCalendar) -> None:
    """A Saturday in term is no school day, and the reason is said."""
    saturday = date(2025, 9, 6)

    assert not example_calendar.is_school_day(saturday)
    assert example_calendar.why_closed(saturday, Session.AM) == "weekend"


def test_closures_say_why(example_calendar: SchoolCalendar) -> None:
    """A closed day knows its closure, a day out of term says so, an open day says nothing."""
    half_term, summer = date(2025, 10, 28), date(2026, 7, 21)

    assert example_calendar.why_closed(half_term, Session.PM) == "autumn half term"
    assert example_calendar.why_closed(summer, Session.AM) == "outside term"
    assert example_calendar.why_closed(date(2025, 9, 8), Session.AM) == ""


def test_a_half_day_closure_leaves_a_school_day() -> None:
    """A school that closes for one afternoon has the morning, and the day counts."""
    friday = date(2025, 12, 19)
    calendar = SchoolCalendar(
        YEAR,
        date(2025, 9, 1),
        friday,
        (Closure(friday, friday, "end of term", Session.PM),),
    )

    assert calendar.has_session(friday, Session.AM)
    assert not calendar.has_session(friday, Session.PM)
    assert calendar.is_school_day(friday)
    assert calendar.why_closed(friday, Session.PM) == "end of term"


def test_two_half_closures_close_the_day() -> None:
    """A morning closure and an afternoon closure of one day together leave no school day."""
    day = date(2025, 11, 11)
    calendar = SchoolCalendar(
        YEAR,
        date(2025, 9, 1),
        date(2026, 7, 17),
        (Closure(day, day, "heating", Session.AM), Closure(day, day, "heating", Session.PM)),
    )

    assert not calendar.is_school_day(day)


def test_spans_of_school_days(example_calendar: SchoolCalendar) -> None:
    """School days of a span include both ends and leave out what is closed."""
    days = example_calendar.school_days(date(2025, 10, 24), date(2025, 11, 4))

    assert days == [date(2025, 10, 24), date(2025, 11, 4)]


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (date(2025, 10, 6), 5, date(2025, 10, 13)),  # over a weekend
        (date(2025, 10, 24), 1, date(2025, 11, 4)),  # over half term and a training day
        (date(2025, 9, 6), 1, date(2025, 9, 8)),  # from a Saturday
        (date(2025, 9, 6), 0, date(2025, 9, 6)),
        (date(2025, 11, 4), -1, date(2025, 10, 24)),
        (date(2025, 9, 10), -3, date(2025, 9, 5)),
    ],
)
def test_adding_school_days(
    example_calendar: SchoolCalendar, day: date, count: int, expected: date
) -> None:
    """Deadlines count school days, day 1 being the next one; holidays do not count."""
    assert expected == example_calendar.add_school_days(day, count)


@pytest.mark.parametrize(("count", "word"), [(1, "after"), (-190, "before")])
def test_deadlines_beyond_the_calendar(
    example_calendar: SchoolCalendar, count: int, word: str
) -> None:
    """A deadline that next year's calendar would decide is refused, not guessed."""
    with pytest.raises(DateOutsideYear, match=f"{word} 2026-07-20 .*2025/26"):
        example_calendar.add_school_days(date(2026, 7, 20), count)


def test_school_days_between(example_calendar: SchoolCalendar) -> None:
    """The first day does not count, the last does."""
    monday, friday = date(2025, 9, 8), date(2025, 9, 12)

    assert example_calendar.school_days_between(monday, friday) == 4
    assert example_calendar.school_days_between(friday, friday + timedelta(days=2)) == 0


def test_school_weeks(example_calendar: SchoolCalendar) -> None:
    """A school week has at least one session: half term has none, a four-day week is one."""
    weeks = example_calendar.school_weeks()

    assert date(2025, 9, 1) in weeks  # begins on Wednesday 3 September
    assert date(2025, 10, 27) not in weeks
    assert date(2025, 11, 3) in weeks  # the Monday is a training day
    assert all(week.weekday() == 0 for week in weeks)


def test_six_half_terms(example_calendar: SchoolCalendar) -> None:
    """A bank holiday does not cut a half term, a week without school does."""
    spans = example_calendar.half_terms()

    assert spans == [
        (date(2025, 9, 3), date(2025, 10, 24)),
        (date(2025, 11, 4), date(2025, 12, 19)),
        (date(2026, 1, 6), date(2026, 2, 13)),
        (date(2026, 2, 23), date(2026, 3, 27)),
        (date(2026, 4, 13), date(2026, 5, 22)),
        (date(2026, 6, 1), date(2026, 7, 20)),
    ]


def test_a_usual_school_day_by_default(example_calendar: SchoolCalendar) -> None:
    """Unless told otherwise, registers open at 08:45 and 13:00 and close half an hour later."""
    morning = example_calendar.times(Session.AM)
    afternoon = example_calendar.times(Session.PM)

    assert (morning.opens, morning.closes) == (525, 555)
    assert (afternoon.opens, afternoon.closes) == (780, 810)


@pytest.mark.parametrize("minutes", [(540, 540, 700), (540, 530, 700), (540, 560, 550), (-1, 1, 2)])
def test_session_times_have_an_order(minutes: tuple[int, int, int]) -> None:
    """A register that closes before it opens, or after its session, is refused."""
    with pytest.raises(ValueError, match="in this order"):
        SessionTimes(*minutes)


def test_spans_have_an_order() -> None:
    """A closure or a year that ends before it begins is refused."""
    with pytest.raises(ValueError, match="half term"):
        Closure(date(2025, 10, 31), date(2025, 10, 27), "half term")
    with pytest.raises(ValueError, match="before the first day"):
        SchoolCalendar(YEAR, date(2026, 7, 1), date(2025, 9, 1))


def test_terms_lie_in_their_year() -> None:
    """A calendar whose last day is in another academic year is refused."""
    with pytest.raises(DateOutsideYear):
        SchoolCalendar(YEAR, date(2025, 9, 1), date(2026, 8, 1))


def test_calendars_compare_by_what_they_say() -> None:
    """Two calendars with the same days are equal and can be kept in a set."""
    one = SchoolCalendar(YEAR, date(2025, 9, 1), date(2026, 7, 17))
    other = SchoolCalendar(YEAR, date(2025, 9, 1), date(2026, 7, 17))

    assert one == other
    assert len({one, other}) == 1


def test_weeks_begin_on_monday() -> None:
    """The Monday of a Sunday is six days before."""
    assert monday_of(date(2025, 9, 14)) == date(2025, 9, 8)
    assert monday_of(date(2025, 9, 8)) == date(2025, 9, 8)


@pytest.mark.parametrize(
    ("day", "utc_hour"), [(date(2026, 6, 1), 8), (date(2026, 1, 12), 9), (date(2026, 3, 30), 8)]
)
def test_school_times_are_local(day: date, utc_hour: int) -> None:
    """09:35 on the school's clock is 08:35 UTC in June and 09:35 UTC in January."""
    at = local_datetime(day, 9 * 60 + 35)

    assert at == datetime(day.year, day.month, day.day, utc_hour, 35, tzinfo=UTC)
    assert local_minute(at.astimezone(UTC)) == (day, 9 * 60 + 35)


def test_the_hour_that_is_skipped() -> None:
    """01:30 does not exist on the last Sunday of March: it means 02:30."""
    at = local_datetime(date(2026, 3, 29), 90)

    assert at == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert local_minute(at) == (date(2026, 3, 29), 150)


def test_the_hour_that_is_repeated() -> None:
    """01:30 comes twice on the last Sunday of October: it means the first, both read 01:30."""
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    assert local_datetime(date(2026, 10, 25), 90).astimezone(UTC) == first
    assert local_minute(first) == local_minute(second) == (date(2026, 10, 25), 90)


def test_minutes_of_later_days() -> None:
    """A mark saved on the next day has a minute of 1440 and more, also over a clock change."""
    saturday = date(2026, 10, 24)
    sunday_morning = datetime(2026, 10, 25, 9, 0, tzinfo=LONDON)

    assert minutes_after_midnight(sunday_morning, saturday) == 1440 + 540
    assert local_datetime(saturday, 1440 + 540) == sunday_morning
    assert minutes_after_midnight(sunday_morning, date(2026, 10, 26)) == 540 - 1440


def test_a_time_without_an_offset_is_refused() -> None:
    """A naive time could be anywhere: it is refused."""
    with pytest.raises(ValueError, match="offset"):
        local_minute(datetime(2026, 6, 1, 9, 35))  # noqa: DTZ001 - that is the case
