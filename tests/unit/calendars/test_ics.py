"""Term dates out of iCalendar files as schools publish them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from mis_bridge.calendars.ics import Words, read_ics, write_ics
from mis_bridge.errors import DataError
from mis_bridge.registers.calendar import AcademicYear, Closure, SchoolCalendar, Session

STAMP = datetime(2026, 8, 1, tzinfo=UTC)


def ics(*events: str) -> bytes:
    """Write a file of events: ``title|first day|day after the last``, more lines after it."""
    blocks = []
    for event in events:
        title, begins, ends, *more = event.split("|")
        value = "" if "T" in begins else ";VALUE=DATE"
        lines = ["BEGIN:VEVENT", f"SUMMARY:{title}", f"DTSTART{value}:{begins}"]
        lines += [f"DTEND{value}:{ends}"] if ends else []
        blocks += [*lines, *more, "END:VEVENT"]
    return "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//EN", *blocks, "END:VCALENDAR", ""]
    ).encode()


YEAR = (
    "Autumn Term Starts|20260903|20260904",
    "Summer Term Ends|20270721|20270722",
)


def only(data: bytes, words: Words | None = None) -> SchoolCalendar:
    """The one calendar of a file that has no problem."""
    given = read_ics(data, words)
    assert given.problems == ()
    (calendar,) = given.calendars
    return calendar


def test_a_year_from_its_first_start_to_its_last_end() -> None:
    """What schools publish: starts, ends and half terms as events of their own."""
    calendar = only(
        ics(
            *YEAR,
            "Half Term|20261026|20261031",
            "Autumn Term Ends|20261218|20261219",
            "Spring Term Starts|20270105|20270106",
            "INSET Day|20270104|20270105",
            "Year 8 Parents Evening|20261112T170000|20261112T200000",
        )
    )

    assert (calendar.year, calendar.first_day, calendar.last_day) == (
        AcademicYear(2026),
        date(2026, 9, 3),
        date(2027, 7, 21),
    )
    assert calendar.why_closed(date(2026, 10, 30), Session.AM) == "Half Term"
    assert calendar.is_school_day(date(2026, 11, 2))
    assert calendar.why_closed(date(2026, 12, 21), Session.PM) == "between terms"
    assert calendar.is_school_day(date(2026, 12, 18))
    assert calendar.is_school_day(date(2027, 1, 5))


def test_terms_as_events_of_several_days() -> None:
    """An event is a term where it lasts; what lies between two of them is closed."""
    calendar = only(
        ics(
            "Autumn term|20260902|20261219",
            "Spring term|20270105|20270326",
            "Summer term|20270412|20270722",
        )
    )

    assert (calendar.first_day, calendar.last_day) == (date(2026, 9, 2), date(2027, 7, 21))
    assert calendar.is_school_day(date(2026, 12, 18))
    assert not calendar.is_school_day(date(2027, 4, 9))
    assert calendar.is_school_day(date(2027, 4, 12))


def test_two_school_years_of_one_file() -> None:
    """Authorities publish the years to come; each is a calendar of its own."""
    given = read_ics(ics(*YEAR, "Term starts|20270902|20270903", "Term ends|20280720|20280721"))

    assert [str(calendar.year) for calendar in given.calendars] == ["2026/27", "2027/28"]


@pytest.mark.parametrize(
    ("event", "closed"),
    [
        # A training day from nine to half past three covers the close of both registers.
        ("INSET|20261127T090000|20261127T153000", {Session.AM, Session.PM}),
        # Home at a quarter past twelve: the morning was held.
        ("School closed|20261127T121500|20261127T153000", {Session.PM}),
        # Home at two: the afternoon's register has been taken.
        ("School closed|20261127T140000|20261127T153000", set()),
        # The same instants, written in UTC (no summer time in November).
        ("School closed|20261127T121500Z|20261127T153000Z", {Session.PM}),
        ("School closed|20261127|20261128", {Session.AM, Session.PM}),
        # Without an end, or with the end on the day itself: that day.
        ("School closed|20261127|", {Session.AM, Session.PM}),
        ("School closed|20261127|20261127", {Session.AM, Session.PM}),
        ("School closed|20261127|20261128|STATUS:CANCELLED", set()),
    ],
)
def test_half_a_day_is_closed_by_the_time_of_its_register(event: str, closed: set[Session]) -> None:
    """An event with times closes the sessions whose register would close within it."""
    calendar = only(ics(*YEAR, event))
    day = date(2026, 11, 27)

    assert {one for one in Session if not calendar.has_session(day, one)} == closed


OUTLOOK = """\
BEGIN:VCALENDAR
PRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN
VERSION:2.0
METHOD:PUBLISH
X-WR-CALNAME:Term dates\\, 2026/27
BEGIN:VTIMEZONE
TZID:GMT Standard Time
BEGIN:STANDARD
DTSTART:16011028T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010325T010000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20260903
DTEND;VALUE=DATE:20260904
SUMMARY;LANGUAGE=en-gb:Autumn Term 1 Starts\\, all
  pupils
