"""A school that nobody watches although all runs.

Its calendar is over, its registers are not judged, or they are read and hold no mark of a session.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.calendar import LONDON, AcademicYear, Session, local_datetime
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
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from mis_bridge.registers.calendar import SchoolCalendar
    from mis_bridge.registers.school_years import SchoolYears

__all__ = ["INFO", "UNJUDGED_AFTER", "calendar_over", "evaluate", "unmarked"]

INFO: Final = TriggerInfo(
    id="not_watched",
    title="A school is not watched",
    meaning="The configured calendar of a school does not reach today, its registers could not be "
    "judged for minutes because of a fault of the program, or they can be read and nobody in the "
    "school has a mark of a session that is long over its register's close. Nobody would be told "
    "of a missing child.",
    source="DESIGN: no data must never look like nobody missing.",
    kind=Kind.FEED,
    audience=(Audience.IT, Audience.OFFICE),
    severity=Severity.HIGH,
    parameters=(
        ENABLED,
        Parameter(
            "marks_minutes",
            default=60,
            unit="minutes",
            meaning="So long after a session's register closed somebody has a mark of it.",
            minimum=0,
        ),
    ),
    never_for="Not on a day without school; of a calendar that is over, not at weekends and not in "
    "July and August.",
)

UNJUDGED_AFTER: Final = timedelta(minutes=3)
"""A decision that fails once is tried again; one that fails for so long is told."""

_READ_AGAIN: Final = timedelta(minutes=1)
_SATURDAY: Final = 5
_SUMMER: Final = (7, 8)
_TERM_HAS_BEGUN: Final = 10


def calendar_over(
    calendar: SchoolCalendar, today: date, years: SchoolYears | None = None
) -> Finding | None:
    """Give the finding where the calendar does not reach a day on which schools are open.

    A calendar that is yet to begin is told from 10 September on.

    Args:
        calendar: in force.
        today: local date.
        years: all that are known, or None where it is the only one.
    """
    if today.weekday() >= _SATURDAY or today.month in _SUMMER:
        return None
    if years is not None and not years.calendars:
        return _over(calendar, today, "there is no calendar of this school", "none")
    if calendar.first_day <= today <= calendar.last_day:
        return None
    early = today < calendar.first_day
    if early and date(today.year, 9, 1) <= today < date(today.year, 9, _TERM_HAS_BEGUN):
        return None
    edge = calendar.first_day if early else calendar.last_day
    said = f"the school's calendar {'begins' if early else 'ended'} on {edge:%-d %B %Y}"
    return _over(calendar, today, said, edge.isoformat())


def _over(calendar: SchoolCalendar, today: date, said: str, edge: str) -> Finding:
    at = local_datetime(today, calendar.am.opens)
    year = AcademicYear.of(today)
    return Finding(
        trigger=INFO.id,
        pupil="",
        day=today,
        slot="",
        level=1,
        fired_at=at,
        raised_at=at,
        evidence=(Evidence(None, "", said),),
        sentence=f"{said[:1].upper()}{said[1:]}: nobody knows whether there is school today. "
        "mis-bridge looks for registers in the morning and in the afternoon, and watches from when "
        f"some are taken. Give the days of {year}: [calendar] in the school's file, or where its "
        "term dates come from.",
        episode=f"calendar {edge}",
    )


def unmarked(
    calendar: SchoolCalendar,
    today: date,
    marked: Collection[Session],
    last_good_read: datetime | None,
    minutes: int,
) -> tuple[Finding | None, datetime | None]:
    """Give the finding where nobody has a mark of a session, and the reading that will tell more.

    One a day, of the first such session. Only a good reading that came late enough says it: of a
    feed that can not be read nobody knows what it holds.

    Args:
        calendar: as configured.
        today: local date.
        marked: sessions of today of which anybody has a mark.
        last_good_read: aware, or None.
        minutes: how long after the close of its register a session has a mark.
    """
    for session in Session:
        if session in marked or not calendar.has_session(today, session):
            continue
        at = local_datetime(today, calendar.times(session).closes + minutes)
        if last_good_read is None or last_good_read < at:
            return None, at
        finding = Finding(
            trigger=INFO.id,
            pupil="",
            day=today,
            slot=session,
            level=1,
            fired_at=at,
            raised_at=at,
            evidence=(Evidence(at, session, "read well, and not one mark"),),
            sentence=f"The registers of this school can be read, but at {at:%H:%M} nobody has a "
            f"mark of {session}: no register was taken, or mis-bridge is not shown them. If the "
            "school is closed, mark it # or Y4 in the MIS, or write the closure in [calendar] of "
            "the school's file.",
            episode=f"no marks {today.isoformat()}",
        )
        return finding, None
    return None, None


def evaluate(
    calendar: SchoolCalendar,
    failing_since: datetime | None,
    now: datetime,
    parameters: Mapping[str, Any],
    *,
    marked: Collection[Session],
    last_good_read: datetime | None,
    years: SchoolYears | None = None,
) -> tuple[list[Finding], datetime | None]:
    """Give the findings, and when to look again although nothing new was read.

    Args:
        calendar: as configured.
        failing_since: when the first decision failed of those that still fail, aware, or None.
        now: aware.
        parameters: of this trigger.
        marked: sessions of today of which anybody has a mark.
        last_good_read: aware, or None.
        years: all calendars that are known, or None where it is the only one.
    """
    today = now.astimezone(LONDON).date()
    silent, reading = unmarked(
        calendar, today, marked, last_good_read, int(parameters["marks_minutes"])
    )
    found = [one for one in (calendar_over(calendar, today, years), silent) if one]
    # A good reading that changes nothing calls for no look: until there is one, ask for it.
    looks = [] if reading is None else [max(reading, now + _READ_AGAIN)]
    if failing_since is not None:
        due = failing_since + UNJUDGED_AFTER
        if now < due:
            looks.append(due)
        else:
            found.append(_unjudged(failing_since, today))
    return found, min(looks, default=None)


def _unjudged(since: datetime, today: date) -> Finding:
    local = since.astimezone(LONDON)
    return Finding(
        trigger=INFO.id,
        pupil="",
        day=today,
        slot="",
        level=1,
        fired_at=local,
        raised_at=local,
        evidence=(Evidence(local, "", "a fault of the program; its log has the details"),),
        sentence=f"The registers of this school have not been judged since {local:%H:%M} because "
        "of a fault of the program. Until it is mended, look at the registers themselves.",
        episode="decisions",
    )
