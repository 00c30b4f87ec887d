"""A school's calendars, one academic year after the other, and deadlines in school days.

Source: "Working together to improve school attendance" and SI 2024/208 count school days, not
working days: holidays, training days and closures move a deadline, a weekend or a change of the
clocks does not shorten it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import DateOutsideYear
from mis_bridge.registers.calendar import (
    AFTERNOON,
    MORNING,
    AcademicYear,
    Session,
    local_datetime,
    local_minute,
)

if TYPE_CHECKING:
    from datetime import date, datetime

    from mis_bridge.registers.calendar import SchoolCalendar

__all__ = ["SchoolYears"]

_DAY: Final = timedelta(days=1)
_AUGUST: Final = 8
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class SchoolYears:
    """All calendars that are known of one school.

    Args:
        calendars: one an academic year, in order; years may be missing.

    Raises:
        ValueError: two calendars of one year, or not in order.
    """

    calendars: tuple[SchoolCalendar, ...] = ()

    def __post_init__(self) -> None:
        starts = [calendar.year.start for calendar in self.calendars]
        if starts != sorted(set(starts)):
            raise ValueError(f"write each academic year once and in order, got {starts}")

    def of(self, year: AcademicYear) -> SchoolCalendar | None:
        """Give the calendar of an academic year, None where nobody has given one."""
        return next((one for one in self.calendars if one.year == year), None)

    def in_force(self, day: date) -> SchoolCalendar | None:
        """Give the calendar that a day goes by; None where there is none at all.

        That of its academic year; without one the last before it, whose end is then told, else
        the first after it.
        """
        year = AcademicYear.of(day)
        past = [one for one in self.calendars if one.year <= year]
        return past[-1] if past else next(iter(self.calendars), None)

    def add_school_days(self, day: date, count: int) -> date:
        """Give the school day that many school days after the day (before it, if negative).

        As ``SchoolCalendar.add_school_days``, over the summer into the next year's calendar.

        Raises:
            DateOutsideYear: it depends on a year of which there is no calendar.
        """
        if count == 0:
            return day
        step = 1 if count > 0 else -1
        year, left = AcademicYear.of(day), abs(count)
        while (calendar := self.of(year)) is not None:
            days = (
                calendar.school_days(day + _DAY)
                if step > 0
                else calendar.school_days(None, day - _DAY)[::-1]
            )
            if len(days) >= left:
                return days[left - 1]
            left -= len(days)
            year = AcademicYear(year.start + step)
        raise DateOutsideYear(
            f"{abs(count)} school days {'after' if count > 0 else 'before'} {day.isoformat()} "
            f"depend on the calendar of {year}, which is not known: give it in [calendar]"
        )

    def school_days(self, first: date, last: date) -> list[date]:
        """List the school days of a span, both ends included, as far as calendars are known."""
        return [day for one in self.calendars for day in one.school_days(first, last)]

    def school_days_between(self, first: date, last: date) -> int:
        """Count the school days after ``first`` up to and including ``last``.

        Raises:
            DateOutsideYear: there is no calendar of one of the years between them.
        """
        years = range(AcademicYear.of(first).start, AcademicYear.of(last).start + 1)
        found = 0
        for year in map(AcademicYear, years):
            calendar = self.of(year)
            if calendar is None:
                raise DateOutsideYear(f"there is no calendar of {year}: give it in [calendar]")
            found += calendar.school_days_between(first, last)
        return found

    def deadline(self, day: date, school_days: int) -> datetime:
        """Give the end of the last session of the n-th school day after a day, aware.

        Day 1 is the next school day; with 0 the deadline is the end of the day itself. Where no
        calendar is known every weekday from September to July counts as a school day: the deadline
        may then come early, and never late.

        Args:
            day: local date of what the deadline counts from.
            school_days: how many, 0 or more.
        """
        due = day
        left = school_days
        while left > 0:
            due += _DAY
            left -= self._may_be_school_day(due)
        return local_datetime(due, self._ends(due))

    def next_opening(self, after: datetime) -> datetime:
        """Give when the first register of a school day opens next, aware.

        Where no calendar is known every weekday from September to July counts as a school day.

        Args:
            after: aware; an opening at this moment itself has passed.
        """
        day, _ = local_minute(after)
        while True:
            if self._may_be_school_day(day):
                opening = local_datetime(day, self._opens(day))
                if opening > after:
                    return opening
            day += _DAY

    def _may_be_school_day(self, day: date) -> bool:
        calendar = self.of(AcademicYear.of(day))
        if calendar is None:
            return day.weekday() < _SATURDAY and day.month != _AUGUST
        return calendar.is_school_day(day)

    def _opens(self, day: date) -> int:
        calendar = self.of(AcademicYear.of(day))
        if calendar is None:
            return MORNING.opens
        return calendar.times((_held(calendar, day) or [Session.AM])[0]).opens

    def _ends(self, day: date) -> int:
        calendar = self.of(AcademicYear.of(day))
        if calendar is None:
            return AFTERNOON.ends
        return calendar.times((_held(calendar, day) or [Session.PM])[-1]).ends


def _held(calendar: SchoolCalendar, day: date) -> list[Session]:
    return [session for session in Session if calendar.has_session(day, session)]