BEGIN:VALARM
TRIGGER:-PT1080M
ACTION:DISPLAY
DESCRIPTION:Reminder
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART;TZID="GMT Standard Time":20270611T121500
DTEND;TZID="GMT Standard Time":20270611T153000
SUMMARY:School closed from 12.15
END:VEVENT
BEGIN:VEVENT
UID:3
DTSTART;VALUE=DATE:20270721
DURATION:P1D
SUMMARY:Summer term ends
END:VEVENT
END:VCALENDAR
"""


@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_a_file_as_outlook_writes_it(start: str) -> None:
    """Windows' names of time zones, folded lines, escaped commas, alarms, a byte order mark."""
    calendar = only((start + OUTLOOK).encode())
    day = date(2027, 6, 11)

    assert (calendar.first_day, calendar.last_day) == (date(2026, 9, 3), date(2027, 7, 21))
    assert [calendar.has_session(day, one) for one in Session] == [True, False]


def test_times_in_summer_are_local() -> None:
    """11:15 UTC in June is a quarter past twelve on the school's clock."""
    calendar = only(ics(*YEAR, "School closed|20270611T111500Z|20270611T143000Z"))

    assert calendar.has_session(date(2027, 6, 11), Session.AM)
    assert not calendar.has_session(date(2027, 6, 11), Session.PM)


@pytest.mark.parametrize(
    "title", ["Holiday club", "Christmas fair, school hall", "Half term homework due", "Concert"]
)
def test_titles_that_mean_nothing_close_nothing(title: str) -> None:
    """A school's calendar is full of events that are no closures."""
    assert only(ics(*YEAR, f"{title}|20261127|20261128")).is_school_day(date(2026, 11, 27))


def test_other_words_can_be_set() -> None:
    """A school that says it in its own words."""
    words = Words(closed=("staff development",))
    calendar = only(
        ics(*YEAR, "Staff Development Day|20261127|20261128", "Holiday|20261126|20261127"), words
    )

    assert not calendar.is_school_day(date(2026, 11, 27))
    assert calendar.is_school_day(date(2026, 11, 26))


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ("Half term: term starts again Monday|20261026|20261031", "can mean two things"),
        ("INSET|20261026|20261027|RRULE:FREQ=WEEKLY", "repeats"),
        ("INSET|20261026|20261020", "ends before it begins"),
        ("INSET|2026|", "no day that can be read"),
    ],
)
def test_what_can_not_be_used_is_named_and_the_rest_is_used(event: str, problem: str) -> None:
    """Nothing is guessed, and one odd event does not take the calendar away."""
    given = read_ics(ics(*YEAR, event))

    assert len(given.calendars) == 1
    assert len(given.problems) == 1
    assert problem in given.problems[0]


def test_a_term_that_ends_and_never_starts_again_is_no_calendar() -> None:
    """Christmas would be school days: the year is refused, and the reason said."""
    with pytest.raises(DataError, match=r"2026/27: a term ends on 2026-12-18 and no event"):
        read_ics(ics(*YEAR, "Term ends|20261218|20261219"))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not an iCalendar file"),
        (b"<html><body>Not found</body></html>", "not an iCalendar file"),
        (ics(*YEAR)[:-30], "not an iCalendar file"),
        (b"\xff\xfe\x00", "not an iCalendar file"),
        (ics(), "no school year"),
        (ics("Half term|20261026|20261031"), "no event says when a term starts"),
        (ics("Term starts|20260903|"), "no event says when a term ends"),
        (b" " * (4 * 1024 * 1024 + 1), "larger than 4 MiB"),
    ],
)
def test_a_file_that_gives_no_year_is_refused(data: bytes, problem: str) -> None:
    """With what is wrong, in words for the person who published it."""
    with pytest.raises(DataError, match=problem):
        read_ics(data)


def test_our_own_file_says_what_it_means_whatever_the_reason_is_called() -> None:
    """The reason of a closure may hold any words."""
    fair = Closure(date(2026, 11, 27), date(2026, 11, 27), "term starts fair club", Session.PM)
    calendar = SchoolCalendar(AcademicYear(2026), date(2026, 9, 3), date(2027, 7, 21), (fair,))

    (read,) = read_ics(write_ics([calendar], name="A school", stamp=STAMP)).calendars

    assert read.has_session(date(2026, 11, 27), Session.AM)
    assert not read.has_session(date(2026, 11, 27), Session.PM)
