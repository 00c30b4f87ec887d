"""Replay school days: walk the moments at which something became known or a wait ended."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.calendar import (
    AFTERNOON,
    MORNING,
    Session,
    local_minute,
    minutes_after_midnight,
)
from mis_bridge.registers.closures import CLOSED_BYTES
from mis_bridge.registers.codes import NOT_TAKEN, to_byte
from mis_bridge.registers.day_sheet import DayEvent, DaySheet, Entry, Slot, SlotKind
from mis_bridge.triggers import marks_disagree, register_anomaly, register_not_taken
from mis_bridge.triggers.closed_sessions import written_closed
from mis_bridge.triggers.day import look_at_minute
from mis_bridge.triggers.day_look import DayLook, moment
from mis_bridge.triggers.day_walk import MISSED, SAYS
from mis_bridge.triggers.model import PupilDay, SchoolDay
from mis_bridge.triggers.replay_closings import Closing, Known, closings
from mis_bridge.triggers.replay_model import Minutes, Replayed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from mis_bridge.triggers.model import Finding
    from mis_bridge.triggers.replay_model import EventRow, LessonRow, PupilRow, SessionRow

    Row = SessionRow | LessonRow
    Settings = Mapping[str, Mapping[str, Any]]

__all__ = ["replay_days"]

_SESSIONS: Final = {
    pm: Slot(name, SlotKind.SESSION, times.opens, times.ends, times.closes)
    for pm, name, times in ((False, Session.AM, MORNING), (True, Session.PM, AFTERNOON))
}


def replay_days(
    sessions: Iterable[SessionRow],
    lessons: Iterable[LessonRow],
    events: Iterable[EventRow],
    pupils: Mapping[str, PupilRow],
    as_of: datetime,
    settings: Settings,
) -> Iterator[Replayed]:
    """Replay all days of some registers.

    Args:
        sessions: statutory marks in the order in which they were given; of two marks of one slot
            the one that was known later counts.
        lessons: lesson marks, likewise.
        events: sign-ins, sign-outs and messages.
        pupils: pupil id -> what is known of the pupil; a pupil who is not in it has no form, no
            year group and no flags.
        as_of: nothing that became known later is looked at.
        settings: trigger id -> all parameters.
    """
    days = _Days()
    for session in sessions:
        days.add(session, _SESSIONS[session.pm])
    for lesson in lessons:
        days.add(lesson, days.lesson_slot(lesson))
    for event in events:
        days.add_event(event)
    reader = _Reader(pupils, days.minutes, settings)
    for day in sorted(days.marks):
        until = minutes_after_midnight(as_of, day)
        shut = reader.closings(day, days.marks[day])
        for group in reader.groups(day, days.marks[day], days.events.get(day, {})):
            yield from _replay(day, group, until, settings, shut)


class _Days:
    """Rows by day and pupil; no row is copied."""

    def __init__(self) -> None:
        self.marks: dict[date, dict[str, list[tuple[Row, Slot]]]] = {}
        self.events: dict[date, dict[str, list[DayEvent]]] = {}
        self.minutes = Minutes()
        self._slots: dict[tuple[str, int, int], Slot] = {}

    def lesson_slot(self, row: LessonRow) -> Slot:
        key = (row.period, row.starts, row.ends)
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = Slot(row.period, SlotKind.LESSON, row.starts, row.ends)
        return slot

    def add(self, row: Row, slot: Slot) -> None:
        pupils = self.marks.get(row.day)
        if pupils is None:
            pupils = self.marks[row.day] = defaultdict(list)
        pupils[row.pupil].append((row, slot))

    def add_event(self, row: EventRow) -> None:
        day, minute = local_minute(row.at)
        of_day = self.events.setdefault(day, {})
        of_day.setdefault(row.pupil, []).append(DayEvent(minute, row.kind, row.reason))


@dataclass(slots=True)
class _Pupil:
    """One pupil's day as it becomes known.

    Args:
        day: what is known so far; at first the timetable, blank.
        ahead: (minute at which it becomes known, slot, mark), the latest first.
        events: of the whole day, in order.
    """

    day: PupilDay
    ahead: list[tuple[int, Slot, Entry]]
    events: tuple[DayEvent, ...] = field(default=())

    def moments(self) -> Iterator[int]:
        """Give the minutes at which something becomes known."""
        if self.day.sheet.entries:
            yield 0
        for minute, _, _ in self.ahead:
            yield minute
        for event in self.events:
            yield event.minute

    def learn(self, minute: int) -> bool:
        """Take what is known by a minute; say whether that was anything."""
        sheet = self.day.sheet
        while self.ahead and self.ahead[-1][0] <= minute:
            _, slot, entry = self.ahead.pop()
            sheet = sheet.with_entry(slot, entry)
        # Events of a later minute are not known yet, also one that was booked ahead: the export
        # does not say when it was booked.
        events = self.day.events
        if len(events) < len(self.events):
            events = tuple(event for event in self.events if event.minute <= minute)
        if sheet is self.day.sheet and len(events) == len(self.day.events):
            return False
        old = self.day
        self.day = PupilDay(
            old.pupil, sheet, events, old.flags, old.year_group, old.form, old.care_began
        )
        return True


class _Reader:
    """Turns a day's rows into the pupils who have to be looked at, together or alone."""

    def __init__(
        self, pupils: Mapping[str, PupilRow], minutes: Minutes, settings: Settings
    ) -> None:
        self._pupils = pupils
        self._minutes = minutes
        self._wait = settings[register_not_taken.INFO.id]["minutes"]
        codes = settings[marks_disagree.INFO.id]["session_codes"]
        self._contradicted = frozenset(map(to_byte, codes))
        self._fewest = register_anomaly.fewest_absent(settings[register_anomaly.INFO.id])

    def groups(
        self,
        day: date,
        marks: Mapping[str, list[tuple[Row, Slot]]],
        events: Mapping[str, list[DayEvent]],
    ) -> Iterator[list[_Pupil]]:
        """Give those who share a register that could be odd as one group, the others singly.

        A pupil of whom no day trigger could say anything is in none.
        """
        absences: Counter[tuple[str, str]] = Counter()
        worth: set[str] = set()
        for pupil, rows in marks.items():
            for row, slot in rows:
                if SAYS[row.code] == MISSED:
                    worth.add(pupil)
                    absences[slot.name, self._group(row)] += 1
                elif pupil not in worth and self._is_worth(day, row, slot):
                    worth.add(pupil)
        suspects = {
            group for group, number in absences.items() if group[1] and number >= self._fewest
        }
        together = {
            pupil
            for pupil, rows in marks.items()
            if suspects and any((slot.name, self._group(row)) in suspects for row, slot in rows)
        }
        if together:
            yield [self._pupil(day, one, marks[one], events) for one in sorted(together)]
        for pupil in sorted(worth - together):
            yield [self._pupil(day, pupil, marks[pupil], events)]

    def closings(self, day: date, marks: Mapping[str, list[tuple[Row, Slot]]]) -> Sequence[Closing]:
        """Give the sessions that were closed for the whole school."""
        if not any(row.code in CLOSED_BYTES for rows in marks.values() for row, _ in rows):
            return ()
        known = {
            pupil: [Known(self._known(day, row, slot), slot, row.code) for row, slot in rows]
            for pupil, rows in marks.items()
        }
        return closings(known, AFTERNOON.opens)

    def _known(self, day: date, row: Row, slot: Slot) -> int:
        """Give the minute from which a mark is known."""
        if row.recorded is not None:
            return max(0, self._minutes.of(row.recorded, day))
        return slot.ends if slot.closes is None else slot.closes

    def _group(self, row: Row) -> str:
        register = getattr(row, "register", "")
        if register:
            return str(register)
        known = self._pupils.get(row.pupil)
        return known.form if known is not None else ""

    def _is_worth(self, day: date, row: Row, slot: Slot) -> bool:
        if row.code == NOT_TAKEN or row.code in self._contradicted:
            return True
        return (
            row.recorded is not None
            and slot.kind is SlotKind.LESSON
            and self._minutes.of(row.recorded, day) >= slot.starts + self._wait
        )

    def _pupil(
        self,
        day: date,
        pupil: str,
        rows: Sequence[tuple[Row, Slot]],
        events: Mapping[str, list[DayEvent]],
    ) -> _Pupil:
        """Order one pupil's rows by when they became known.

        A lesson that was saved at a known time was on the timetable before, and blank.
        """
        blank: dict[tuple[SlotKind, str], tuple[Slot, Entry]] = {}
        ahead: list[tuple[int, Slot, Entry]] = []
        for row, slot in rows:
            register = getattr(row, "register", "")
            if row.code == NOT_TAKEN if row.recorded is None else not slot.is_session:
                blank[slot.key] = (slot, Entry(NOT_TAKEN, register=register))
            known = self._known(day, row, slot)
            if row.recorded is not None:
                ahead.append((known, slot, Entry(row.code, known, register)))
            elif row.code != NOT_TAKEN:
                ahead.append((known, slot, Entry(row.code, None, register)))
        # Stable: of two marks of one minute the later row counts. Taken from the end.
        ahead.sort(key=lambda one: one[0])
        ahead.reverse()
        known_pupil = self._pupils.get(pupil)
        of_pupil = PupilDay(
            pupil,
            DaySheet(day, tuple(blank.values())),
            (),
            known_pupil.flags if known_pupil else frozenset(),
            known_pupil.year_group if known_pupil else None,
            known_pupil.form if known_pupil else "",
            known_pupil.care_began if known_pupil else None,
        )
        its_events = sorted(events.get(pupil, ()), key=lambda event: event.minute)
        return _Pupil(of_pupil, ahead, tuple(its_events))


