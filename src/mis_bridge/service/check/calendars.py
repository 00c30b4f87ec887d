"""What is wrong with the schools' calendars themselves, whatever the registers say."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import SettingsError
from mis_bridge.io.http import Transport
from mis_bridge.registers.calendar import AcademicYear, Session, local_minute
from mis_bridge.service.calendars import (
    Which,
    read_terms,
    shelf_of,
    sources_of,
    terms_of_schools,
)
from mis_bridge.service.check.model import note, problem
from mis_bridge.settings import SettingsProblems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date, datetime

    from mis_bridge.calendars.terms import Terms
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.registers.calendar import SchoolCalendar
    from mis_bridge.service.check.model import Finding
    from mis_bridge.settings import Configuration

__all__ = ["of_terms", "review", "session_count", "tried_terms"]

_USUAL: Final = range(370, 391)
"""Sessions of a year: 380 in law for maintained schools, and what others have around that."""

_SOON: Final = timedelta(days=60)


def review(configuration: Configuration, secrets: Secrets, now: datetime) -> Iterator[Finding]:
    """Look at every school's calendars, with the iCalendar files as they are now.

    Args:
        configuration: as loaded.
        secrets: what an address is asked with.
        now: aware.
    """
    try:
        terms = tried_terms(configuration, secrets, now)
    except (SettingsError, SettingsProblems):
        return  # the authority's own mistakes have been named
    today, _ = local_minute(now)
    yield from of_terms(configuration, terms, today)


def of_terms(
    configuration: Configuration, terms: Mapping[str, Terms], today: date
) -> Iterator[Finding]:
    """Say what is wrong with calendars.

    Args:
        configuration: as loaded.
        terms: every school's calendars.
        today: local date.
    """
    for school, own in configuration.schools.items():
        one = terms[school]
        key = "calendar.term_dates" if own.calendar.term_dates else "calendar"
        for text in one.problems:
            yield problem(configuration, text, key, school)
        yield from _reach(configuration, school, one, today)
        yield from _outside(configuration, school, one)
        for calendar in one.years.calendars:
            if calendar.last_day >= today and own.school.phase != "nursery":
                yield from _sessions(configuration, school, calendar, key)


def _reach(
    configuration: Configuration, school: str, terms: Terms, today: date
) -> Iterator[Finding]:
    """Whether there is a calendar for today, and for the days to come."""
    own = configuration.schools[school].calendar
    key = "calendar.last_day" if own.last_day else "calendar"
    calendar = terms.years.in_force(today)
    if calendar is None:
        text = (
            "there is no calendar of any school year: nobody is watched; write first_day and "
            "last_day, or see to the term dates"
        )
        yield problem(configuration, text, key, school)
        return
    following = terms.years.of(AcademicYear(calendar.year.start + 1))
    if calendar.last_day < today and following is None:
        text = (
            f"the school year ended on {calendar.last_day}: nothing is noticed any more; "
            "write the dates of the new one"
        )
        yield problem(configuration, text, key, school)
    elif calendar.last_day - _SOON <= today <= calendar.last_day and following is None:
        text = (
            f"the school year ends on {calendar.last_day}, and there is no calendar of "
            f"{AcademicYear(calendar.year.start + 1)} yet"
        )
        yield note(configuration, text, key, school)


def _outside(configuration: Configuration, school: str, terms: Terms) -> Iterator[Finding]:
    if not terms.years.calendars:
        return  # that there is none has been said
    for place, closure in enumerate(configuration.schools[school].calendar.closures, 1):
        for name, day in (("first", closure.first), ("last", closure.last)):
            if day is not None and terms.years.of(AcademicYear.of(day)) is None:
                text = f"{day} is in another school year: the school counts as open then"
                yield problem(configuration, text, f"calendar.closures[{place}].{name}", school)


def _sessions(
    configuration: Configuration, school: str, calendar: SchoolCalendar, key: str
) -> Iterator[Finding]:
    count = session_count(calendar)
    if count not in _USUAL:
        text = (
            f"{calendar.year} has {count} sessions, and most schools have 380 (190 days): look "
            f"whether a holiday is missing: mis-bridge schools calendar {school}"
        )
        yield note(configuration, text, key, school)


def session_count(calendar: SchoolCalendar) -> int:
    """Count the sessions of a school year, of which the law asks 380 of most schools."""
    return sum(
        calendar.has_session(day, session) for day in calendar.school_days() for session in Session
    )


def tried_terms(
    configuration: Configuration, secrets: Secrets, now: datetime, *, addresses: bool = False
) -> dict[str, Terms]:
    """Put the calendars together with the iCalendar files as they are now; nothing is stored.

    Args:
        configuration: as loaded.
        secrets: what an address is asked with.
        now: aware.
        addresses: ask the addresses too, of which the daemon's copies are taken otherwise.

    Raises:
        SettingsError: an authority is not there.
        SettingsProblems: an authority's file has mistakes.
    """
    ca_bundle = configuration.settings.service.ca_bundle or None

    async def look(folder: str) -> dict[str, Terms]:
        shelf = shelf_of(configuration).copied(Path(folder))
        async with Transport(ca_bundle=ca_bundle) as transport:
            which = Which.ALL if addresses else Which.FILES
            await read_terms(configuration, transport, secrets, now, which=which, shelf=shelf)
        return terms_of_schools(configuration, shelf)

    if not sources_of(configuration):
        return terms_of_schools(configuration)
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(look(folder))
