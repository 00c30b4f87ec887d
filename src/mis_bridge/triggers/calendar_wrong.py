"""The calendar says one thing and the registers another, or its source has fallen silent.

It is about the calendar and never about a child. That nobody has a mark on a day that should be a
school day is ``not_watched``: then nobody is watched, which is more than a wrong date.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.calendar import LONDON, Session, local_datetime
from mis_bridge.triggers import not_watched
from mis_bridge.triggers.day_walk import MISSED, ON_SITE, SAYS
from mis_bridge.triggers.evidence import listed
from mis_bridge.triggers.model import (
    Audience,
    Evidence,
    Finding,
    Kind,
    Parameter,
    Severity,
    TriggerInfo,
)
from mis_bridge.triggers.parameters import ENABLED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from mis_bridge.registers.calendar import SchoolCalendar
    from mis_bridge.registers.school_years import SchoolYears
    from mis_bridge.triggers.model import PupilDay

__all__ = ["INFO", "SOURCE_DAYS", "evaluate", "is_more_than_a_slip", "registered"]

INFO: Final = TriggerInfo(
    id="calendar_wrong",
    title="The calendar is wrong",
    meaning="Registers were taken in a session in which the school is closed by its calendar, or "
    "the iCalendar file that its term dates come from could not be read for a week. The registers "
    "of such a day are read and judged like any other.",
    source="Our choice: deadlines are counted in school days, and a calendar that nobody corrects "
    "makes them wrong.",
    kind=Kind.FEED,
    audience=(Audience.OFFICE, Audience.IT),
    severity=Severity.NORMAL,
    parameters=(
        ENABLED,
        Parameter(
            "marked_per_cent",
            default=5.0,
            unit="per cent",
            meaning="Share of the roll whose registers were taken that makes them more than a "
            "slip.",
            minimum=0,
        ),
    ),
    never_for="Not for reasons that were entered ahead, nor for single marks on a closed day; not "
    "where there is no calendar for the day at all, which not_watched says.",
)

SOURCE_DAYS: Final = 7
"""The last good copy holds meanwhile; term dates change a few times a year."""


def registered(pupils: Iterable[PupilDay], afternoon: int) -> dict[Session, int]:
    """Count the pupils with a mark that only a register says, by half of the day.

    Args:
        pupils: everybody on roll on one day.
        afternoon: minute from which a lesson belongs to the afternoon.
    """
    found = dict.fromkeys(Session, 0)
    for pupil in pupils:
        halves = {
            Session.PM if slot.starts >= afternoon else Session.AM
            for slot, entry in pupil.sheet.entries
            if entry.settled and SAYS[entry.code] in (ON_SITE, MISSED)
        }
        for session in halves:
            found[session] += 1
    return found


def is_more_than_a_slip(marked: int, roll: int, per_cent: float) -> bool:
    """Whether so many pupils of a roll show that a register was taken."""
    return marked > 0 and 100 * marked >= per_cent * roll


def evaluate(
    calendar: SchoolCalendar,
    now: datetime,
    parameters: Mapping[str, Any],
    *,
    marked: Mapping[Session, int],
    roll: int,
    failing_since: datetime | None = None,
    years: SchoolYears | None = None,
) -> tuple[list[Finding], datetime | None]:
    """Give the findings of today, and when to look again although nothing new was read.

    Args:
        calendar: in force.
        now: aware.
        parameters: of this trigger.
        marked: pupils with a register's mark today, by session.
        roll: how many are on roll.
        failing_since: since when the term dates can not be read, aware, or None.
        years: all calendars that are known, or None where it is the only one.
    """
    today = now.astimezone(LONDON).date()
    found = []
    looks = []
    against = [
        session
        for session in Session
        if not calendar.has_session(today, session)
        and is_more_than_a_slip(marked.get(session, 0), roll, parameters["marked_per_cent"])
    ]
    # That there is no calendar for today at all is told as that.
    if against and not_watched.calendar_over(calendar, today, years) is None:
        begun = local_datetime(today, calendar.times(against[0]).opens)
        if begun <= now:
            found.append(_open_after_all(calendar, today, against, marked, roll))
        else:
            looks.append(begun)
    if failing_since is not None:
        due = failing_since.astimezone(LONDON) + timedelta(days=SOURCE_DAYS)
        if due <= now:
            found.append(_source_silent(failing_since, due, today))
        else:
            looks.append(due)
    return found, min(looks, default=None)


def _open_after_all(
    calendar: SchoolCalendar,
    today: date,
    against: list[Session],
    marked: Mapping[Session, int],
    roll: int,
) -> Finding:
    first = against[0]
    at = local_datetime(today, calendar.times(first).opens)
    why = calendar.why_closed(today, first)
    sessions = listed(list(against))
    return Finding(
        trigger=INFO.id,
        pupil="",
        day=today,
        slot=first,
        level=1,
        fired_at=at,
        raised_at=at,
        evidence=tuple(
            Evidence(
                None,
                session,
                f"closed by the calendar; register taken of {marked[session]} of {roll} pupils",
            )
            for session in against
        ),
        sentence=f"Registers are taken today ({sessions}), although the school's calendar calls "
        f"it closed ({why}). They are read and judged all the same. If the school is open, correct "
        "its calendar: [calendar] in the school's file, or where its term dates come from.",
        facts={"roll": roll, "marked": max(marked[session] for session in against)},
        episode="open after all",
    )


def _source_silent(since: datetime, due: datetime, today: date) -> Finding:
    begun = f"{since.astimezone(LONDON):%-d %B %Y}"
    return Finding(
        trigger=INFO.id,
        pupil="",
        day=today,
        slot="",
        level=1,
        fired_at=due,
        raised_at=due,
        evidence=(Evidence(since.astimezone(LONDON), "", "term dates could not be read"),),
        sentence=f"The iCalendar file of this school's term dates can not be read since {begun}. "
        "The dates that were read before hold; what has changed since is not known. Run mis-bridge "
        "check: it says why.",
        episode="source",
    )
