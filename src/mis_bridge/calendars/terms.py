"""Put a school's calendars together from all that is given, the nearest to the school first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from mis_bridge.calendars.bank_holidays import bank_holidays
from mis_bridge.calendars.ics import read_ics as _read_ics
from mis_bridge.calendars.source import words_of
from mis_bridge.calendars.tables import calendar_from, closures_from
from mis_bridge.errors import DataError
from mis_bridge.registers.calendar import AcademicYear, SessionTimes
from mis_bridge.registers.school_years import SchoolYears

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mis_bridge.calendars.shelf import Copy
    from mis_bridge.registers.calendar import SchoolCalendar
    from mis_bridge.settings.calendar import CalendarSettings, YearSettings

__all__ = ["AUTHORITY", "OWN", "Terms", "terms_of", "times_of"]

read_ics = lru_cache(maxsize=64)(_read_ics)
# The schools of an authority go by one file.

OWN = "the school's file"
AUTHORITY = "the authority's file"


@dataclass(frozen=True, slots=True)
class Terms:
    """A school's calendars and where they came from.

    Args:
        years: the calendars.
        origins: calendar year of each one's 1 August -> where it came from, for people.
        problems: what is wrong with a source, for people; the calendars that are there hold.
        failing_since: since when the iCalendar file can not be read, aware, or None.
    """

    years: SchoolYears
    origins: Mapping[int, str]
    problems: tuple[str, ...] = ()
    failing_since: datetime | None = None


def times_of(own: CalendarSettings) -> tuple[SessionTimes, SessionTimes]:
    """Give the times of both sessions."""
    am, pm = own.am, own.pm
    return SessionTimes(am.opens, am.closes, am.ends), SessionTimes(pm.opens, pm.closes, pm.ends)


def terms_of(
    own: CalendarSettings,
    authority: Mapping[AcademicYear, YearSettings],
    copy: Copy | None,
    shown: str,
) -> Terms:
    """Put one school's calendars together.

    A year that the school has written out goes before one of the authority or the iCalendar file.
    The school's own closures and the bank holidays come on top of every year.

    Args:
        own: ``[calendar]`` of the school's file.
        authority: years of its Local Authority.
        copy: what is kept of its iCalendar file, or None where it has none.
        shown: what people may read of where that file is.
    """
    times = times_of(own)
    problems: list[str] = []
    found: dict[int, tuple[SchoolCalendar, str]] = {}
    if own.term_dates == "authority":
        for written in authority.values():
            found[written.start] = (calendar_from(written, *times), AUTHORITY)
        if not authority:
            problems.append("the authority's file gives no term dates")
    elif copy is not None:
        problems += _from_copy(own, copy, shown, found)
    for written in own.written:
        found[written.start] = (calendar_from(written, *times), OWN)
    closures = closures_from(own.closures)
    calendars = []
    for start in sorted(found):
        calendar = found[start][0]
        own_closures = [
            closure
            for closure in closures
            if closure.first <= calendar.year.last and closure.last >= calendar.year.first
        ]
        calendar = replace(calendar, closures=(*calendar.closures, *own_closures))
        calendars.append(_with_bank_holidays(calendar) if own.bank_holidays else calendar)
    return Terms(
        SchoolYears(tuple(calendars)),
        {start: origin for start, (_, origin) in sorted(found.items())},
        tuple(problems),
        copy.failing_since if copy else None,
    )


def _from_copy(
    own: CalendarSettings, copy: Copy, shown: str, found: dict[int, tuple[SchoolCalendar, str]]
) -> list[str]:
    am, pm = times_of(own)
    problems = []
    if copy.problem:
        kept = (
            f"; the dates read on {copy.read_at:%-d %B %Y} hold"
            if copy.data is not None and copy.read_at
            else ""
        )
        problems.append(f"the term dates of {shown} can not be read: {copy.problem}{kept}")
    if copy.data is None:
        if not copy.problem:
            problems.append(
                f"the term dates of {shown} have not been read yet: mis-bridge run reads them"
            )
        return problems
    try:
        given = read_ics(copy.data, words_of(own.words), am=am, pm=pm)
    except DataError as error:
        return [*problems, f"the term dates of {shown} can not be used: {error}"]
    for calendar in given.calendars:
        found[calendar.year.start] = (calendar, shown)
    return [*problems, *(f"term dates of {shown}: {one}" for one in given.problems)]


def _with_bank_holidays(calendar: SchoolCalendar) -> SchoolCalendar:
    """Close the bank holidays that would be school days otherwise."""
    days = tuple(
        closure for closure in bank_holidays(calendar.year) if calendar.is_school_day(closure.first)
    )
    return replace(calendar, closures=(*calendar.closures, *days)) if days else calendar
