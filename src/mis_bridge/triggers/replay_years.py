"""Replay pupils' years: day by day, as each session's mark became known."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.ages import compulsory_school_age
from mis_bridge.registers.calendar import (
    AFTERNOON,
    MORNING,
    AcademicYear,
    Closure,
    SchoolCalendar,
    local_datetime,
    local_minute,
)
from mis_bridge.registers.codes import (
    ABSENCE_BYTES,
    NO_SESSION,
    NOT_TAKEN,
    POSSIBLE_BYTES,
    to_byte,
)
from mis_bridge.registers.lateness import LATE_BYTES
from mis_bridge.registers.strip import Strip
from mis_bridge.triggers.model import PupilYear
from mis_bridge.triggers.replay_model import Minutes, Replayed
from mis_bridge.triggers.year_look import YearLook
from mis_bridge.triggers.year_walk import counted_span
from mis_bridge.triggers.years import OF_YEARS, Asked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from mis_bridge.triggers.model import Finding
    from mis_bridge.triggers.replay_model import PupilRow, SessionRow

    Settings = Mapping[str, Mapping[str, Any]]

    Moment = tuple[date, int]

__all__ = ["calendar_of", "open_days_of", "replay_years", "strips_of"]

_MINUTES_A_DAY: Final = 24 * 60

_CLOSED: Final = to_byte("#")
_IS_POSSIBLE: Final = bytes(byte in POSSIBLE_BYTES for byte in range(256))
_NOTABLE: Final = ABSENCE_BYTES + LATE_BYTES
_IS_ABSENT: Final = bytes(byte in ABSENCE_BYTES for byte in range(256))


def replay_years(
    sessions: Sequence[SessionRow],
    pupils: Mapping[str, PupilRow],
    as_of: datetime,
    settings: Settings,
) -> Iterator[Replayed]:
    """Replay the strip triggers over all academic years of some registers.

    A year is looked at at the end of each day on which something of it became known; what is found
    counts from the close of that day's afternoon register.

    Args:
        sessions: in the order in which they were given; of two marks of one session the one that
            was known later counts.
        pupils: pupil id -> what is known of the pupil.
        as_of: nothing that became known later is looked at.
        settings: trigger id -> all parameters.
    """
    rows: dict[AcademicYear, dict[str, list[SessionRow]]] = {}
    for row in sessions:
        by_pupil = rows.setdefault(AcademicYear.of(row.day), defaultdict(list))
        by_pupil[row.pupil].append(row)
    open_days = open_days_of(sessions)
    until, minutes = local_minute(as_of), Minutes()
    ended: dict[str, Strip] = {}
    for year in sorted(rows):
        calendar = calendar_of(
            year, open_days, (row.day for of in rows[year].values() for row in of)
        )
        for pupil in sorted(rows[year]):
            empty = _pupil_year(pupil, pupils.get(pupil), calendar)
            pupil_year = _Year(replace(empty, before=ended.get(pupil)), settings)
            by_day = _known(rows[year][pupil], year, until, minutes)
            yield from pupil_year.replay(by_day, until)
            ended[pupil] = pupil_year.strip


def strips_of(sessions: Iterable[SessionRow], as_of: datetime) -> Iterator[tuple[str, Strip]]:
    """Give (pupil id, strip) of each pupil and academic year, as it was known at a moment."""
    rows: dict[tuple[AcademicYear, str], list[SessionRow]] = defaultdict(list)
    for row in sessions:
        rows[AcademicYear.of(row.day), row.pupil].append(row)
    until, minutes = local_minute(as_of), Minutes()
    for (year, pupil), of_pupil in rows.items():
        marks = bytearray(Strip.empty(year).marks)
        for _, known in sorted(_known(of_pupil, year, until, minutes).items()):
            for slot, byte in known:
                marks[slot] = byte
        yield pupil, Strip(year, bytes(marks))


def open_days_of(sessions: Iterable[SessionRow]) -> set[date]:
    """Give the days on which anybody has a mark that is no planned closure."""
    return {row.day for row in sessions if row.code not in (_CLOSED, NO_SESSION)}


def calendar_of(year: AcademicYear, open_days: set[date], days: Iterable[date]) -> SchoolCalendar:
    """Give the calendar that the marks tell of: a weekday without a mark but # was closed."""
    marked = set(days)
    first, last = min(marked), max(marked)
    between = ((first + timedelta(days=number)) for number in range((last - first).days + 1))
    closures = tuple(
        Closure(day, day, "no session in the registers") for day in between if day not in open_days
    )
    return SchoolCalendar(year, first, last, closures)


def _pupil_year(pupil: str, known: PupilRow | None, calendar: SchoolCalendar) -> PupilYear:
    ages = compulsory_school_age(known.dob) if known is not None and known.dob else (None, None)
    return PupilYear(
        pupil,
        Strip.empty(calendar.year),
        calendar,
        ages[0],
        ages[1],
        known.year_group if known is not None else None,
        known.flags if known is not None else frozenset(),
    )


