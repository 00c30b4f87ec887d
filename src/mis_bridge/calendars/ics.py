"""Term dates out of an iCalendar file, and a school's calendar as one.

What an event means is read from the words of its title, and the words are settings. A term is an
event of several days, or two that say that it starts and that it ends. What lies between two terms
is closed, and so is what an event says is closed. An event whose title means two things, or that
repeats, is named and not used; all others (concerts, parents' evenings) are passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import DataError
from mis_bridge.registers.calendar import (
    AFTERNOON,
    LONDON,
    MORNING,
    AcademicYear,
    Closure,
    SchoolCalendar,
    Session,
    local_minute,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import icalendar

    from mis_bridge.registers.calendar import SessionTimes

__all__ = ["CLOSED", "ENDS", "IGNORE", "STARTS", "TERM", "Given", "Words", "read_ics", "write_ics"]

CLOSED: Final = (
    "half term",
    "holiday",
    "holidays",
    "inset",
    "training day",
    "occasional day",
    "non pupil day",
    "school closed",
    "closure",
    "bank holiday",
)
STARTS: Final = ("term starts", "term begins", "start of term", "first day of term")
ENDS: Final = ("term ends", "term finishes", "end of term", "last day of term")
TERM: Final = ("term",)
IGNORE: Final = ("club", "fair", "homework", "revision")

_MEANS: Final = "X-MIS-BRIDGE-MEANS"
"""What an event means, said outright; our own files have it."""

_DAY: Final = timedelta(days=1)
_LARGEST: Final = 4 * 1024 * 1024
_LONGEST: Final = 400
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class Words:
    """What the titles of events mean: each phrase matches if all of its words are in the title.

    Args:
        closed: the school is closed; an event with times closes the sessions whose register would
            close in it.
        starts, ends: first and last day of a term.
        term: an event of several days with such a title, and no other meaning, is a term.
        ignore: a title with such a word is passed over, whatever else it says.
    """

    closed: tuple[str, ...] = CLOSED
    starts: tuple[str, ...] = STARTS
    ends: tuple[str, ...] = ENDS
    term: tuple[str, ...] = TERM
    ignore: tuple[str, ...] = IGNORE

    def meanings(self, title: str) -> set[str]:
        """Give what a title means: ``closed``, ``starts``, ``ends``; ``term`` if none of them."""
        words = set(re.findall(r"[^\W_]+", title.casefold()))

        def says(phrases: tuple[str, ...]) -> bool:
            return any(set(phrase.casefold().split()) <= words for phrase in phrases)

        if says(self.ignore):
            return set()
        meant = {
            name
            for name, phrases in (
                ("closed", self.closed),
                ("starts", self.starts),
                ("ends", self.ends),
            )
            if says(phrases)
        }
        return meant or ({"term"} if says(self.term) else set())


@dataclass(frozen=True, slots=True)
class Given:
    """What an iCalendar file says.

    Args:
        calendars: one an academic year, in order.
        problems: what could not be used and why, for people.
    """

    calendars: tuple[SchoolCalendar, ...]
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class _Dates:
    """What the events say of one academic year."""

    starts: set[date] = field(default_factory=set)
    ends: set[date] = field(default_factory=set)
    closures: list[Closure] = field(default_factory=list)


def read_ics(
    data: bytes,
    words: Words | None = None,
    *,
    am: SessionTimes = MORNING,
    pm: SessionTimes = AFTERNOON,
) -> Given:
    """Read the calendars of all academic years that a file gives.

    Args:
        data: the file.
        words: what the titles mean.
        am: times of the school's morning session.
        pm: times of its afternoon session.

    Raises:
        DataError: this is no iCalendar file, or it gives not one school year; says why.
    """
    import icalendar

    if len(data) > _LARGEST:
        raise DataError(f"it is larger than {_LARGEST // 1024 // 1024} MiB: that is no calendar")
    try:
        events = [
            event
            for event in icalendar.Calendar.from_ical(data).walk("VEVENT")
            if isinstance(event, icalendar.Event)
        ]
    except (ValueError, KeyError, IndexError):
        # The library's text quotes the file.
        raise DataError("this is not an iCalendar file, or it is cut short") from None
    years: dict[AcademicYear, _Dates] = {}
    problems: list[str] = []
    for event in events:
        problem = _take(event, words or Words(), (am, pm), years)
        if problem:
            problems.append(problem)
    calendars = []
    for year, dates in sorted(years.items()):
        try:
            calendars.append(_calendar(year, dates, (am, pm)))
        except DataError as error:
            problems.append(str(error))
    if not calendars:
        told = "; ".join(problems) or "no event says when a term starts and ends"
        raise DataError(f"it gives no school year: {told}")
    return Given(tuple(calendars), tuple(problems))


def _take(
    event: icalendar.Event,
    words: Words,
    times: tuple[SessionTimes, SessionTimes],
    years: dict[AcademicYear, _Dates],
) -> str:
    """Take what an event says; gives why it can not be used, or nothing."""
    title = " ".join(str(event.get("SUMMARY", "")).split())[:80]
    said = str(event.get(_MEANS, ""))
    meant = {said} if said in {"closed", "starts", "ends"} else words.meanings(title)
    if not meant or str(event.get("STATUS", "")).upper() == "CANCELLED":
        return ""
    if len(meant) > 1:
        return f'"{title}" can mean two things ({" and ".join(sorted(meant))})'
    moments = _moments(event)
    if moments is None:
        return f'"{title}" has no day that can be read'
    if "RRULE" in event or "RDATE" in event:
        return f'"{title}" repeats: write each day as an event of its own'
    first, last = _days(*moments)
    if first <= last <= first + _LONGEST * _DAY:
        _note(meant.pop(), title, moments, (first, last), times, years)
        return ""
    return f'"{title}" ends before it begins, or lasts for more than a year'


def _moments(event: icalendar.Event) -> tuple[date, date | None] | None:
    """Give from when until when, as they are written; None where nobody can read it."""
    try:
        begins = event.decoded("DTSTART")
        ends = event.decoded("DTEND") if "DTEND" in event else None
        if ends is None and "DURATION" in event:
            ends = begins + event.decoded("DURATION")
    except (KeyError, ValueError, TypeError):
        return None
    return (begins, ends) if isinstance(begins, date) and isinstance(ends, date | None) else None


def _note(
    what: str,
    title: str,
    moments: tuple[date, date | None],
    span: tuple[date, date],
    times: tuple[SessionTimes, SessionTimes],
    years: dict[AcademicYear, _Dates],
) -> None:
    first, last = span
    if what == "closed":
        closures = (
            _sessions(title, *moments, times)
            if isinstance(moments[0], datetime)
            else [Closure(first, last, title)]
        )
        for closure in closures:
            for year in {AcademicYear.of(closure.first), AcademicYear.of(closure.last)}:
                years.setdefault(year, _Dates()).closures.append(closure)
        return
    if what == "starts" or (what == "term" and first < last):
        years.setdefault(AcademicYear.of(first), _Dates()).starts.add(first)
    if what == "ends" or (what == "term" and first < last):
        years.setdefault(AcademicYear.of(last), _Dates()).ends.add(last)


def _days(begins: date, ends: date | None) -> tuple[date, date]:
    """Give first and last day of an event; the end of one of whole days is the day after it."""
    if isinstance(begins, datetime):
        first, _ = local_minute(_aware(begins))
        if not isinstance(ends, datetime):
            return first, first
        return first, local_minute(max(_aware(begins), _aware(ends) - timedelta(minutes=1)))[0]
    if ends is None:
        return begins, begins
    last = ends.date() if isinstance(ends, datetime) else ends - _DAY
    # Some programs write one day as from that day until that day.
    return begins, begins if last == begins - _DAY else last


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=LONDON)


def _sessions(
    title: str,
    begins: date,
    ends: date | None,
    times: tuple[SessionTimes, SessionTimes],
) -> Iterator[Closure]:
    """Give the sessions whose register would close during an event with times."""
    first, last = _days(begins, ends)
    if not isinstance(begins, datetime) or not isinstance(ends, datetime):
        yield Closure(first, last, title)
        return
    for number in range((last - first).days + 1):
        day = first + number * _DAY
        for session, of_session in zip(Session, times, strict=True):
            closes = datetime.combine(
                day, time(of_session.closes // 60, of_session.closes % 60), LONDON
            )
            if _aware(begins) <= closes <= _aware(ends):
                yield Closure(day, day, title, session)


def _calendar(
    year: AcademicYear, dates: _Dates, times: tuple[SessionTimes, SessionTimes]
) -> SchoolCalendar:
    """Put one academic year together.

    Raises:
        DataError: nobody can say when it begins or ends, or what lies between two terms.
    """
    if not dates.starts or not dates.ends:
        missing = "starts" if not dates.starts else "ends"
        raise DataError(f"{year}: no event says when a term {missing}")
    first, last = min(dates.starts), max(dates.ends)
    if last < first:
        raise DataError(f"{year}: the last term ends before the first one starts")
    calendar = SchoolCalendar(year, first, last, _in_order(dates.closures), *times)
    gaps = []
    for ended in sorted(dates.ends - {last}):
        back = min((one for one in dates.starts if one > ended), default=None)
        again = min(one for one in dates.ends if one > ended)
        if back is not None and back <= again:
            if back > ended + _DAY:
                gaps.append(Closure(ended + _DAY, back - _DAY, "between terms"))
        elif calendar.is_school_day(_next_weekday(ended)):
            raise DataError(
                f"{year}: a term ends on {ended.isoformat()} and no event says when the next starts"
            )
    return replace(calendar, closures=(*calendar.closures, *gaps))


def _next_weekday(day: date) -> date:
    day += _DAY
    while day.weekday() >= _SATURDAY:
        day += _DAY
    return day


def _in_order(closures: Iterable[Closure]) -> tuple[Closure, ...]:
    by_time = {(one.first, one.last, one.session or "", one.why): one for one in closures}
    return tuple(by_time[key] for key in sorted(by_time))


def write_ics(calendars: Iterable[SchoolCalendar], *, name: str, stamp: datetime) -> bytes:
    """Write calendars so that ``read_ics`` gives the same school days, for Outlook and the like.

    Args:
        calendars: of one school.
        name: of the school.
        stamp: when it is written, aware.
    """
    import icalendar

    made = icalendar.Calendar()
    made.add("prodid", "-//mis-bridge//term dates//EN")
    made.add("version", "2.0")
    made.add("x-wr-calname", name)
    for calendar in calendars:
        for means, day in (("starts", calendar.first_day), ("ends", calendar.last_day)):
            title = f"Term {means} ({calendar.year})"
            made.add_component(_event(means, title, (day, day + _DAY), stamp, means))
        for number, closure in enumerate(calendar.closures):
            title = f"School closed: {closure.why}"
            for span in _events_of(closure, calendar):
                made.add_component(_event("closed", title, span, stamp, f"closure-{number}"))
    return bytes(made.to_ical())


def _events_of(closure: Closure, calendar: SchoolCalendar) -> Iterator[tuple[date, date]]:
    """Give from when until when: whole days, or the times of one session on each of them."""
    if closure.session is None:
        yield closure.first, closure.last + _DAY
        return
    times = calendar.times(closure.session)
    for number in range((closure.last - closure.first).days + 1):
        day = closure.first + number * _DAY
        opens, ends = (
            datetime.combine(day, time(minute // 60, minute % 60), LONDON)
            for minute in (times.opens, min(times.ends, 24 * 60 - 1))
        )
        yield opens.astimezone(UTC), ends.astimezone(UTC)


def _event(
    means: str, title: str, span: tuple[date, date], stamp: datetime, place: str
) -> icalendar.Event:
    import icalendar

    event = icalendar.Event()
    event.add("summary", title)
    event.add("dtstart", span[0])
    event.add("dtend", span[1])
    event.add("dtstamp", stamp.astimezone(UTC))
    event.add("uid", f"{span[0]:%Y%m%d%H%M}-{place}@mis-bridge")
    event.add(_MEANS, means)
    return event
