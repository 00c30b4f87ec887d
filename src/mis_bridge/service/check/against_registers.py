"""Where the registers that were read say that a school's calendar is wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import MisBridgeError
from mis_bridge.registers.calendar import local_minute
from mis_bridge.registers.closures import compare
from mis_bridge.registers.codes import NO_SESSION
from mis_bridge.service.check.model import Finding
from mis_bridge.service.schools import schools_of
from mis_bridge.store import feeds, strips
from mis_bridge.triggers.calendar_wrong import INFO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from sqlalchemy import Connection

    from mis_bridge.registers.calendar import SchoolCalendar, Session
    from mis_bridge.settings import Configuration

__all__ = ["review"]

_SHOWN: Final = 5


def review(tx: Connection, configuration: Configuration) -> Iterator[Finding]:
    """Hold the registers of the year so far against each school's calendar.

    Args:
        tx: to read in.
        configuration: as loaded.
    """
    read = {feed.school: feed.last_good_at for feed in feeds.all_feeds(tx)}
    try:
        schools = schools_of(configuration)
    except MisBridgeError:
        return  # the mistake of an adapter or the authority has been named
    for school, own in schools.items():
        last = read.get(school)
        if last is None:
            continue
        known, _ = local_minute(last)
        calendar = own.years.in_force(known)
        if calendar is not None:
            before = known - timedelta(days=1)
            yield from _differences(tx, school, calendar, before, presence=own.presence)


def _differences(
    tx: Connection, school: str, calendar: SchoolCalendar, last: date, *, presence: bool
) -> Iterator[Finding]:
    """Where one school's registers and the calendar of a year differ, up to a day."""
    marks = [strip.marks for strip in strips.load(tx, school, calendar.year).values()]
    # What lies before the first mark was before anybody read, or before the school joined.
    nothing = bytes((NO_SESSION,))
    slots = [len(one) - len(one.lstrip(nothing)) for one in marks if one.strip(nothing)]
    if not slots:
        return
    first, _ = calendar.year.day_of(min(slots))
    share = next(p.default for p in INFO.parameters if p.name == "marked_per_cent")
    found = compare(calendar, marks, first, last, share=float(str(share)))
    if found.taken:
        text = (
            f"registers were taken on days that its calendar calls closed: "
            f"{_in_words(found.taken)}; correct the calendar"
        )
        yield Finding("problem", text, key=f"school {school}")
    if found.silent and presence:
        text = (
            f"nobody has a mark on days that its calendar calls school days: "
            f"{_in_words(found.silent)}; if the school was closed, write the closure"
        )
        yield Finding("note", text, key=f"school {school}")


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
