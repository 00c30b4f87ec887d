"""A school that nobody watches although everything runs is said out loud."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.calendar import (
    LONDON,
    AcademicYear,
    Closure,
    SchoolCalendar,
    Session,
)
from mis_bridge.registers.school_years import SchoolYears
from mis_bridge.triggers.catalogue import assess_watch
from mis_bridge.triggers.not_watched import calendar_over

if TYPE_CHECKING:
    from mis_bridge.triggers.model import Assessment

CALENDAR = SchoolCalendar(AcademicYear(2025), date(2025, 9, 3), date(2026, 7, 21))


def watch(
    calendar: SchoolCalendar,
    since: datetime | None,
    now: datetime,
    settings: dict[str, Any],
    *,
    marked: frozenset[Session] = frozenset(Session),
    read: datetime | None = None,
) -> Assessment:
    """Ask at a moment; read at that moment and marked in both sessions where nothing is said."""
    return assess_watch(calendar, since, now, settings, marked=marked, last_good_read=read or now)


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
    findings = watch(CALENDAR, None, at(day), {}).findings

    assert bool(findings) == told


def test_a_year_that_begins_late_is_told_from_the_tenth_of_september() -> None:
    """Schools begin in the first days of September: a calendar from the 28th is a slip."""
    late = SchoolCalendar(AcademicYear(2026), date(2026, 9, 28), date(2027, 7, 21))

    assert not watch(late, None, at(date(2026, 9, 9)), {}).findings
    (finding,) = watch(late, None, at(date(2026, 9, 10)), {}).findings
    assert "28 September 2026" in finding.sentence


def test_a_year_without_a_calendar_is_named() -> None:
    """Last year's calendar is the last one known: the year that is missing is said."""
    (finding,) = watch(CALENDAR, None, at(date(2026, 11, 3)), {}).findings

    assert "ended on 21 July 2026" in finding.sentence
    assert "2026/27" in finding.sentence


@pytest.mark.parametrize(
    ("day", "told"),
    [(date(2026, 11, 3), True), (date(2026, 11, 7), False), (date(2026, 8, 4), False)],
)
def test_a_school_without_any_calendar_is_told_on_weekdays(day: date, *, told: bool) -> None:
    """Nobody has given a single year: there is none to say the end of."""
    year = AcademicYear.of(day)
    none = SchoolCalendar(year, year.first, year.first, (Closure(year.first, year.first, "none"),))

    found = calendar_over(none, day, SchoolYears())

    assert (found is not None) == told
    assert found is None or "There is no calendar of this school" in found.sentence


def test_a_fault_is_told_after_three_minutes() -> None:
    """One failed decision is tried again; what fails for three minutes is told, with since when."""
    day = date(2026, 5, 12)
    since = at(day, "10:00")

    before = watch(CALENDAR, since, since + timedelta(minutes=2), {})
    after = watch(CALENDAR, since, since + timedelta(minutes=3), {})

    assert before.findings == ()
    assert before.look_again == since + timedelta(minutes=3)
    (finding,) = after.findings
    assert "since 10:00" in finding.sentence
    assert finding.pupil == ""


def test_what_is_switched_off_is_held_back_and_not_forgotten() -> None:
    """The finding stays true; nobody is told, and that has a reason."""
    day = date(2026, 11, 3)

    assessment = watch(CALENDAR, None, at(day), {"not_watched": {"enabled": False}})

    assert assessment.findings == ()
    ((_, reason),) = assessment.held
    assert Reason(reason) is Reason.TRIGGER_OFF


TUESDAY = date(2026, 5, 12)
NOBODY: frozenset[Session] = frozenset()


def test_a_school_without_one_mark_is_told_once_an_hour_after_its_register_closed() -> None:
    """A feed that answers and shows nothing looks like a quiet morning, and is told as it is."""
    before = watch(CALENDAR, None, at(TUESDAY, "10:14"), {}, marked=NOBODY)
    (finding,) = watch(CALENDAR, None, at(TUESDAY, "10:15"), {}, marked=NOBODY).findings
    (later,) = watch(CALENDAR, None, at(TUESDAY, "15:00"), {}, marked=NOBODY).findings

    assert before.findings == ()
    assert before.look_again == at(TUESDAY, "10:15")
    assert finding.slot == "AM"
    assert finding.fired_at == at(TUESDAY, "10:15")
    assert later.identity == finding.identity


def test_what_has_not_been_read_since_is_not_known_to_be_empty() -> None:
    """A blind feed has a finding of its own; a reading in time is waited for, minute by minute."""
    now = at(TUESDAY, "10:30")

    blind = watch(CALENDAR, None, now, {}, marked=NOBODY, read=at(TUESDAY, "10:14"))

    assert blind.findings == ()
    assert blind.look_again == at(TUESDAY, "10:31")


def test_an_afternoon_without_marks_is_told_too() -> None:
    """The morning was marked, and then nothing came any more."""
    morning = frozenset({Session.AM})

    assert not watch(CALENDAR, None, at(TUESDAY, "14:29"), {}, marked=morning).findings
    (finding,) = watch(CALENDAR, None, at(TUESDAY, "14:30"), {}, marked=morning).findings
    assert finding.slot == "PM"


def test_no_marks_are_missed_where_the_school_is_closed() -> None:
    """Neither in a holiday nor in the half of a day on which the school is closed."""
    half = SchoolCalendar(
        CALENDAR.year,
        CALENDAR.first_day,
        CALENDAR.last_day,
        (Closure(TUESDAY, TUESDAY, "closes at noon", Session.PM),),
    )
    closed = at(date(2026, 5, 16), "15:00")

    assert not watch(CALENDAR, None, closed, {}, marked=NOBODY).findings
    morning = frozenset({Session.AM})
    assert not watch(half, None, at(TUESDAY, "15:00"), {}, marked=morning).findings
    assert watch(half, None, at(TUESDAY, "15:00"), {}, marked=NOBODY).findings