def _known(
    rows: Iterable[SessionRow], year: AcademicYear, as_of: Moment, minutes: Minutes
) -> dict[date, list[tuple[int, int]]]:
    """Give (slot, byte) by the day from which a mark counts, in the order of becoming known.

    A mark that was saved ahead counts from its own day.
    """
    ordered: list[tuple[date, int, int, int]] = []
    for row in rows:
        day = row.day
        if row.recorded is not None:
            minute = max(0, minutes.of(row.recorded, day))
            if minute >= _MINUTES_A_DAY:
                later, minute = divmod(minute, _MINUTES_A_DAY)
                day += timedelta(days=later)
        else:
            minute = 0 if row.code == NOT_TAKEN else (AFTERNOON if row.pm else MORNING).closes
        if (day, minute) <= as_of:
            ordered.append((day, minute, year.slot(row.day, row.pm), row.code))
    ordered.sort(key=lambda one: one[:2])
    by_day: dict[date, list[tuple[int, int]]] = defaultdict(list)
    for day, _, slot, byte in ordered:
        by_day[day].append((slot, byte))
    return by_day


class _Year:
    """One pupil's year as it becomes known."""

    def __init__(self, empty: PupilYear, settings: Settings) -> None:
        self._pupil_year = empty
        self._marks = bytearray(empty.strip.marks)
        year = empty.strip.year
        first, last = counted_span(year, empty.year_group)
        self._counted = range(year.slot(first, pm=False), year.slot(last, pm=True) + 1)
        self._possible = self._absent = 0
        before = empty.before.marks if empty.before else b""
        # Without any of these marks nothing is true that is not a share of missed sessions.
        self._notable = sum(map(before.count, _NOTABLE))
        on = [trigger for trigger in OF_YEARS if settings[trigger.INFO.id]["enabled"]]
        self._asked = Asked.of(on, empty.year_group, settings)
        self._open: dict[tuple[str, str], tuple[Finding, date]] = {}

    def replay(
        self, by_day: Mapping[date, list[tuple[int, int]]], as_of: Moment
    ) -> Iterator[Replayed]:
        """Walk the days; what is still open at their end is given last."""
        closes = self._pupil_year.calendar.pm.closes
        for day in sorted(by_day):
            if (day, closes) > as_of:
                break
            for slot, byte in by_day[day]:
                self._write(slot, byte)
            yield from self._look(day)
        for finding, fired in self._open.values():
            yield self._replayed(finding, fired, None)

    def _write(self, slot: int, byte: int) -> None:
        old = self._marks[slot]
        self._marks[slot] = byte
        self._notable += (byte in _NOTABLE) - (old in _NOTABLE)
        if slot in self._counted:
            self._possible += _IS_POSSIBLE[byte] - _IS_POSSIBLE[old]
            self._absent += _IS_ABSENT[byte] - _IS_ABSENT[old]

    def _look(self, day: date) -> Iterator[Replayed]:
        true_now = self._true_on(day) if self._notable else set()
        for key in [key for key in self._open if key not in true_now]:
            finding, fired = self._open.pop(key)
            yield self._replayed(finding, fired, day)

    def _true_on(self, day: date) -> set[tuple[str, str]]:
        """Ask the triggers; what became true begins to be open."""
        look = YearLook(self._so_far(), day)
        true_now: set[tuple[str, str]] = set()
        for level, band, parameters in self._asked.levels:
            key = (level.INFO.id, "")
            if band.holds(self._possible, self._absent):
                true_now.add(key)
                # It stays as it was when it became true: the walk back is for then.
                if key not in self._open:
                    self._fire(level.evaluate(look, parameters), day)
        for trigger, parameters in self._asked.others:
            finding = trigger.evaluate(look, parameters)
            if finding is not None:
                true_now.add((finding.trigger, finding.episode))
                self._fire(finding, day)
        return true_now

    @property
    def strip(self) -> Strip:
        """What is known so far."""
        return Strip(self._pupil_year.strip.year, bytes(self._marks))

    def _so_far(self) -> PupilYear:
        return replace(self._pupil_year, strip=self.strip)

    def _fire(self, finding: Finding | None, day: date) -> None:
        if finding is None:
            return
        known, fired = self._open.setdefault((finding.trigger, finding.episode), (finding, day))
        if finding.level > known.level:
            self._open[finding.trigger, finding.episode] = (finding, fired)

    def _replayed(self, finding: Finding, fired: date, cleared: date | None) -> Replayed:
        closes = self._pupil_year.calendar.pm.closes
        return Replayed(
            finding,
            local_datetime(fired, closes),
            None if cleared is None else local_datetime(cleared, closes),
            finding.level,
        )
