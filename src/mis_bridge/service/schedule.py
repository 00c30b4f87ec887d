"""When each school is read next: a pure function of its settings, its last readings and the time.

Rows are the schedule: a feed carries its own ``due_at``, the ticker only looks which are due. A
school keeps its place within the interval by a hash of its name, so that hundreds of schools
spread over it and stay spread after a restart.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import LONDON, local_datetime

if TYPE_CHECKING:
    from datetime import date

    from mis_bridge.registers.calendar import SchoolCalendar
    from mis_bridge.settings import PollingSettings

__all__ = [
    "Reading",
    "backoff",
    "next_due",
    "next_reading",
    "next_sweep",
    "reading_hours",
    "usual_hours",
]

LONGEST_BACKOFF: Final = timedelta(minutes=15)
"""A broken feed is tried at least this often in school hours: it may be the one that matters."""

LONGEST_READING: Final = timedelta(minutes=15)
"""So long one reading may take; a first load goes on where it was broken off."""

LOOK_AFTER: Final = 30
"""Minutes after a register's close at which a closed school is looked at: it is taken by then."""

_SATURDAY: Final = 5

LONGEST_ASKED: Final = timedelta(days=1)
"""A MIS that asks for longer has made a mistake; a school would stay unread for good."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the next reading of a feed covers.

    Args:
        window: first and last day, both included.
        since: only what changed after this instant, or None for everything in the window.
        sweep: everything in the window whatever changed, so that what vanished is noticed.
    """

    window: tuple[date, date]
    since: datetime | None
    sweep: bool


def reading_hours(
    calendar: SchoolCalendar, polling: PollingSettings, day: date
) -> tuple[datetime, datetime] | None:
    """From when until when a school is read on a day, aware; None if it is closed."""
    return usual_hours(polling, day) if calendar.is_school_day(day) else None


def usual_hours(polling: PollingSettings, day: date) -> tuple[datetime, datetime]:
    """From when until when a school that is open is read on a day, aware."""
    return local_datetime(day, polling.day_starts), local_datetime(day, polling.day_ends)


def next_due(
    school: str,
    calendar: SchoolCalendar,
    polling: PollingSettings,
    now: datetime,
    *,
    open_after_all: bool = False,
) -> datetime:
    """When a feed that was just read well is read again.

    In school hours that is the next place of this school in the interval; outside of them the
    night's sweep, the next morning or the next look, whichever comes first. On a weekday without
    school there is a look after the close of each register: a calendar may be wrong, and then the
    children who are in school have to be watched. One more at the end of the day finds what a MIS
    that exports once a day has shown by then.

    Args:
        school: its id.
        calendar: in force.
        polling: hours and interval.
        now: the present moment.
        open_after_all: the calendar calls today closed, and its registers are taken.
    """
    local = now.astimezone(LONDON)
    today = local.date()
    hours = reading_hours(calendar, polling, today)
    if hours is None and open_after_all:
        hours = usual_hours(polling, today)
    if hours and hours[0] <= now < hours[1]:
        return _place_in_interval(school, polling.interval_seconds, now)
    within = _fraction(school, polling.interval_seconds)
    candidates = [next_sweep(school, polling, now)]
    for day in (today, today + timedelta(days=1)):
        opening = reading_hours(calendar, polling, day)
        if opening:
            candidates.append(opening[0] + within)
        elif day.weekday() < _SATURDAY:
            looks = (
                calendar.am.closes + LOOK_AFTER,
                calendar.pm.closes + LOOK_AFTER,
                polling.day_ends,
            )
            candidates += (local_datetime(day, minute) + within for minute in looks)
    return min(moment for moment in candidates if moment > now)


def backoff(
    failures: int, polling: PollingSettings, now: datetime, retry_after: float | None
) -> datetime:
    """When a feed that failed is tried again.

    Args:
        failures: how many times in a row, this one included.
        polling: the usual interval.
        now: when it failed.
        retry_after: seconds that the MIS asked for; honoured beyond our own longest wait, up to a
            day.
    """
    wait = min(
        timedelta(seconds=polling.interval_seconds) * (1 << min(failures - 1, 10)), LONGEST_BACKOFF
    )
    if retry_after is not None:
        asked = min(retry_after, LONGEST_ASKED.total_seconds())
        wait = max(wait, timedelta(seconds=asked))
    return now + wait


def next_reading(
    calendar: SchoolCalendar,
    polling: PollingSettings,
    now: datetime,
    *,
    last_good: datetime | None,
    sweep_at: datetime | None,
) -> Reading:
    """What to read now.

    The first reading takes the academic year so far. Once a day, at night or as soon as possible
    after it, the trailing window of school days is swept. All others ask only for what changed
    since the last good one, less an overlap: a MIS may stamp a change earlier than it shows it, and
    what is saved while pages are read may stand on one that was read before. After a break the
    window goes back to the last good reading: no day is left unread.

    Args:
        calendar: the school's days.
        polling: window and overlap.
        now: the present moment.
        last_good: when the feed was last read to its end, or None for never.
        sweep_at: when the next sweep is planned, or None for at once.
    """
    today = now.astimezone(LONDON).date()
    if last_good is None:
        return Reading((min(calendar.year.first, today), today), None, sweep=True)
    unread_from = max(last_good.astimezone(LONDON).date(), calendar.year.first)
    usual = _days_back(calendar, today, polling.window_school_days)
    window = (min(usual, unread_from), today)
    if sweep_at is None or sweep_at <= now:
        return Reading(window, None, sweep=True)
    overlap = max(timedelta(minutes=polling.overlap_minutes), LONGEST_READING)
    return Reading(window, last_good - overlap, sweep=False)


def next_sweep(school: str, polling: PollingSettings, now: datetime) -> datetime:
    """When the window is swept next: in the night, each school at its own minute of one hour."""
    day = now.astimezone(LONDON).date()
    tonight = local_datetime(day, polling.sweep_at) + _spread(school)
    if tonight > now:
        return tonight
    return local_datetime(day + timedelta(days=1), polling.sweep_at) + _spread(school)


def _place_in_interval(school: str, interval: int, now: datetime) -> datetime:
    offset = _hash(school) % interval
    seconds = int(now.timestamp())
    following = (seconds - offset) // interval * interval + offset + interval
    # A reading that took until just before the next place would otherwise start again at once.
    if following - seconds < interval / 2:
        following += interval
    return datetime.fromtimestamp(following, tz=UTC)


def _spread(school: str) -> timedelta:
    return _fraction(school, 3600)


def _fraction(school: str, seconds: int) -> timedelta:
    return timedelta(seconds=_hash(school) % seconds)


def _hash(school: str) -> int:
    return int.from_bytes(hashlib.sha256(school.encode()).digest()[:8])


def _days_back(calendar: SchoolCalendar, day: date, school_days: int) -> date:
    found = 0
    while found < school_days and day > calendar.year.first:
        day -= timedelta(days=1)
        found += calendar.is_school_day(day)
    return day