@dataclass(slots=True)
class _Open:
    """A finding that is true at the moment of the replay."""

    finding: Finding
    fired: int


def _replay(
    day: date,
    pupils: Sequence[_Pupil],
    until: int,
    settings: Settings,
    shut: Sequence[Closing],
) -> Iterator[Replayed]:
    moments = sorted(
        {
            *(closing.minute for closing in shut),
            *(moment for pupil in pupils for moment in pupil.moments()),
        },
        reverse=True,
    )
    opened: dict[tuple[str, ...], _Open] = {}
    wake: int | None = None
    while moments or wake is not None:
        minute = min(m for m in (wake, moments[-1] if moments else None) if m is not None)
        if minute > until:
            break
        while moments and moments[-1] <= minute:
            moments.pop()
        for pupil in pupils:
            pupil.learn(minute)
        look = DayLook(day, minute, settings)
        closed = [closing.slot for closing in shut if closing.minute <= minute]
        days = [written_closed(one.day, closed) if closed else one.day for one in pupils]
        findings, _ = look_at_minute(SchoolDay(day, days), look)
        wake = look.wake
        true_now = {finding.identity: finding for finding in findings}
        for identity in [identity for identity in opened if identity not in true_now]:
            yield _closed(day, opened.pop(identity), minute)
        for identity, finding in true_now.items():
            known = opened.get(identity)
            if known is None:
                opened[identity] = _Open(finding, minute)
            elif finding.level > known.finding.level:
                known.finding = finding
    for one in opened.values():
        yield _closed(day, one, None)


def _closed(day: date, one: _Open, minute: int | None) -> Replayed:
    return Replayed(
        one.finding,
        moment(day, one.fired),
        None if minute is None else moment(day, minute),
        one.finding.level,
    )
