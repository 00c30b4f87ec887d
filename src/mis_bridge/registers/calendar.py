"""The academic year, the school's calendar, and local time.

A mark's place in the year is its slot: ``2 * days since 1 August + (1 if afternoon)``. Times of day
are minutes after local midnight in Europe/London; conversions to and from aware times are here and
nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from mis_bridge.errors import DateOutsideYear

__all__ = [
    "AFTERNOON",
    "LONDON",
    "MORNING",
    "AcademicYear",
    "Closure",
    "SchoolCalendar",
    "Session",
    "SessionTimes",
    "local_datetime",
    "local_minute",
    "minutes_after_midnight",
    "monday_of",
]

LONDON: Final = ZoneInfo("Europe/London")

_AUGUST: Final = 8
_DAY: Final = timedelta(days=1)
_MINUTES_A_DAY: Final = 24 * 60
_SATURDAY: Final = 5
_WEEK: Final = timedelta(days=7)


class Session(StrEnum):
    """Half a school day; each has one mark."""

    AM = "AM"
    PM = "PM"


@dataclass(frozen=True, slots=True, order=True)
class AcademicYear:
    """1 August to 31 July, the span of one strip.

    Args:
        start: calendar year of its 1 August: 2025 for 2025/26.
    """

    start: int

    @classmethod
    def of(cls, day: date) -> AcademicYear:
        """Give the academic year that contains the day."""
        return cls(day.year if day.month >= _AUGUST else day.year - 1)

    @property
    def first(self) -> date:
        """1 August."""
        return date(self.start, _AUGUST, 1)

    @property
    def last(self) -> date:
        """31 July."""
        return date(self.start + 1, _AUGUST, 1) - _DAY

    @property
    def slots(self) -> int:
        """Number of slots: 730, or 732 where the year has a 29 February."""
        return 2 * ((self.last - self.first).days + 1)

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def __str__(self) -> str:
        return f"{self.start}/{(self.start + 1) % 100:02d}"

    def slot(self, day: date, pm: bool) -> int:  # noqa: FBT001 - there are two sessions a day
        """Give the slot of a session, from 0.

        Raises:
            DateOutsideYear: the day is not in this academic year.
        """
        days = day.toordinal() - self.first.toordinal()
        if days < 0 or 2 * days >= self.slots:
            raise DateOutsideYear(
                f"{day.isoformat()} is not in the academic year {self}, which runs from "
                f"{self.first.isoformat()} to {self.last.isoformat()}"
            )
        return 2 * days + pm

    def day_of(self, slot: int) -> tuple[date, bool]:
        """Give the day of a slot and whether it is the afternoon; the reverse of ``slot``.

        Raises:
            DateOutsideYear: the slot is below 0 or not below ``slots``.
        """
        if not 0 <= slot < self.slots:
            raise DateOutsideYear(f"slot {slot} is not in the academic year {self}")
        return self.first + timedelta(days=slot // 2), bool(slot % 2)


@dataclass(frozen=True, slots=True)
class Closure:
    """Days, or one session of each of them, on which the school is planned to be closed.

    Args:
        first, last: the span, both days included.
        why: for people ("autumn half term").
        session: None where the whole day is closed.
    """

    first: date
    last: date
    why: str
    session: Session | None = None

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(
                f"closure {self.why!r} ends on {self.last.isoformat()}, before it begins on "
                f"{self.first.isoformat()}"
            )

    def covers(self, day: date, session: Session) -> bool:
        """Whether that session does not take place for this closure."""
        return self.first <= day <= self.last and self.session in (None, session)


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """When a session's register opens and closes, in minutes after local midnight.

    Args:
        opens: the register begins to be taken.
        closes: from here on an arriving pupil is U, not L. Guidance: at most 30 minutes later.
        ends: the session is over.
    """

    opens: int
    closes: int
    ends: int

    def __post_init__(self) -> None:
        if not 0 <= self.opens < self.closes <= self.ends <= _MINUTES_A_DAY:
            raise ValueError(
                f"a session opens, closes its register and ends in this order within one day, "
                f"got minutes {self.opens}, {self.closes}, {self.ends}"
            )


# Where a school says nothing: a usual school day, each register open for the 30 minutes at most.
MORNING: Final = SessionTimes(opens=8 * 60 + 45, closes=9 * 60 + 15, ends=12 * 60 + 15)
AFTERNOON: Final = SessionTimes(opens=13 * 60, closes=13 * 60 + 30, ends=15 * 60 + 10)


@dataclass(frozen=True, slots=True)
class SchoolCalendar:
    """When one school has sessions in one academic year. Weekends never have any.

    Args:
        year: the academic year.
        first_day, last_day: first and last day of term in that year.
        closures: holidays, bank holidays, training days; may overlap.
        am, pm: times of the sessions, the same on every day.
    """

    year: AcademicYear
    first_day: date
    last_day: date
    closures: tuple[Closure, ...] = ()
    am: SessionTimes = MORNING
    pm: SessionTimes = AFTERNOON
    _days: tuple[date, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.last_day < self.first_day:
            raise ValueError(
                f"the last day {self.last_day.isoformat()} is before the first day "
                f"{self.first_day.isoformat()}"
            )
        for day in (self.first_day, self.last_day):
            self.year.slot(day, pm=False)
        # Worked out once: deadlines and runs ask for school days again and again.
        span = range(self.first_day.toordinal(), self.last_day.toordinal() + 1)
        closed: dict[Session, set[int]] = {session: set() for session in Session}
        for closure in self.closures:
            for session in closed if closure.session is None else (closure.session,):
                closed[session].update(
                    range(
                        max(closure.first.toordinal(), span.start),
                        min(closure.last.toordinal() + 1, span.stop),
                    )
                )
        whole = set.intersection(*closed.values())
        weekdays = (day for day in map(date.fromordinal, span) if day.weekday() < _SATURDAY)
        days = tuple(day for day in weekdays if day.toordinal() not in whole)
        object.__setattr__(self, "_days", days)

    def times(self, session: Session) -> SessionTimes:
        """Give the times of a session."""
        return self.am if session is Session.AM else self.pm

    def has_session(self, day: date, session: Session) -> bool:
        """Whether the school has this session."""
        return (
            self.first_day <= day <= self.last_day
            and day.weekday() < _SATURDAY
            and not any(closure.covers(day, session) for closure in self.closures)
        )

    def is_school_day(self, day: date) -> bool:
        """Whether the school has at least one session on this day."""
        return any(self.has_session(day, session) for session in Session)

    def why_closed(self, day: date, session: Session) -> str:
        """Say why there is no session, empty where there is one."""
        if self.has_session(day, session):
            return ""
        if day.weekday() >= _SATURDAY:
            return "weekend"
        for closure in self.closures:
            if closure.covers(day, session):
                return closure.why
        return "outside term"

    def school_days(self, first: date | None = None, last: date | None = None) -> list[date]:
        """List the school days of the span, both ends included; of the whole year by default."""
        lower = first or self.first_day
        upper = last or self.last_day
        return [day for day in self._days if lower <= day <= upper]

    def add_school_days(self, day: date, count: int) -> date:
        """Give the school day that many school days after the day (before it, if negative).

        Day 1 is the next school day, whether or not the day itself is one; 0 gives the day itself.

        Raises:
            DateOutsideYear: this year's calendar ends before.
        """
        if count == 0:
            return day
        if count > 0:
            following = [candidate for candidate in self._days if candidate > day]
            found = following[count - 1 : count]
        else:
            before = [candidate for candidate in reversed(self._days) if candidate < day]
            found = before[-count - 1 : -count]
        if not found:
            raise DateOutsideYear(
                f"{abs(count)} school days {'after' if count > 0 else 'before'} "
                f"{day.isoformat()} lie outside the school's calendar of {self.year}, "
                f"{self.first_day.isoformat()} to {self.last_day.isoformat()}"
            )
        return found[0]

    def school_days_between(self, first: date, last: date) -> int:
        """Count the school days after ``first`` up to and including ``last``."""
        return sum(1 for day in self._days if first < day <= last)

    def school_weeks(self) -> list[date]:
        """List the Mondays of the weeks that have at least one school session."""
        return sorted({monday_of(day) for day in self._days})

    def half_terms(self) -> list[tuple[date, date]]:
        """List first and last school day of each half term.

        Half terms are what lies between breaks; a break is a whole Monday to Friday without
        school.
        """
        spans: list[tuple[date, date]] = []
        for day in self._days:
            if spans and monday_of(day) - monday_of(spans[-1][1]) <= _WEEK:
                spans[-1] = (spans[-1][0], day)
            else:
                spans.append((day, day))
        return spans


def monday_of(day: date) -> date:
    """Give the Monday of the week of the day; weeks begin on Monday."""
    return day - timedelta(days=day.weekday())


def local_datetime(day: date, minute: int) -> datetime:
    """Give the aware time of a local minute.

    A minute from 1440 on lies on a later day. An hour that the clocks skip is moved on by an hour,
    an hour that they repeat means its first pass.

    Args:
        day: local date.
        minute: minutes after local midnight, as a clock on the wall shows them.
    """
    days, minute = divmod(minute, _MINUTES_A_DAY)
    local = datetime.combine(day + days * _DAY, time(minute // 60, minute % 60), tzinfo=LONDON)
    return local.astimezone(UTC).astimezone(LONDON)


def local_minute(at: datetime) -> tuple[date, int]:
    """Give the local date and the minute after local midnight of an aware time.

    Raises:
        ValueError: the time carries no offset, so nobody can say when it was.
    """
    if at.tzinfo is None:
        raise ValueError("a time without an offset has no place on a local clock")
    local = at.astimezone(LONDON)
    return local.date(), local.hour * 60 + local.minute


def minutes_after_midnight(at: datetime, day: date) -> int:
    """Give the minutes by the wall clock from local midnight of ``day`` to an aware time.

    1440 and more on later days, negative on earlier ones; the reverse of ``local_datetime``.
    """
    on, minute = local_minute(at)
    return (on - day).days * _MINUTES_A_DAY + minute
