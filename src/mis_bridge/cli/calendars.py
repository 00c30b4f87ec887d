"""A school's calendar for people: what holds and where it came from, and what is wrong with it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from mis_bridge.cli.output import config_option, emit, format_option

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from mis_bridge.calendars.terms import Terms
    from mis_bridge.registers.calendar import SchoolCalendar, Session
    from mis_bridge.settings import CalendarSettings, Configuration

__all__ = ["Remark", "command", "differences", "review", "tried_terms"]

_USUAL: Final = range(370, 391)
"""Sessions of a year: 380 in law for maintained schools, and what others have around that."""

_SOON: Final = timedelta(days=60)
_SHOWN: Final = 5


class Remark(NamedTuple):
    """One thing about a school's calendar that a person should know.

    Args:
        school: its id.
        level: ``problem`` or ``note``.
        text: what is wrong and what to do.
        key: where it stands in the school's file.
    """

    school: str
    level: str
    text: str
    key: str


def review(configuration: Configuration, terms: dict[str, Terms], today: date) -> Iterator[Remark]:
    """Say what is wrong with the calendars themselves.

    Args:
        configuration: as loaded.
        terms: every school's calendars.
        today: local date.
    """
    for school, own in configuration.schools.items():
        one = terms[school]
        key = "calendar.term_dates" if own.calendar.term_dates else "calendar"
        for problem in one.problems:
            yield Remark(school, "problem", problem, key)
        yield from _reach(school, own.calendar, one, today)
        yield from _outside(school, own.calendar, one)
        for calendar in one.years.calendars:
            if calendar.last_day >= today and own.school.phase != "nursery":
                yield from _sessions(school, calendar, key)


def _reach(school: str, own: CalendarSettings, terms: Terms, today: date) -> Iterator[Remark]:
    """Whether there is a calendar for today, and for the days to come."""
    from mis_bridge.registers.calendar import AcademicYear

    key = "calendar.last_day" if own.last_day else "calendar"
    calendar = terms.years.in_force(today)
    if calendar is None:
        text = (
            "there is no calendar of any school year: nobody is watched; write first_day and "
            "last_day, or see to the term dates"
        )
        yield Remark(school, "problem", text, key)
        return
    following = terms.years.of(AcademicYear(calendar.year.start + 1))
    if calendar.last_day < today and following is None:
        text = (
            f"the school year ended on {calendar.last_day}: nothing is noticed any more; "
            "write the dates of the new one"
        )
        yield Remark(school, "problem", text, key)
    elif calendar.last_day - _SOON <= today <= calendar.last_day and following is None:
        text = (
            f"the school year ends on {calendar.last_day}, and there is no calendar of "
            f"{AcademicYear(calendar.year.start + 1)} yet"
        )
        yield Remark(school, "note", text, key)


def _outside(school: str, own: CalendarSettings, terms: Terms) -> Iterator[Remark]:
    from mis_bridge.registers.calendar import AcademicYear

    if not terms.years.calendars:
        return  # that there is none has been said
    for place, closure in enumerate(own.closures, 1):
        for name, day in (("first", closure.first), ("last", closure.last)):
            if day is not None and terms.years.of(AcademicYear.of(day)) is None:
                text = f"{day} is in another school year: the school counts as open then"
                yield Remark(school, "problem", text, f"calendar.closures[{place}].{name}")


def _sessions(school: str, calendar: SchoolCalendar, key: str) -> Iterator[Remark]:
    count = _count(calendar)
    if count not in _USUAL:
        text = (
            f"{calendar.year} has {count} sessions, and most schools have 380 (190 days): look "
            f"whether a holiday is missing: mis-bridge schools calendar {school}"
        )
        yield Remark(school, "note", text, key)


def _count(calendar: SchoolCalendar) -> int:
    from mis_bridge.registers.calendar import Session

    return sum(
        calendar.has_session(day, session) for day in calendar.school_days() for session in Session
    )


def tried_terms(
    configuration: Configuration, now: datetime, *, addresses: bool = False
) -> dict[str, Terms]:
    """Put the calendars together with the iCalendar files as they are now; nothing is stored.

    Args:
        configuration: as loaded.
        now: aware.
        addresses: ask the addresses too, of which the daemon's copies are taken otherwise.

    Raises:
        SettingsError: an authority is not there.
        SettingsProblems: an authority's file has mistakes.
    """
    import asyncio
    import os
    import tempfile
    from pathlib import Path

    from mis_bridge.io.http import Transport
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.service.calendars import (
        Which,
        read_terms,
        shelf_of,
        sources_of,
        terms_of_schools,
    )

    settings = configuration.settings.service
    secrets = Secrets(settings.credentials_dir, os.environ)

    async def look(folder: str) -> dict[str, Terms]:
        shelf = shelf_of(configuration).copied(Path(folder))
        async with Transport(ca_bundle=settings.ca_bundle or None) as transport:
            which = Which.ALL if addresses else Which.FILES
            await read_terms(configuration, transport, secrets, now, which=which, shelf=shelf)
        return terms_of_schools(configuration, shelf)

    if not sources_of(configuration):
        return terms_of_schools(configuration)
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(look(folder))


def differences(
    tx: Connection, school: str, calendar: SchoolCalendar, last: date, *, presence: bool
) -> list[Remark]:
    """Say where the stored registers and the calendar differ.

    Args:
        tx: to read in.
        school: its id.
        calendar: of the year that is looked at.
        last: last day whose registers are known.
        presence: the MIS sends the marks of those who are present too.
    """
    from mis_bridge.registers.closures import compare
    from mis_bridge.registers.codes import NO_SESSION
    from mis_bridge.store import strips
    from mis_bridge.triggers.calendar_wrong import INFO

    marks = [strip.marks for strip in strips.load(tx, school, calendar.year).values()]
    # What lies before the first mark was before anybody read, or before the school joined.
    nothing = bytes((NO_SESSION,))
    slots = [len(one) - len(one.lstrip(nothing)) for one in marks if one.strip(nothing)]
    if not slots:
        return []
    first, _ = calendar.year.day_of(min(slots))
    share = next(p.default for p in INFO.parameters if p.name == "marked_per_cent")
    found = compare(calendar, marks, first, last, share=float(str(share)))
    remarks = []
    if found.taken:
        text = (
            f"registers were taken on days that its calendar calls closed: "
            f"{_in_words(found.taken)}; correct the calendar"
        )
        remarks.append(Remark(school, "problem", text, f"school {school}"))
    if found.silent and presence:
        text = (
            f"nobody has a mark on days that its calendar calls school days: "
            f"{_in_words(found.silent)}; if the school was closed, write the closure"
        )
        remarks.append(Remark(school, "note", text, f"school {school}"))
    return remarks


def _in_words(sessions: Iterable[tuple[date, Session]]) -> str:
    """``Friday 20 November 2026; Monday 4 January 2027 (AM)``, the first few of them."""
    days: dict[date, list[str]] = {}
    for day, session in sessions:
        days.setdefault(day, []).append(session)
    said = [
        f"{day:%A} {day.day} {day:%B %Y}{f' ({halves[0]})' if len(halves) == 1 else ''}"
        for day, halves in sorted(days.items())
    ]
    more = f"; and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
    return f"{'; '.join(said[:_SHOWN])}{more}"


@click.command(
    "calendar", epilog="Example: mis-bridge schools calendar example-high --ics > terms.ics"
)
@click.argument("school", metavar="ID")
@click.option(
    "--read",
    is_flag=True,
    help="Read its iCalendar address now, and show what it would give; nothing is stored.",
)
@click.option("--ics", is_flag=True, help="Print it as an iCalendar file, to look at in Outlook.")
@config_option
@format_option
def command(
    school: str,
    config_path: Path | None,
    output_format: str,
    *,
    read: bool,
    ics: bool,
) -> None:
    """Show the calendar that a school goes by: every year, closure and where they came from.

    An iCalendar file is read as it is now; an address is shown as it was last read, unless --read
    says to ask.

    Exit status 1 if something is wrong with it.
    """
    import os
    import sys
    from dataclasses import replace

    from mis_bridge.cli.schools import configured_school
    from mis_bridge.io.clock import clock_from
    from mis_bridge.registers.calendar import local_minute
    from mis_bridge.settings import find_config, load

    configuration = load(find_config(config_path))
    own = configured_school(configuration, school)
    alone = replace(configuration, schools={school: own})
    now = clock_from(os.environ).now()
    terms = tried_terms(alone, now, addresses=read)[school]
    if ics:
        from mis_bridge.calendars.ics import write_ics

        click.echo(write_ics(terms.years.calendars, name=own.school.name, stamp=now), nl=False)
    else:
        emit(
            list(_rows(terms)),
            ("year", "what", "first", "last", "session", "why", "origin"),
            output_format,
            empty=f"{school} has no calendar: write [calendar] in its file.",
        )
    remarks = list(review(alone, {school: terms}, local_minute(now)[0]))
    for remark in remarks:
        note = "note: " if remark.level == "note" else ""
        click.echo(f"{remark.key}: {note}{remark.text}", err=True)
    if any(remark.level == "problem" for remark in remarks):
        sys.exit(1)


def _rows(terms: Terms) -> Iterator[dict[str, Any]]:
    for calendar in terms.years.calendars:
        days = len(calendar.school_days())
        yield {
            "year": str(calendar.year),
            "what": "school year",
            "first": calendar.first_day,
            "last": calendar.last_day,
            "session": "",
            "why": f"{days} school days, {_count(calendar)} sessions",
            "origin": terms.origins[calendar.year.start],
        }
        for closure in sorted(calendar.closures, key=lambda one: (one.first, one.last)):
            yield {
                "year": str(calendar.year),
                "what": "closed",
                "first": closure.first,
                "last": closure.last,
                "session": closure.session or "",
                "why": closure.why,
                "origin": "",
            }
